"""The registry's token service, GET /jwt/auth: who may pull, push or delete what.

Rules: lib/gitlab and app/services/auth/container_registry_authentication_service.rb. A request for more than the
caller has is answered 200 with less, or with no access at all; the answer is `{token}` alone. The token format is
the distribution registry's (docs "Token Authentication Specification"), signed with ES256.
"""

import base64
import hashlib
import re
import secrets
import sqlite3
import time
from dataclasses import dataclass

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from sledgehammer.secret import Secret
from sledgehammer_localstack.gitlab import timestamps
from sledgehammer_localstack.gitlab.access import (
    DEVELOPER,
    MAINTAINER,
    REPORTER,
    ancestors,
    namespace_by_id,
    project_level,
)
from sledgehammer_localstack.gitlab.answers import ApiError, Json, Reply
from sledgehammer_localstack.gitlab.call import Call
from sledgehammer_localstack.gitlab.identity import ANONYMOUS, Caller, caller_of_password
from sledgehammer_localstack.gitlab.project_settings import build_settings
from sledgehammer_localstack.gitlab.records import Project
from sledgehammer_localstack.gitlab.routing import Route, open_to_all
from sledgehammer_localstack.gitlab.services import Services
from sledgehammer_localstack.gitlab.store import Store

ISSUER = "gitlab-issuer"
SERVICE = "container_registry"
LIFETIME_S = 5 * 60
_SCOPE = re.compile(r"(?P<kind>[a-z]+)(?:\([a-z0-9]+\))?:(?P<name>[^:]+(?::\d+/[^:]+)?):(?P<actions>[a-z,*]+)")
_WRITES = frozenset({"push", "*", "delete"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One granted resource of a token."""

    kind: str
    name: str
    actions: tuple[str, ...]


def sign_token(key: Secret, *, subject: str, audience: str, access: tuple[Access, ...]) -> str:
    """A registry token; the key is named by its libtrust id, as registry 2.x looks it up among its certificates."""
    private = load_pem_private_key(key.reveal().encode(), password=None)
    public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    moment = int(time.time())
    claims = {
        "iss": ISSUER,
        "sub": subject,
        "aud": audience,
        "iat": moment,
        "nbf": moment - 5,
        "exp": moment + LIFETIME_S,
        "jti": secrets.token_hex(16),
        "auth_type": "gitlab",
        "access": [{"type": one.kind, "name": one.name, "actions": list(one.actions)} for one in access],
    }
    return jwt.encode(claims, key.reveal(), algorithm="ES256", headers={"kid": _libtrust_id(public)})


def _libtrust_id(public_der: bytes) -> str:
    """SHA-256 of the public key cut to 240 bits, base32 in twelve groups of four (github.com/docker/libtrust)."""
    text = base64.b32encode(hashlib.sha256(public_der).digest()[:30]).decode()
    return ":".join(text[start : start + 4] for start in range(0, len(text), 4))


def issue(call: Call) -> Reply:
    """A token for what the caller may do of what was asked."""
    query = call.request.args
    if query.get("service") != SERVICE:
        raise ApiError(404, {"message": "404 Not found"})
    caller = _basic_caller(call)
    wanted = [scope for entry in query.getlist("scope") for scope in entry.split(" ") if scope]
    granted = tuple(access for scope in wanted if (access := _granted(call.services, caller, scope)) is not None)
    if caller.is_anonymous and not granted:
        raise _denied()
    subject = caller.user.username if caller.user else query.get("account", "")
    token = sign_token(call.services.settings.signing_key, subject=subject, audience=SERVICE, access=granted)
    payload: dict[str, Json] = {"token": token}
    return Reply(payload=payload)


def _basic_caller(call: Call) -> Caller:
    """Nobody may ask too (public projects); a wrong credential, or one without a registry scope, is refused."""
    basic = call.request.authorization
    if basic is None or basic.type != "basic":
        return ANONYMOUS
    try:
        caller = caller_of_password(call.store, basic.username or "", basic.password or "")
    except ApiError:
        raise _denied() from None
    if caller.job is None and not caller.has_scope("api", "read_api", "read_registry", "write_registry"):
        raise _denied()
    return caller


def _denied() -> ApiError:
    """What docker login shows (GitLab answers 403 where Basic credentials do not serve)."""
    error = {"code": "DENIED", "message": "access forbidden"}
    return ApiError(403, {"errors": [error]})


def _granted(services: Services, caller: Caller, scope: str) -> Access | None:
    found = _SCOPE.fullmatch(scope)
    if found is None:
        return None
    kind, name, actions = found["kind"], found["name"], tuple(found["actions"].split(","))
    if kind == "registry" and name == "catalog":
        is_admin = caller.user is not None and caller.user.is_admin and caller.job is None
        return Access(kind=kind, name=name, actions=("*",)) if is_admin else None
    if kind != "repository":
        return None
    project = project_of_image(services.store, name)
    if project is None or not build_settings(project).has_registry:
        return None
    allowed = tuple(action for action in actions if _may(services.store, caller, project, action))
    if not allowed:
        return None
    if "push" in allowed:
        remember_repository(services.store, project, name)
    return Access(kind=kind, name=name, actions=allowed)


def project_of_image(store: Store, image: str) -> Project | None:
    """The project under whose path an image lies: the longest full path that the image path begins with."""
    parts = image.split("/")
    for length in range(len(parts), 1, -1):
        path = "/".join(parts[:length])
        found = store.one(Project, "SELECT * FROM projects WHERE lower(full_path) = ?", path)
        if found is not None:
            return found
    return None


def remember_repository(store: Store, project: Project, path: str) -> None:
    """Note an image repository; GitLab does so when it grants a push, before anything was pushed."""
    try:
        store.insert("registry_repositories", project_id=project.id, path=path, created_at=timestamps.now())
    except sqlite3.IntegrityError:
        return  # known already


def _may(store: Store, caller: Caller, project: Project, action: str) -> bool:
    if caller.job is not None:
        return _job_may(store, caller, project, action)
    if caller.deploy_token is not None:
        needed = "read_registry" if action == "pull" else "write_registry"
        return action in ("pull", "push") and caller.has_scope(needed) and _covers(store, caller, project)
    scopes = ("api", "write_registry") if action in _WRITES else ("api", "read_api", "read_registry", "write_registry")
    if caller.user is not None and not caller.has_scope(*scopes):
        return False
    level = project_level(store, caller, project)
    if action == "pull":
        is_open = project.visibility == "public" or (project.visibility == "internal" and caller.user is not None)
        return is_open or level >= REPORTER
    if action == "push":
        return level >= DEVELOPER and not project.archived
    return action in ("delete", "*") and level >= MAINTAINER


def _job_may(store: Store, caller: Caller, project: Project, action: str) -> bool:
    """A job pulls what its user may of its own project, pushes and deletes there alone."""
    assert caller.job is not None  # noqa: S101 - asked by the caller
    if caller.job.project_id != project.id:
        return action == "pull" and project.visibility != "private"
    level = project_level(store, caller, project)
    return level >= (REPORTER if action == "pull" else DEVELOPER) and action in ("pull", "push", "delete")


def _covers(store: Store, caller: Caller, project: Project) -> bool:
    token = caller.deploy_token
    if token is None or token.project_id is not None:
        return token is not None and token.project_id == project.id
    chain = ancestors(store, namespace_by_id(store, project.namespace_id))
    return any(one.id == token.namespace_id for one in chain)


ROUTES: tuple[Route, ...] = (open_to_all("GET", "/jwt/auth", issue),)
