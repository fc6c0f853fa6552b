"""The GitLab CI file of a build plan, and how to tell that a CI file is ours. Pure."""

import hashlib
import re
from enum import Enum
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
    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 4096  # no line of a script is ever folded
    out, script = StringIO(), render_script(plan)
    block = literal_block(script)
    job = _job(project, settings, plan, script=script if block is None else _STAND_IN)
    yaml.dump({"workflow": _workflow(), JOB: job}, out)
    body = out.getvalue()
    if block is not None:
        body = body.removesuffix(literal_block(_STAND_IN) or "") + block  # the script comes last
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


def _workflow() -> dict[str, object]:
    """Pipelines for branches and tags; a merge request's branch has its own already, so none is made twice."""
    return {
        "rules": [
            {"if": '$CI_PIPELINE_SOURCE == "merge_request_event"', "when": "never"},
            {"if": "$CI_COMMIT_BRANCH"},
            {"if": "$CI_COMMIT_TAG"},
        ]
    }


def _job(project: Project, settings: Settings, plan: BuildPlan, *, script: str) -> dict[str, object]:
    """Without entrypoints (Kubernetes executor) the docker image sets none of the DOCKER_* variables, so the job
    does: docs.gitlab.com/ci/docker/using_docker_build, "Docker-in-Docker with TLS enabled"."""
    job: dict[str, object] = {
        "image": f"docker:{project.docker_version}-cli",
        "services": [
            {
                "name": f"docker:{project.docker_version}-dind",
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
    if settings.runner_tags:
        job["tags"] = list(settings.runner_tags)
    if settings.id_tokens:
        job["id_tokens"] = {name: {"aud": _audience(token)} for name, token in settings.id_tokens.items()}
    job["interruptible"] = True
    job["timeout"] = f"{settings.timeout_minutes} minutes"
    job["retry"] = {"max": 1, "when": list(RETRIED)}
    for folder in (operation for operation in plan.operations if isinstance(operation, CacheFolder)):
        job["cache"] = _cache(folder)
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
