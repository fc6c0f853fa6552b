"""Users, groups, namespaces, members and tokens as GitLab's JSON."""

from sledgehammer_localstack.gitlab.access import ancestors, namespace_by_id
from sledgehammer_localstack.gitlab.answers import Json
from sledgehammer_localstack.gitlab.records import AccessToken, DeployToken, Member, Namespace, User
from sledgehammer_localstack.gitlab.services import Services
from sledgehammer_localstack.gitlab.timestamps import is_past_day

JsonObject = dict[str, Json]


def user_basic(services: Services, user: User) -> JsonObject:
    """What anybody may see of a user."""
    return {
        "id": user.id,
        "username": user.username,
        "name": user.name,
        "state": user.state,
        "locked": False,
        "avatar_url": None,
        "web_url": f"{services.url}/{user.username}",
    }


def user_public(services: Services, user: User) -> JsonObject:
    """What a user sees of themselves."""
    return {
        **user_basic(services, user),
        "created_at": user.created_at,
        "bio": "",
        "bot": user.is_bot,
        "email": user.email,
        "commit_email": user.email,
        "confirmed_at": user.created_at,
        "external": False,
        "can_create_group": not user.is_bot,
        "can_create_project": not user.is_bot,
        "projects_limit": 100000,
        "two_factor_enabled": False,
        "identities": [],
    }


def user_for_admin(services: Services, user: User) -> JsonObject:
    """What an administrator sees of a user."""
    own = services.store.one(Namespace, "SELECT * FROM namespaces WHERE kind = 'user' AND owner_id = ?", user.id)
    namespace_id = own.id if own else None
    return {**user_public(services, user), "is_admin": user.is_admin, "note": None, "namespace_id": namespace_id}


def group(services: Services, one: Namespace) -> JsonObject:
    """A group in lists and as the answer to a change."""
    chain = ancestors(services.store, one)
    return {
        "id": one.id,
        "web_url": f"{services.url}/groups/{one.full_path}",
        "name": one.name,
        "path": one.path,
        "description": one.description,
        "visibility": one.visibility,
        "share_with_group_lock": False,
        "require_two_factor_authentication": False,
        "two_factor_grace_period": 48,
        "project_creation_level": "developer",
        "subgroup_creation_level": "maintainer",
        "emails_enabled": True,
        "lfs_enabled": True,
        "default_branch": None,
        "avatar_url": None,
        "request_access_enabled": True,
        "full_name": " / ".join(part.name for part in reversed(chain)),
        "full_path": one.full_path,
        "created_at": one.created_at,
        "parent_id": one.parent_id,
        "shared_runners_setting": "enabled",
    }


def namespace_basic(services: Services, one: Namespace) -> JsonObject:
    """The namespace inside a project."""
    place = one.full_path if one.kind == "user" else f"groups/{one.full_path}"
    return {
        "id": one.id,
        "name": one.name,
        "path": one.path,
        "kind": one.kind,
        "full_path": one.full_path,
        "parent_id": one.parent_id,
        "avatar_url": None,
        "web_url": f"{services.url}/{place}",
    }


def namespace(services: Services, one: Namespace) -> JsonObject:
    """A namespace of its own."""
    projects = services.store.count("SELECT count(*) FROM projects WHERE namespace_id = ?", one.id)
    return {**namespace_basic(services, one), "members_count_with_descendants": 1, "projects_count": projects}


def member(services: Services, one: Member, user: User) -> JsonObject:
    """A member of a group or project."""
    return {
        **user_basic(services, user),
        "access_level": one.access_level,
        "created_at": one.created_at,
        "expires_at": None,
        "membership_state": "active",
    }


def access_token(token: AccessToken, *, text: str | None = None) -> JsonObject:
    """An access token; its text only in the answer that creates it."""
    shown: JsonObject = {
        "id": token.id,
        "name": token.name,
        "revoked": token.revoked,
        "created_at": token.created_at,
        "description": token.description or None,
        "scopes": list(token.scopes),
        "user_id": token.user_id,
        "last_used_at": token.last_used_at,
        "active": not token.revoked and not is_past_day(token.expires_at),
        "expires_at": token.expires_at,
    }
    if token.access_level is not None:
        is_project = token.project_id is not None
        shown["access_level"] = token.access_level
        shown["resource_type"] = "project" if is_project else "group"
        shown["resource_id"] = token.project_id if is_project else token.namespace_id
    if text is not None:
        shown["token"] = text
    return shown


def deploy_token(token: DeployToken, *, text: str | None = None) -> JsonObject:
    """A deploy token; its text only in the answer that creates it."""
    shown: JsonObject = {
        "id": token.id,
        "name": token.name,
        "username": token.username,
        "expires_at": token.expires_at,
        "scopes": list(token.scopes),
        "revoked": token.revoked,
        "expired": is_past_day(token.expires_at),
    }
    if text is not None:
        shown["token"] = text
    return shown


def name_with_namespace(services: Services, namespace_id: int, name: str) -> str:
    """Group / Subgroup / Name."""
    chain = ancestors(services.store, namespace_by_id(services.store, namespace_id))
    return " / ".join([*(part.name for part in reversed(chain)), name])
