"""The buildspec of a build plan. Pure."""

import hashlib
from io import StringIO

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import LiteralScalarString

from sledgehammer.errors import ConfigurationError
from sledgehammer.operations import CacheFolder, EnvVar, Text, text
from sledgehammer.plan import BuildPlan
from sledgehammer.shell import render_script
from sledgehammer.strategies.file import FILE
from sledgehammer_aws.destination import BRANCH_VARIABLE, SLUG_LENGTH, commit_variable
from sledgehammer_aws.settings import Settings

BUILDSPEC = "buildspec.yml"


BRANCH_OF_PUSH = f"""\
: "${{{BRANCH_VARIABLE}:=$(printf %s "${{CODEBUILD_WEBHOOK_HEAD_REF#refs/heads/}}" | tr '[:upper:]' '[:lower:]' \
  | tr -c 'a-z0-9' '-' | cut -c1-{SLUG_LENGTH} | sed 's/^-*//; s/-*$//')}}"
export {BRANCH_VARIABLE}="${{{BRANCH_VARIABLE}:-detached}}"
"""
"""A build that a push has started is not given the branch's slug, and makes it."""


def render_buildspec(plan: BuildPlan, settings: Settings) -> str:
    """Buildspec 0.2: one phase that runs the plan's script. Its first line carries a digest of the rest."""
    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 4096  # no line of a script is ever folded
    out = StringIO()
    is_pushed = settings.source is not None and settings.source.webhook is not None
    script = LiteralScalarString((BRANCH_OF_PUSH if is_pushed else "") + render_script(plan))
    document: dict[str, object] = {"version": 0.2, "phases": {"build": {"commands": [script]}}}
    for folder in (operation for operation in plan.operations if isinstance(operation, CacheFolder)):
        if is_pushed:
            raise ConfigurationError(
                f"cache strategy {FILE.name}: its keys name the branch, which CodeBuild does not know of a push before "
                "it has read them",
                hint="leave out aws: {source: {webhook: …}}, or choose another cache: {strategy: …}",
            )
        document["cache"] = _cache(folder, commit_variable(settings))
    yaml.dump(document, out)
    body = out.getvalue()
    digest = hashlib.sha256(body.encode()).hexdigest()[:12]
    return f"# Managed by sledge (format 1, content {digest}): change sledge.yaml instead\n{body}"


def _cache(folder: CacheFolder, commit: str) -> dict[str, object]:
    """CodeBuild never writes again what a key names, so a key carries the commit, and an earlier commit's cache is
    found by fallback keys, which are prefixes: the branch's, then the default branch's. A branch's slug has no dot, so
    no prefix reaches into another branch. CodeBuild user guide, "Amazon S3 caching" and "Build specification
    reference", `cache/key` and `cache/fallback-keys`."""
    prefixes = [text(*key, ".") for key in (folder.key, folder.fallback)]
    return {
        "key": _expression(text(*prefixes[0], EnvVar(commit))),
        "fallback-keys": [_expression(prefix) for prefix in prefixes],
        "paths": [f"{folder.path}/**/*"],
    }


def _expression(value: Text) -> str:
    return "".join(part if isinstance(part, str) else f"${{{part.name}}}" for part in value)
