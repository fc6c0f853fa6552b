"""Making users and groups, with GitLab's rules for their names."""

import re
import sqlite3

from sledgehammer_localstack.gitlab import timestamps
from sledgehammer_localstack.gitlab.answers import bad_request
from sledgehammer_localstack.gitlab.identity import digest
from sledgehammer_localstack.gitlab.records import AccessToken, Namespace, User
from sledgehammer_localstack.gitlab.store import Store

# GitLab's path rule: letters, digits, _ - . ; no leading - or ., no trailing ., .git or .atom
_PATH = re.compile(r"(?!.*\.(?:git|atom)$)[A-Za-z0-9_][A-Za-z0-9_.\-]*(?<![.])")
PATH_RULE = "can contain only letters, digits, '_', '-' and '.'. Cannot start with '-', end in '.git' or end in '.atom'"


def is_path(text: str) -> bool:
    """Whether a text may be a path component."""
    return _PATH.fullmatch(text) is not None


def create_user(
    store: Store, *, username: str, name: str, email: str, is_admin: bool = False, is_bot: bool = False
) -> User:
    """A user with the namespace of the same name. 409 where name or address are taken."""
    if not is_path(username):
        raise bad_request({"username": [PATH_RULE]})
    with store.transaction():
        user_id = store.insert(
            "users",
            username=username,
            name=name,
            email=email,
            is_admin=is_admin,
            is_bot=is_bot,
            state="active",
            created_at=timestamps.now(),
        )
        if not is_bot:
            create_namespace(store, kind="user", name=name, path=username, parent=None, owner_id=user_id)
    user = store.one(User, "SELECT * FROM users WHERE id = ?", user_id)
    assert user is not None  # noqa: S101 - inserted above
    return user


def create_namespace(
    store: Store,
    *,
    kind: str,
    name: str,
    path: str,
    parent: Namespace | None,
    owner_id: int | None = None,
    visibility: str = "private",
    description: str = "",
) -> Namespace:
    """A group or a user's place. 400 where the path is none or taken."""
    if not is_path(path):
        raise bad_request({"path": [PATH_RULE]})
    full_path = f"{parent.full_path}/{path}" if parent else path
    if store.count("SELECT count(*) FROM projects WHERE full_path = ?", full_path):
        raise bad_request({"path": ["has already been taken"]})
    try:
        row = store.insert(
            "namespaces",
            kind=kind,
            name=name,
            path=path,
            full_path=full_path,
            parent_id=parent.id if parent else None,
            owner_id=owner_id,
            visibility=visibility,
            description=description,
            created_at=timestamps.now(),
        )
    except sqlite3.IntegrityError:
        raise bad_request('Failed to save group {:path=>["has already been taken"]}') from None
    made = store.one(Namespace, "SELECT * FROM namespaces WHERE id = ?", row)
    assert made is not None  # noqa: S101 - inserted above
    return made


def add_access_token(
    store: Store,
    *,
    user_id: int,
    text: str,
    name: str,
    scopes: tuple[str, ...],
    expires_at: str | None,
    description: str = "",
    project_id: int | None = None,
    namespace_id: int | None = None,
    access_level: int | None = None,
) -> AccessToken:
    """Keep the digest of an access token."""
    row = store.insert(
        "access_tokens",
        user_id=user_id,
        project_id=project_id,
        namespace_id=namespace_id,
        access_level=access_level,
        name=name,
        description=description,
        digest=digest(text),
        scopes=scopes,
        created_at=timestamps.now(),
        expires_at=expires_at,
        revoked=False,
    )
    made = store.one(AccessToken, "SELECT * FROM access_tokens WHERE id = ?", row)
    assert made is not None  # noqa: S101 - inserted above
    return made
