"""The one renderer: a BuildPlan becomes a POSIX sh script that providers embed and `sledge build` runs."""

import shlex
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from sledgehammer.operations import (
    Build,
    BuildTool,
    CacheFolder,
    Login,
    Operation,
    PasswordFromEnv,
    Reuse,
    SelectBuilder,
    WaitForEngine,
)
from sledgehammer.plan import BuildPlan
from sledgehammer.shell.arguments import function
from sledgehammer.shell.build_record import build_record_functions
from sledgehammer.shell.buildx_lines import buildx_lines
from sledgehammer.shell.content_key import content_key_functions
from sledgehammer.shell.docker_build_lines import docker_build_lines
from sledgehammer.shell.quote import quote
from sledgehammer.shell.reuse_lines import reuse_lines


def render_script(plan: BuildPlan) -> str:
    """The script, ending in a newline, without a `#!` line. It runs in a subshell so that its options, variables
    and traps leave the CI's own shell alone, and exits non-zero at the first operation that fails."""
    literal = "# shellcheck disable=SC2016 # a value with a dollar sign is meant literally"
    indirect = "# shellcheck disable=SC2329 # functions are called by the one that completes their arguments"
    lines = [literal, indirect, "(", "set -eu", *_parts(plan), ""]
    lines += [f"sledge_say {quote((reason,))}" for reason in plan.reasons]
    lines += function(
        "sledge_ready", ['[ -z "${sledge_is_ready-}" ] || return 0', *_preparations(plan), "sledge_is_ready=1"]
    )
    for number, operation in enumerate(plan.operations):
        lines += _render(operation, number)
    return "\n".join([*lines, ")", ""])


def _parts(plan: BuildPlan) -> Iterator[str]:
    """The shell functions that the plan's operations call, and no others."""
    yield _part("prelude")
    operations = plan.operations
    yield _part("trouble")
    if any(isinstance(operation, CacheFolder) for operation in operations):
        yield _part("cache_folder")
    builds = [operation for operation in operations if isinstance(operation, Build)]
    if any(build.exports or build.record is not None for build in builds):
        yield _part("export")
    if any(build.tool is BuildTool.BUILDX for build in builds):
        yield _part("buildx")
    yield from _key_parts(plan, builds)
    if any(build.record is not None for build in builds):
        yield build_record_functions()
    if any(build.tool is not BuildTool.BUILDX for build in builds):
        yield _part("docker_build")
    if any(isinstance(operation, SelectBuilder) for operation in operations):
        yield _part("builder")


def _key_parts(plan: BuildPlan, builds: list[Build]) -> Iterator[str]:
    has_stage_keys = any(build.stage_keys is not None for build in builds)
    has_reuse = any(build.reuse is not None for build in builds)
    if has_reuse or has_stage_keys:
        yield _part("bases")
        yield _part("reuse") if has_reuse else _part("manifest")
        yield content_key_functions()
        yield f"sledge_find_platform {quote((_remote_platform(plan),))}"
    if has_reuse:
        yield _part("cache_ref")
    if has_stage_keys:
        yield _part("stage_key")


def _remote_platform(plan: BuildPlan) -> str:
    """What the remote builder builds for, "" without one, or where that is not known."""
    remotes = (operation.remote for operation in plan.operations if isinstance(operation, SelectBuilder))
    return next((remote.platform for remote in remotes if remote is not None), "")


@cache
def _part(name: str) -> str:
    return files("sledgehammer.shell").joinpath(f"{name}.sh").read_text(encoding="utf-8").rstrip("\n") + "\n"


def _render(operation: Operation, number: int) -> list[str]:
    match operation:
        case Login():
            return ["sledge_private_config", _credentials(operation)]
        case CacheFolder():
            return [f"sledge_take_cache_folder {quote((operation.path,))}"]
        case Build(reuse=Reuse() as reuse):
            built = ["sledge_ready", *_build(operation, number)]
            return [*reuse_lines(operation.image, reuse), *(f"  {line}" for line in built), "fi"]
        case Build():
            return ["sledge_ready", *_build(operation, number)]
        case WaitForEngine() | SelectBuilder():
            return []  # of `sledge_ready`


def _build(build: Build, number: int) -> list[str]:
    name = f"sledge_image_{number}"
    return buildx_lines(build, name) if build.tool is BuildTool.BUILDX else docker_build_lines(build, name)


def _preparations(plan: BuildPlan) -> Iterator[str]:
    """What only a build needs: an engine, logged in, and a builder."""
    for operation in plan.operations:
        match operation:
            case WaitForEngine():
                yield f"sledge_wait_for_engine {operation.timeout_s} {'start' if operation.start else 'wait'}"
            case Login():
                yield f"sledge_login {quote(operation.registry)} {quote(operation.username)}"
            case SelectBuilder():
                yield _select_builder(operation)


def _credentials(login: Login) -> str:
    if isinstance(login.password, PasswordFromEnv):
        password = f'printf %s "${{{login.password.variable}}}"'
    else:
        password = shlex.join(login.password.argv)
    return f"{password} | sledge_credentials {quote(login.registry)} {quote(login.username)}"


def _select_builder(operation: SelectBuilder) -> str:
    words = ["sledge_select_builder", "container-for-cache" if operation.for_cache else operation.kind.value]
    if operation.remote is not None:
        remote = operation.remote
        words += [quote((word,)) for word in (remote.endpoint, remote.ca, remote.certificate, remote.key)]
    return " ".join(words)
