"""From the text of a buildspec to a Buildspec, or the line that is wrong.

What CodeBuild would do and this machine does not is refused by name, never skipped.
"""

import re

from ruamel.yaml.nodes import Node

from sledgehammer_localstack.aws.codebuild.buildspec import (
    ArtifactSpec,
    Buildspec,
    CacheSpec,
    OnFailure,
    PhaseName,
    PhaseSpec,
)
from sledgehammer_localstack.aws.codebuild.yaml_nodes import (
    YamlFileError,
    compose,
    fault,
    flag,
    known_entries,
    text,
    text_map,
    texts,
)

_TOP = ("version", "run-as", "env", "proxy", "batch", "phases", "reports", "artifacts", "cache")
_ENV = ("shell", "variables", "parameter-store", "secrets-manager", "exported-variables", "git-credential-helper")
_PHASE = ("run-as", "on-failure", "runtime-versions", "commands", "finally", "steps")
_ARTIFACTS = (
    "files",
    "name",
    "discard-paths",
    "base-directory",
    "exclude-paths",
    "enable-symlinks",
    "s3-prefix",
    "secondary-artifacts",
)
_CACHE = ("key", "fallback-keys", "action", "paths")
_NOT_HERE = ("run-as", "proxy", "batch", "reports")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def parse_buildspec(source: str) -> Buildspec:
    """Raises YamlFileError with what is wrong, where, and what is known there."""
    top = known_entries(compose(source), "the buildspec", _TOP)
    _check_version(top)
    _refuse(top, _NOT_HERE, "the buildspec")
    if "phases" not in top:
        raise YamlFileError("the buildspec has no phases")
    env = known_entries(top["env"], "env", _ENV) if "env" in top else {}
    _refuse(env, ("git-credential-helper",), "env")
    return Buildspec(
        shell=_shell(env),
        variables=_variables(env, "variables"),
        parameter_store=_variables(env, "parameter-store"),
        secrets_manager=_variables(env, "secrets-manager"),
        exported_variables=_exported(env),
        phases=_phases(top["phases"]),
        artifacts=_artifacts(top["artifacts"]) if "artifacts" in top else None,
        cache=_cache(top["cache"]) if "cache" in top else None,
    )


def _check_version(top: dict[str, Node]) -> None:
    if "version" not in top:
        raise YamlFileError("the buildspec has no version")
    if (version := text(top["version"], "version")) != "0.2":
        raise fault(top["version"], f"buildspec version {version} is not run here, 0.2 is")


def _refuse(found: dict[str, Node], names: tuple[str, ...], what: str) -> None:
    for name in names:
        if name in found:
            raise fault(found[name], f"the local CodeBuild does not run `{name}` of {what}")


def _shell(env: dict[str, Node]) -> str:
    if "shell" not in env:
        return "sh"
    name = text(env["shell"], "env.shell").removeprefix("/bin/")
    if name not in {"sh", "bash"}:
        raise fault(env["shell"], f"env.shell {name} is none of sh, bash")
    return name


def _variables(env: dict[str, Node], kind: str) -> dict[str, str]:
    if kind not in env:
        return {}
    found = text_map(env[kind], f"env.{kind}")
    for name in found:
        if _NAME.fullmatch(name) is None:
            raise fault(env[kind], f"{name!r} of env.{kind} is no name for a variable")
    return found


def _exported(env: dict[str, Node]) -> tuple[str, ...]:
    if "exported-variables" not in env:
        return ()
    names = texts(env["exported-variables"], "env.exported-variables")
    for name in names:
        if _NAME.fullmatch(name) is None:
            raise fault(env["exported-variables"], f"{name!r} of env.exported-variables is no name for a variable")
    return names


def _phases(node: Node) -> tuple[PhaseSpec, ...]:
    found = known_entries(node, "phases", tuple(name.value for name in PhaseName))
    if not found:
        raise fault(node, "phases is empty")
    return tuple(_phase(name, found[name.value]) for name in PhaseName if name.value in found)


def _phase(name: PhaseName, node: Node) -> PhaseSpec:
    where = f"phases.{name.value}"
    found = known_entries(node, where, _PHASE)
    _refuse(found, ("run-as", "runtime-versions", "steps"), where)
    if "commands" not in found and "finally" not in found:
        raise fault(node, f"{where} has no commands")
    return PhaseSpec(
        name=name,
        commands=texts(found["commands"], "Commands") if "commands" in found else (),
        finally_commands=texts(found["finally"], "Finally") if "finally" in found else (),
        on_failure=_on_failure(found, where),
    )


def _on_failure(found: dict[str, Node], where: str) -> OnFailure:
    if "on-failure" not in found:
        return OnFailure.UNSET
    word = text(found["on-failure"], f"{where}.on-failure")
    if word.startswith("RETRY"):
        raise fault(found["on-failure"], f"the local CodeBuild does not run `on-failure: {word}` of {where}")
    if word not in {"ABORT", "CONTINUE"}:
        raise fault(found["on-failure"], f"{where}.on-failure {word} is none of ABORT, CONTINUE")
    return OnFailure(word)


def _artifacts(node: Node) -> ArtifactSpec:
    found = known_entries(node, "artifacts", _ARTIFACTS)
    _refuse(found, ("enable-symlinks", "s3-prefix", "secondary-artifacts"), "artifacts")
    if "files" not in found:
        raise fault(node, "artifacts has no files")
    base = text(found["base-directory"], "artifacts.base-directory") if "base-directory" in found else "."
    excluded = texts(found["exclude-paths"], "artifacts.exclude-paths") if "exclude-paths" in found else ()
    return ArtifactSpec(
        files=texts(found["files"], "artifacts.files"),
        name=text(found["name"], "artifacts.name") if "name" in found else "",
        base_directory=base,
        exclude_paths=excluded,
        discard_paths="discard-paths" in found and flag(found["discard-paths"], "artifacts.discard-paths"),
    )


def _cache(node: Node) -> CacheSpec:
    found = known_entries(node, "cache", _CACHE)
    if "paths" not in found:
        raise fault(node, "cache has no paths")
    paths = texts(found["paths"], "cache.paths")
    for path in paths:
        if path.startswith(("/", "~", "$")) or ".." in path.split("/"):
            raise fault(found["paths"], f"the local CodeBuild caches files of the sources only, not {path}")
    fallback_keys = texts(found["fallback-keys"], "cache.fallback-keys") if "fallback-keys" in found else ()
    if len(fallback_keys) > 5:
        raise fault(found["fallback-keys"], "cache.fallback-keys has more than five keys")
    action = text(found["action"], "cache.action") if "action" in found else ""
    if action not in {"", "restore", "save"}:
        raise fault(found["action"], f"cache.action {action} is none of restore, save")
    return CacheSpec(
        paths=tuple(path.removeprefix("./") for path in paths),
        key=text(found["key"], "cache.key") if "key" in found else "",
        fallback_keys=fallback_keys,
        restores=action != "save",
        saves=action != "restore",
    )
