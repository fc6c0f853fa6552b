"""Project and group access tokens: each has a bot user, a member at the token's level."""

import secrets
from dataclasses import dataclass

from sledgehammer_localstack.gitlab import present_people
from sledgehammer_localstack.gitlab.access import LEVELS, MAINTAINER, OWNER, find_group, find_project, refusal
from sledgehammer_localstack.gitlab.answers import Reply, bad_parameter, created, no_content, not_found
from sledgehammer_localstack.gitlab.api.token_parameters import expiry, wanted_scopes
from sledgehammer_localstack.gitlab.call import Call
from sledgehammer_localstack.gitlab.identity import new_token
from sledgehammer_localstack.gitlab.paging import paged
from sledgehammer_localstack.gitlab.people import add_access_token, create_user
from sledgehammer_localstack.gitlab.records import AccessToken
from sledgehammer_localstack.gitlab.routing import Route, reads, writes
from sledgehammer_localstack.gitlab.timestamps import now

RESOURCE_SCOPES = (
    "api", "read_api", "create_runner", "manage_runner", "k8s_proxy", "self_rotate",
    "read_repository", "write_repository", "read_registry", "write_registry",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Resource:
    """The project or group whose tokens are meant; the other id is None."""

    kind: str
    project_id: int | None = None
    namespace_id: int | None = None

    @property
    def id(self) -> int:
        return self.project_id or self.namespace_id or 0


def _resource(call: Call) -> _Resource:
    if call.caller.token is not None and call.caller.token.access_level is not None:
        raise refusal(call.caller)  # GitLab: a bot makes no further tokens
    if "/projects/" in call.request.path:
        project = find_project(call.store, call.caller, call.path["id"], level=MAINTAINER)
        return _Resource(kind="project", project_id=project.id)
    group = find_group(call.store, call.caller, call.path["id"], level=OWNER)
    return _Resource(kind="group", namespace_id=group.id)


def _all(call: Call, resource: _Resource) -> list[AccessToken]:
    query = "SELECT * FROM access_tokens WHERE project_id IS ? AND namespace_id IS ? ORDER BY id"
    return call.store.all(AccessToken, query, resource.project_id, resource.namespace_id)


def _one(call: Call) -> AccessToken:
    for token in _all(call, _resource(call)):
        if str(token.id) == call.path["token_id"]:
            return token
    raise not_found("Could not find access token with token_id: " + call.path["token_id"])


def listing(call: Call) -> Reply:
    """All tokens, revoked ones too unless `state` says otherwise."""
    shown = _all(call, _resource(call))
    state = call.params.choice("state", ("active", "inactive"))
    if state is not None:
        shown = [one for one in shown if present_people.access_token(one)["active"] is (state == "active")]
    if call.params.has("revoked"):
        shown = [one for one in shown if one.revoked is call.params.flag("revoked")]
    return paged(call, shown, present_people.access_token)


def show(call: Call) -> Reply:
    """One token, without its text."""
    return Reply(payload=present_people.access_token(_one(call)))


def create(call: Call) -> Reply:
    """A new token; the answer is the only place that has its text."""
    resource, params, store = _resource(call), call.params, call.store
    name, level = params.required("name"), params.number("access_level")
    level = MAINTAINER if level is None else level
    if level not in LEVELS:
        raise bad_parameter("access_level does not have a valid value")
    params.required("expires_at")
    scopes, expires_at = wanted_scopes(params, RESOURCE_SCOPES), expiry(params)
    text = new_token("glpat-")
    with store.transaction():
        username = f"{resource.kind}_{resource.id}_bot_{secrets.token_hex(16)}"
        bot = create_user(store, username=username, name=name, email=f"{username}@noreply.example.com", is_bot=True)
        store.insert(
            "members",
            user_id=bot.id,
            project_id=resource.project_id,
            namespace_id=resource.namespace_id,
            access_level=level,
            created_at=now(),
        )
        token = add_access_token(
            store,
            user_id=bot.id,
            text=text,
            name=name,
            description=params.text("description") or "",
            scopes=scopes,
            expires_at=expires_at,
            project_id=resource.project_id,
            namespace_id=resource.namespace_id,
            access_level=level,
        )
    return created(present_people.access_token(token, text=text))


def revoke(call: Call) -> Reply:
    """End a token."""
    call.store.update("access_tokens", _one(call).id, revoked=True)
    return no_content()


def rotate(call: Call) -> Reply:
    """End a token and make another like it."""
    old = _one(call)
    text = new_token("glpat-")
    with call.store.transaction():
        call.store.update("access_tokens", old.id, revoked=True)
        token = add_access_token(
            call.store,
            user_id=old.user_id,
            text=text,
            name=old.name,
            description=old.description,
            scopes=old.scopes,
            expires_at=expiry(call.params),
            project_id=old.project_id,
            namespace_id=old.namespace_id,
            access_level=old.access_level,
        )
    return Reply(payload=present_people.access_token(token, text=text))


def _routes(base: str) -> tuple[Route, ...]:
    return (
        reads(f"{base}/access_tokens", listing),
        writes("POST", f"{base}/access_tokens", create),
        reads(f"{base}/access_tokens/{{token_id}}", show),
        writes("DELETE", f"{base}/access_tokens/{{token_id}}", revoke),
        writes("POST", f"{base}/access_tokens/{{token_id}}/rotate", rotate),
    )


ROUTES: tuple[Route, ...] = (*_routes("/api/v4/projects/{id}"), *_routes("/api/v4/groups/{id}"))
