"""From the JSON of a job to its records. What this runner does not know is refused by name, never skipped."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

from sledgehammer.secret import Secret
from sledgehammer_localstack.runner.failure import unsupported
from sledgehammer_localstack.runner.payload import (
    ArtifactOrder,
    CacheOrder,
    Dependency,
    GitInfo,
    Image,
    Job,
    JobFeatures,
    JobTicket,
    RegistryLogin,
    Service,
    Step,
    Variable,
)

Json = Mapping[str, Any]
T = TypeVar("T")

_STEP_NAMES = ("script", "after_script")
_WHEN = ("on_success", "on_failure", "always")
_PULL_POLICIES = ("always", "if-not-present", "never")


def parse_ticket(payload: Json) -> JobTicket:
    """The job's id and token: enough to report that the rest could not be read."""
    return JobTicket(id=int(payload["id"]), token=Secret(str(payload["token"]), source="job payload"))


def parse_job(payload: Json) -> Job:
    """Raises JobFailedError for a member, a value or a step that this runner does not implement."""
    _only(
        payload,
        "the job",
        "id token job_info git_info runner_info variables steps image services artifacts cache credentials "
        "dependencies features",
        without_effect="allow_git_fetch policy_options",
    )
    ticket = parse_ticket(payload)
    info, runner_info = payload["job_info"], payload["runner_info"]
    return Job(
        id=ticket.id,
        token=ticket.token,
        name=info["name"],
        stage=info["stage"],
        project_id=int(info["project_id"]),
        project_name=info["project_name"],
        timeout_s=int(runner_info["timeout"]),
        git=_git(payload["git_info"]),
        variables=_each(payload, "variables", _variable),
        steps=_each(payload, "steps", _step),
        image=_image(payload["image"]) if payload.get("image") else None,
        services=_each(payload, "services", _service),
        artifacts=_each(payload, "artifacts", _artifact),
        caches=_each(payload, "cache", _cache),
        logins=_each(payload, "credentials", _login),
        dependencies=tuple(d for d in _each(payload, "dependencies", _dependency) if d.filename),
        features=_features(payload.get("features") or {}),
    )


def _only(found: Json, where: str, known: str, *, without_effect: str = "") -> None:
    """Refuse members that hold something and are not listed."""
    listed = {*known.split(), *without_effect.split()}
    for name, value in found.items():
        if name not in listed and value not in (None, "", False, 0, [], {}):
            raise unsupported(f"`{name}` of {where}")


def _choice(value: str, where: str, known: Sequence[str]) -> str:
    if value not in known:
        raise unsupported(f"`{value}` as {where} (known: {', '.join(known)})")
    return value


def _each(payload: Json, name: str, parse: Callable[[Json], T]) -> tuple[T, ...]:
    return tuple(parse(item) for item in payload.get(name) or ())


def _texts(found: Json, name: str) -> tuple[str, ...]:
    return tuple(str(item) for item in found.get(name) or ())


def _variable(found: Json) -> Variable:
    _only(found, f"variable {found.get('key')}", "key value public file masked raw")
    return Variable(
        key=found["key"],
        value="" if found.get("value") is None else str(found["value"]),
        is_public=bool(found.get("public")),
        is_file=bool(found.get("file")),
        is_masked=bool(found.get("masked")),
        is_raw=bool(found.get("raw")),
    )


def _step(found: Json) -> Step:
    _only(found, f"step {found.get('name')}", "name script timeout when allow_failure")
    return Step(
        name=_choice(found["name"], "the name of a step", _STEP_NAMES),
        commands=_texts(found, "script"),
        when=_choice(found.get("when") or "on_success", "`when` of a step", _WHEN),
        may_fail=bool(found.get("allow_failure")),
    )


def _policies(found: Json) -> tuple[str, ...]:
    return tuple(_choice(item, "pull policy", _PULL_POLICIES) for item in _texts(found, "pull_policy"))


def _image(found: Json) -> Image:
    _only(found, f"image {found.get('name')}", "name entrypoint pull_policy", without_effect="ports")
    return Image(name=found["name"], entrypoint=_texts(found, "entrypoint"), pull_policies=_policies(found))


def _service(found: Json) -> Service:
    known = "name alias entrypoint command variables pull_policy"
    _only(found, f"service {found.get('name')}", known, without_effect="ports")
    return Service(
        name=found["name"],
        alias=found.get("alias") or "",
        entrypoint=_texts(found, "entrypoint"),
        command=_texts(found, "command"),
        variables=_each(found, "variables", _variable),
        pull_policies=_policies(found),
    )


def _artifact(found: Json) -> ArtifactOrder:
    known = "name untracked paths exclude when artifact_type artifact_format expire_in"
    _only(found, "artifacts", known)
    kind = found.get("artifact_type") or "archive"
    return ArtifactOrder(
        name=found.get("name") or "",
        paths=_texts(found, "paths"),
        exclude=_texts(found, "exclude"),
        with_untracked=bool(found.get("untracked")),
        when=_choice(found.get("when") or "on_success", "`when` of artifacts", _WHEN),
        type=kind,
        format=_choice(
            found.get("artifact_format") or ("zip" if kind == "archive" else "gzip"),
            f"format of {kind} artifacts",
            ("zip", "gzip", "raw"),
        ),
        expire_in=found.get("expire_in") or "",
    )


def _cache(found: Json) -> CacheOrder:
    _only(found, f"cache {found.get('key')}", "key untracked policy paths when fallback_keys unprotect")
    return CacheOrder(
        key=str(found.get("key") or "default"),
        paths=_texts(found, "paths"),
        with_untracked=bool(found.get("untracked")),
        policy=found.get("policy") or "pull-push",
        when=_choice(found.get("when") or "on_success", "`when` of a cache", _WHEN),
        fallback_keys=_texts(found, "fallback_keys"),
    )


def _login(found: Json) -> RegistryLogin:
    _choice(found.get("type") or "registry", "type of credentials", ("registry",))
    password = Secret(found["password"], source="job payload")
    return RegistryLogin(address=found["url"], user=found["username"], password=password)


def _dependency(found: Json) -> Dependency:
    _only(found, f"dependency {found.get('name')}", "id name token artifacts_file")
    file = found.get("artifacts_file") or {}
    return Dependency(
        id=int(found["id"]),
        name=found["name"],
        token=Secret(found["token"], source="job payload"),
        filename=file.get("filename") or "",
        size_bytes=int(file.get("size") or 0),
    )


def _git(found: Json) -> GitInfo:
    known = "repo_url ref sha refspecs depth repo_object_format"
    _only(found, "git_info", known, without_effect="before_sha ref_type protected")
    _choice(found.get("repo_object_format") or "sha1", "repository object format", ("sha1", "sha256"))
    return GitInfo(
        repo_url=_without_credentials(found["repo_url"]),
        ref=found["ref"],
        sha=found["sha"],
        refspecs=_texts(found, "refspecs"),
        depth=int(found.get("depth") or 0),
    )


def _without_credentials(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _features(found: Json) -> JobFeatures:
    return JobFeatures(
        has_trace_sections=bool(found.get("trace_sections")),
        token_prefixes=_prefixes(found.get("token_mask_prefixes") or ()),
        failure_reasons=_texts(found, "failure_reasons"),
    )


def _prefixes(found: Sequence[str]) -> tuple[str, ...]:
    return tuple(prefix for prefix in (item.strip() for item in found) if prefix)
