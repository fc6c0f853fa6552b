"""`image:` and `services:`."""

from collections.abc import Sequence

from sledgehammer_localstack.ci.errors import CiConfigError, Problems, nearest
from sledgehammer_localstack.ci.model import Image, Service
from sledgehammer_localstack.ci.reading import as_mapping, as_record, as_text, as_text_or_texts
from sledgehammer_localstack.ci.tree import Mapping, Tree
from sledgehammer_localstack.ci.variable_entries import parse_variables

_IMAGE_KEYS = ("name", "entrypoint", "pull_policy")
_SERVICE_KEYS = ("name", "alias", "entrypoint", "command", "variables", "pull_policy")
_REFUSED = ("docker", "kubernetes", "ports")
_PULL_POLICIES = ("always", "if-not-present", "never")


def parse_image(value: Tree, where: str) -> Image:
    """An image by name or as a record. Raises CiConfigError."""
    entry = _record(value, where, _IMAGE_KEYS)
    return Image(
        name=_name(entry, where),
        entrypoint=_command(entry, "entrypoint", where),
        pull_policy=_pull_policy(entry, where),
    )


def parse_services(value: Tree, where: str) -> tuple[Service, ...]:
    """A list of services. Raises CiConfigError with every mistake."""
    if not isinstance(value, list):
        raise CiConfigError(f"{where} config should be a array")
    problems = Problems()
    services: list[Service] = []
    for entry in value:
        with problems.gathering():
            services.append(_parse_service(entry, f"{where}:service"))
    problems.raise_any()
    return tuple(services)


def _parse_service(value: Tree, where: str) -> Service:
    entry = _record(value, where, _SERVICE_KEYS)
    return Service(
        name=_name(entry, where),
        alias=as_text(entry["alias"], f"{where}:alias") if "alias" in entry else None,
        entrypoint=_command(entry, "entrypoint", where),
        command=_command(entry, "command", where),
        variables=parse_variables(as_mapping(entry.get("variables", {}), f"{where}:variables"), f"{where}:variables"),
        pull_policy=_pull_policy(entry, where),
    )


def _record(value: Tree, where: str, known: Sequence[str]) -> Mapping:
    if isinstance(value, str):
        return {"name": value}
    if not isinstance(value, dict):
        raise CiConfigError(f"{where} config should be a hash or a string")
    return as_record(value, where, known=known, refused=_REFUSED)


def _name(entry: Mapping, where: str) -> str:
    name = as_text(entry.get("name", ""), f"{where}:name")
    if not name.strip():
        raise CiConfigError(f"{where} name can't be blank")
    return name


def _command(entry: Mapping, key: str, where: str) -> tuple[str, ...] | None:
    return as_text_or_texts(entry[key], f"{where}:{key}") if key in entry else None


def _pull_policy(entry: Mapping, where: str) -> tuple[str, ...]:
    policies = as_text_or_texts(entry.get("pull_policy", []), f"{where}:pull_policy")
    for policy in policies:
        if policy not in _PULL_POLICIES:
            raise CiConfigError(
                f"{where}:pull_policy config should be one of: {', '.join(_PULL_POLICIES)}"
                + nearest(policy, _PULL_POLICIES)
            )
    return policies
