"""The permission that a call of a JSON or query service needs, and on which object.

https://docs.aws.amazon.com/service-authorization/latest/reference/. A call whose object is not known here is one on
"*": only a statement on "*" allows it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sledgehammer_localstack.aws.access.condition import Context
from sledgehammer_localstack.aws.access.decision import Need

FREE = {"sts:GetCallerIdentity", "sts:GetSessionToken"}
"""Every caller may do these."""

Request = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where objects are; `secret_arn` finds a secret's ARN, with its random end, by name."""

    region: str
    account: str
    secret_arn: Callable[[str], str]

    def arn(self, service: str, resource: str) -> str:
        """An ARN in this region and account."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


def needs_of_call(place: Place, service: str, operation: str, request: Request) -> list[Need]:
    """One permission per object that the call touches; none for what everybody may."""
    prefix = {"tagging": "tag"}.get(service, service)  # how it signs, and how policies call it
    action = f"{prefix}:{operation}"
    if action in FREE:
        return []
    find = _RESOURCES.get(service)
    spellings = list(find(place, operation, request)) if find is not None else []
    needs = [Need(action=action, resources=names, context=_request_tags(request)) for names in spellings or [("*",)]]
    if service == "codebuild" and (role := request.get("serviceRole")):
        context = {"iam:passedtoservice": ("codebuild.amazonaws.com",)}
        needs.append(Need(action="iam:PassRole", resources=(role,), context=context))
    return needs


def _request_tags(request: Request) -> Context:
    tags = request.get("tags", request.get("Tags", []))
    pairs = list(tags.items()) if isinstance(tags, dict) else [_tag(one) for one in tags if isinstance(one, dict)]
    if not pairs:
        return {}
    keys = tuple(key for key, _ in pairs)
    return {"aws:tagkeys": keys} | {f"aws:requesttag/{key}".lower(): (value,) for key, value in pairs}


def _tag(one: Mapping[str, str]) -> tuple[str, str]:
    return one.get("Key", one.get("key", "")), one.get("Value", one.get("value", ""))


def _ecr(place: Place, _operation: str, request: Request) -> Iterable[tuple[str, ...]]:
    if "resourceArn" in request:
        yield (request["resourceArn"],)
    for name in request.get("repositoryNames", [request["repositoryName"]] if "repositoryName" in request else []):
        yield (place.arn("ecr", f"repository/{name}"),)


def _codebuild(place: Place, _operation: str, request: Request) -> Iterable[tuple[str, ...]]:
    """Permissions on builds are permissions on their project."""
    projects = [request[key] for key in ("projectName", "name") if key in request] + list(request.get("names", []))
    builds = [request["id"]] if "id" in request else list(request.get("ids", []))
    names = [str(name).rpartition("/")[2] for name in projects]
    names += [str(build).rpartition("build/")[2].partition(":")[0] for build in builds]
    for name in dict.fromkeys(names):
        yield (place.arn("codebuild", f"project/{name}"),)


def _logs(place: Place, _operation: str, request: Request) -> Iterable[tuple[str, ...]]:
    """A stream's ARN ends in its name; that of a group is written with and without an end."""
    name = request.get("logGroupName") or request.get("logGroupIdentifier") or request.get("resourceArn", "")
    if not name:
        return
    group = str(name).rpartition("log-group:")[2].removesuffix(":*")
    arn = place.arn("logs", f"log-group:{group}")
    stream = request.get("logStreamName")
    yield (f"{arn}:log-stream:{stream}",) if stream else (arn, f"{arn}:log-stream:")


def _secrets(place: Place, operation: str, request: Request) -> Iterable[tuple[str, ...]]:
    if operation == "CreateSecret":
        yield (place.arn("secretsmanager", f"secret:{request.get('Name', '')}"),)
    elif name := request.get("SecretId"):
        yield (name if name.startswith("arn:") else place.secret_arn(name),)


def _parameters(place: Place, _operation: str, request: Request) -> Iterable[tuple[str, ...]]:
    for name in request.get("Names", [request["Name"]] if "Name" in request else []):
        yield (place.arn("ssm", f"parameter/{name.lstrip('/')}"),)


def _iam(place: Place, _operation: str, request: Request) -> Iterable[tuple[str, ...]]:
    kinds = {"RoleName": "role", "UserName": "user", "GroupName": "group"}
    for key, kind in kinds.items():
        if key in request:
            yield (f"arn:aws:iam::{place.account}:{kind}/{request[key]}",)
            return
    for key in ("OpenIDConnectProviderArn", "PolicyArn"):
        if key in request:
            yield (request[key],)
            return


def _events(place: Place, _operation: str, request: Request) -> Iterable[tuple[str, ...]]:
    if name := request.get("Rule") or request.get("Name"):
        yield (place.arn("events", f"rule/{name}"),)
    elif arn := request.get("ResourceARN"):
        yield (arn,)


def _connections(_place: Place, _operation: str, request: Request) -> Iterable[tuple[str, ...]]:
    if arn := request.get("ConnectionArn") or request.get("ResourceArn"):
        yield (arn,)


_RESOURCES: Mapping[str, Callable[[Place, str, Request], Iterable[tuple[str, ...]]]] = {
    "ecr": _ecr,
    "codebuild": _codebuild,
    "codeconnections": _connections,
    "logs": _logs,
    "secretsmanager": _secrets,
    "ssm": _parameters,
    "iam": _iam,
    "events": _events,
}
