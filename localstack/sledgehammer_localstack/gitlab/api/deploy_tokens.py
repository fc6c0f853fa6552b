"""Deploy tokens of projects and groups (Deploy tokens API). A second POST is a second token, as on GitLab."""

from dataclasses import dataclass
from datetime import date

from sledgehammer_localstack.gitlab import present_people
from sledgehammer_localstack.gitlab.access import MAINTAINER, OWNER, find_group, find_project
from sledgehammer_localstack.gitlab.answers import Reply, bad_parameter, bad_request, created, no_content, not_found
from sledgehammer_localstack.gitlab.api.token_parameters import wanted_scopes
from sledgehammer_localstack.gitlab.call import Call
from sledgehammer_localstack.gitlab.identity import digest, new_token
from sledgehammer_localstack.gitlab.paging import paged
from sledgehammer_localstack.gitlab.records import DeployToken
from sledgehammer_localstack.gitlab.routing import Route, reads, writes
from sledgehammer_localstack.gitlab.timestamps import is_past_day

DEPLOY_SCOPES = (
    "read_repository", "read_registry", "write_registry", "read_package_registry", "write_package_registry",
    "read_virtual_registry", "write_virtual_registry",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Owner:
    """The project or group whose tokens are meant; the other id is None."""

    project_id: int | None = None
    namespace_id: int | None = None


def _owner(call: Call) -> _Owner:
    if "/projects/" in call.request.path:
        return _Owner(project_id=find_project(call.store, call.caller, call.path["id"], level=MAINTAINER).id)
    return _Owner(namespace_id=find_group(call.store, call.caller, call.path["id"], level=OWNER).id)


def _all(call: Call) -> list[DeployToken]:
    owner = _owner(call)
    query = "SELECT * FROM deploy_tokens WHERE project_id IS ? AND namespace_id IS ? AND revoked = 0 ORDER BY id"
    return call.store.all(DeployToken, query, owner.project_id, owner.namespace_id)


def _one(call: Call) -> DeployToken:
    for token in _all(call):
        if str(token.id) == call.path["token_id"]:
            return token
    raise not_found("Deploy Token")


def listing(call: Call) -> Reply:
    """The tokens that were not revoked; `active` leaves out the expired ones."""
    tokens = _all(call)
    if call.params.flag("active"):
        tokens = [token for token in tokens if not is_past_day(token.expires_at)]
    return paged(call, tokens, present_people.deploy_token)


def show(call: Call) -> Reply:
    """One token, without its text."""
    return Reply(payload=present_people.deploy_token(_one(call)))


def create(call: Call) -> Reply:
    """A new token; the answer is the only place that has its text."""
    owner, params = _owner(call), call.params
    name, scopes, username = params.required("name"), wanted_scopes(params, DEPLOY_SCOPES), params.text("username")
    if username == "gitlab-ci-token":
        raise bad_request({"username": ["is reserved"]})
    text = new_token("gldt-")
    with call.store.transaction():
        row = call.store.insert(
            "deploy_tokens",
            project_id=owner.project_id,
            namespace_id=owner.namespace_id,
            name=name,
            username=username or "",
            digest=digest(text),
            scopes=scopes,
            expires_at=_expiry(params.text("expires_at")),
            revoked=False,
        )
        if not username:
            call.store.update("deploy_tokens", row, username=f"gitlab+deploy-token-{row}")
    token = call.store.one(DeployToken, "SELECT * FROM deploy_tokens WHERE id = ?", row)
    assert token is not None  # noqa: S101 - inserted above
    return created(present_people.deploy_token(token, text=text))


def _expiry(sent: str | None) -> str | None:
    """Midnight of the day, None for ever: deploy tokens need not end."""
    if not sent:
        return None
    try:
        return f"{date.fromisoformat(sent[:10]).isoformat()}T00:00:00.000Z"
    except ValueError:
        raise bad_parameter("expires_at is invalid") from None


def revoke(call: Call) -> Reply:
    """End a token."""
    call.store.update("deploy_tokens", _one(call).id, revoked=True)
    return no_content()


def _routes(base: str) -> tuple[Route, ...]:
    return (
        reads(f"{base}/deploy_tokens", listing),
        writes("POST", f"{base}/deploy_tokens", create),
        reads(f"{base}/deploy_tokens/{{token_id}}", show),
        writes("DELETE", f"{base}/deploy_tokens/{{token_id}}", revoke),
    )


ROUTES: tuple[Route, ...] = (*_routes("/api/v4/projects/{id}"), *_routes("/api/v4/groups/{id}"))
