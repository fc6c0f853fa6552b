"""The GitLab CI file of a build plan, and how to tell that a CI file is ours. Pure."""

import hashlib
import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from io import StringIO

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

from sledgehammer.operations import CacheFolder, Text
from sledgehammer.plan import BuildPlan
from sledgehammer.project import Project
from sledgehammer.shell import render_script
from sledgehammer_gitlab.script_block import literal_block
from sledgehammer_gitlab.settings import IdToken, Settings

CI_FILE = ".gitlab-ci.yml"

JOB = "build"
"""The name of our job."""

TLS_PORT = DoubleQuotedScalarString("2376")

RETRIED = ("runner_system_failure", "stuck_or_timeout_failure", "scheduler_failure", "api_failure")
"""Failures of GitLab's own machinery (CI/CD YAML reference, `retry:when`); a failing script is not run twice."""

_STAND_IN = "script\n"

_HEADER = re.compile(r"# Managed by sledge \(format 1, content ([0-9a-f]{12})\)[^\n]*\n", re.ASCII)


class Origin(Enum):
    """Whose a CI file is."""

    OURS = "ours"
    EDITED = "edited"  # ours, then changed by hand
    FOREIGN = "foreign"


def render_ci_text(project: Project, settings: Settings, plan: BuildPlan) -> str:
    """The text of `.gitlab-ci.yml`: one job that runs the plan's script in docker-in-docker over TLS."""
    script = render_script(plan)
    block = literal_block(script)
    frame = _frame(project, settings, plan)
    if block is None:
        body = _written(frame, script)
    else:
        body = _written(frame, _STAND_IN).removesuffix(literal_block(_STAND_IN) or "") + block  # the script comes last
    return f"# Managed by sledge (format 1, content {_digest(body)}): change sledge.yaml instead\n{body}"


def origin_of(text: str) -> Origin:
    """Whose this CI file is, told by its first line and the digest there."""
    header = _HEADER.match(text)
    if header is None:
        return Origin.FOREIGN
    return Origin.OURS if header[1] == _digest(text[header.end() :]) else Origin.EDITED


def content_digest(text: str) -> str:
    """The digest that stands for a CI file's text in a plan, its first line included."""
    return _digest(text)


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """All that a job says besides its script: many projects have the same."""

    docker_version: str
    runner_tags: tuple[str, ...]
    id_tokens: tuple[tuple[str, IdToken], ...]
    timeout_minutes: int
    cache: CacheFolder | None


def _frame(project: Project, settings: Settings, plan: BuildPlan) -> _Frame:
    folders = [operation for operation in plan.operations if isinstance(operation, CacheFolder)]
    return _Frame(
        docker_version=project.docker_version,
        runner_tags=settings.runner_tags,
        id_tokens=tuple(settings.id_tokens.items()),
        timeout_minutes=settings.timeout_minutes,
        cache=folders[-1] if folders else None,
    )


@lru_cache(maxsize=64)
def _written(frame: _Frame, script: str) -> str:
    """As YAML, which takes longer than all else of a CI file."""
    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 4096  # no line of a script is ever folded
    out = StringIO()
    yaml.dump({"workflow": _workflow(), JOB: _job(frame, script)}, out)
    return out.getvalue()


def _workflow() -> dict[str, object]:
    """Pipelines for branches and tags; a merge request's branch has its own already, so none is made twice."""
    return {
        "rules": [
            {"if": '$CI_PIPELINE_SOURCE == "merge_request_event"', "when": "never"},
            {"if": "$CI_COMMIT_BRANCH"},
            {"if": "$CI_COMMIT_TAG"},
        ]
    }


def _job(frame: _Frame, script: str) -> dict[str, object]:
    """Without entrypoints (Kubernetes executor) the docker image sets none of the DOCKER_* variables, so the job
    does: docs.gitlab.com/ci/docker/using_docker_build, "Docker-in-Docker with TLS enabled"."""
    job: dict[str, object] = {
        "image": f"docker:{frame.docker_version}-cli",
        "services": [
            {
                "name": f"docker:{frame.docker_version}-dind",
                "alias": "docker",
                # dind exposes 2375 as well, where nobody listens once TLS is on: runners would wait for it
                "variables": {"HEALTHCHECK_TCP_PORT": TLS_PORT},
            }
        ],
        "variables": {
            "DOCKER_HOST": "tcp://docker:2376",
            "DOCKER_TLS_CERTDIR": "/certs",
            "DOCKER_TLS_VERIFY": DoubleQuotedScalarString("1"),
            "DOCKER_CERT_PATH": "$DOCKER_TLS_CERTDIR/client",
        },
    }
    if frame.runner_tags:
        job["tags"] = list(frame.runner_tags)
    if frame.id_tokens:
        job["id_tokens"] = {name: {"aud": _audience(token)} for name, token in frame.id_tokens}
    job["interruptible"] = True
    job["timeout"] = f"{frame.timeout_minutes} minutes"
    job["retry"] = {"max": 1, "when": list(RETRIED)}
    if frame.cache is not None:
        job["cache"] = _cache(frame.cache)
    job["script"] = [LiteralScalarString(script)]
    return job


def _audience(token: IdToken) -> str | list[str]:
    return token.aud if isinstance(token.aud, str) else list(token.aud)


def _cache(folder: CacheFolder) -> dict[str, object]:
    """GitLab keeps protected branches' caches apart from others' by a suffix of its own to each key, so the fallback
    serves branches of the same kind (docs.gitlab.com/ci/caching, "Use the same cache for all branches")."""
    return {
        "key": _expression(folder.key),
        "fallback_keys": [_expression(folder.fallback)],
        "paths": [f"{folder.path}/"],
    }


def _expression(value: Text) -> str:
    return "".join(part if isinstance(part, str) else f"${{{part.name}}}" for part in value)
