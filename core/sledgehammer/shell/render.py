"""The one renderer: a BuildPlan becomes a POSIX sh script that providers embed and `sledge build` runs."""

import shlex
from importlib.resources import files

from sledgehammer.operations import (
    Build,
    CacheTarget,
    Login,
    Operation,
    PasswordFromEnv,
    SelectBuilder,
    Text,
    WaitForEngine,
    text,
)
from sledgehammer.plan import BuildPlan
from sledgehammer.shell.quote import quote


def render_script(plan: BuildPlan) -> str:
    """The script, ending in a newline, without a `#!` line. It runs in a subshell so that its options, variables
    and traps leave the CI's own shell alone, and exits non-zero at the first operation that fails."""
    prelude = files("sledgehammer.shell").joinpath("prelude.sh").read_text(encoding="utf-8")
    literal = "# shellcheck disable=SC2016 # a value with a dollar sign is meant literally"
    lines = [literal, "(", "set -eu", prelude.rstrip("\n"), ""]
    for operation in plan.operations:
        lines += _render(operation)
    return "\n".join([*lines, ")", ""])


def _render(operation: Operation) -> list[str]:
    match operation:
        case WaitForEngine():
            return [f"sledge_wait_for_engine {operation.timeout_s} {'start' if operation.start else 'wait'}"]
        case Login():
            return ["sledge_private_config", _login(operation)]
        case SelectBuilder():
            return ["sledge_select_builder"]
        case Build():
            return _build(operation)


def _login(login: Login) -> str:
    if isinstance(login.password, PasswordFromEnv):
        password = f'printf %s "${{{login.password.variable}}}"'
    else:
        password = shlex.join(login.password.argv)
    return f"{password} | sledge_login {quote(login.registry)} {quote(login.username)}"


def _build(build: Build) -> list[str]:
    words: list[tuple[str, Text]] = [("--file", (build.dockerfile,))]
    if build.target:
        words.append(("--target", (build.target,)))
    words += [("--build-arg", text(f"{name}={value}")) for name, value in build.args]
    words += [("--label", text(f"{name}=", *value)) for name, value in build.labels]
    words += [("--tag", tag) for tag in build.tags]
    lines = ["set --", *(f'set -- "$@" {flag} {quote(value)}' for flag, value in words)]
    lines += _cache_sources(build)
    lines += [f'set -- "$@" --cache-to {quote(_target(target))}' for target in build.cache_to]
    # Without an attestation the pushed manifest is the image itself, which AWS Lambda demands (docker/buildx#1533).
    delivery = "--provenance=false --push" if build.push else "--provenance=false --load"
    repository = quote(_repository(build.tags[0])) if build.push else "''"
    lines.append(f'sledge_build {quote((build.image,))} {repository} {delivery} "$@" -- {quote((build.context,))}')
    return lines


def _cache_sources(build: Build) -> list[str]:
    """A source that turns out equal to an earlier one (the default branch's own build) is read once."""
    lines = []
    for index, source in enumerate(build.cache_from):
        line = f'set -- "$@" --cache-from {quote(text("type=registry,ref=", *source.ref))}'
        same = [f"[ {quote(source.ref)} = {quote(earlier.ref)} ]" for earlier in build.cache_from[:index]]
        lines.append(" || ".join([*same, line]))
    return lines


def _target(target: CacheTarget) -> Text:
    options = "".join(f",{name}={value}" for name, value in target.options)
    return text("type=registry,ref=", *target.ref, options)


def _repository(tag: Text) -> Text:
    """A reference without its tag: all parts before the part that brings the last colon."""
    end = max(index for index, part in enumerate(tag) if isinstance(part, str) and ":" in part)
    last = str(tag[end])
    return text(*tag[:end], last[: last.rindex(":")])
