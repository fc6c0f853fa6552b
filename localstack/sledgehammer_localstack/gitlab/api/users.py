"""Users and personal access tokens (Users API, Personal access tokens API).

A password is demanded as GitLab does and then forgotten: nobody signs in with one here.
"""

import sqlite3

from sledgehammer_localstack.gitlab import present_people
from sledgehammer_localstack.gitlab.access import user_by_id
from sledgehammer_localstack.gitlab.answers import (
    Reply,
    bad_parameter,
    bad_request,
    conflict,
    created,
    forbidden,
    no_content,
    not_found,
)
from sledgehammer_localstack.gitlab.api.token_parameters import expiry, wanted_scopes
from sledgehammer_localstack.gitlab.call import Call
from sledgehammer_localstack.gitlab.identity import new_token
from sledgehammer_localstack.gitlab.paging import paged
from sledgehammer_localstack.gitlab.people import add_access_token, create_user
from sledgehammer_localstack.gitlab.records import AccessToken, User
from sledgehammer_localstack.gitlab.routing import Route, reads, writes

PERSONAL_SCOPES = (
    "api", "read_api", "read_user", "create_runner", "manage_runner", "k8s_proxy", "self_rotate",
    "read_repository", "write_repository", "read_registry", "write_registry", "sudo", "admin_mode",
)  # fmt: skip


def current(call: Call) -> Reply:
    """The caller."""
    present = present_people.user_for_admin if call.user.is_admin else present_people.user_public
    return Reply(payload=present(call.services, call.user))


def listing(call: Call) -> Reply:
    """People, not bots; by user name or a search in names."""
    viewer = call.user
    users = call.store.all(User, "SELECT * FROM users WHERE is_bot = 0 ORDER BY id DESC")
    if (username := call.params.text("username")) is not None:
        users = [user for user in users if user.username.lower() == username.lower()]
    if (search := call.params.text("search")) is not None:
        wanted = search.lower()
        users = [user for user in users if wanted in user.username.lower() or wanted in user.name.lower()]
    present = present_people.user_for_admin if viewer.is_admin else present_people.user_basic
    return paged(call, users, lambda user: present(call.services, user))


def show(call: Call) -> Reply:
    """One user."""
    present = present_people.user_for_admin if call.user.is_admin else present_people.user_basic
    return Reply(payload=present(call.services, _user(call, "id")))


def create(call: Call) -> Reply:
    """A new user; administrators only."""
    _demand_admin(call)
    params = call.params
    email, name, username = params.required("email"), params.required("name"), params.required("username")
    password = params.text("password")
    if password is None and not (params.flag("force_random_password") or params.flag("reset_password")):
        raise bad_parameter(
            "password, reset_password, force_random_password are missing, at least one parameter must be provided"
        )
    if password is not None and len(password) < 8:
        raise bad_request({"password": ["is too short (minimum is 8 characters)"]})
    is_admin = bool(params.flag("admin"))
    try:
        user = create_user(call.store, username=username, name=name, email=email, is_admin=is_admin)
    except sqlite3.IntegrityError as error:
        what = "Email" if "email" in str(error) else "Username"
        raise conflict(f"{what} has already been taken") from None
    return created(present_people.user_for_admin(call.services, user))


def token_self(call: Call) -> Reply:
    """The token in use."""
    if call.caller.token is None:
        raise not_found()
    return Reply(payload=present_people.access_token(call.caller.token))


def revoke_self(call: Call) -> Reply:
    """Revoke the token in use."""
    if call.caller.token is None:
        raise not_found()
    call.store.update("access_tokens", call.caller.token.id, revoked=True)
    return no_content()


def token_listing(call: Call) -> Reply:
    """The caller's personal access tokens; everybody's for an administrator."""
    tokens = call.store.all(
        AccessToken, "SELECT * FROM access_tokens WHERE project_id IS NULL AND namespace_id IS NULL ORDER BY id"
    )
    owner = call.params.number("user_id") if call.user.is_admin else call.user.id
    if owner is not None:
        tokens = [token for token in tokens if token.user_id == owner]
    return paged(call, tokens, present_people.access_token)


def create_token(call: Call) -> Reply:
    """A personal access token for a user; administrators only (GitLab's rule for this path)."""
    _demand_admin(call)
    user = _user(call, "user_id")
    text = new_token("glpat-")
    token = add_access_token(
        call.store,
        user_id=user.id,
        text=text,
        name=call.params.required("name"),
        description=call.params.text("description") or "",
        scopes=wanted_scopes(call.params, PERSONAL_SCOPES),
        expires_at=expiry(call.params),
    )
    return created(present_people.access_token(token, text=text))


def revoke_token(call: Call) -> Reply:
    """Revoke a personal access token by id."""
    query = "SELECT * FROM access_tokens WHERE id = ?"
    token = call.store.one(AccessToken, query, int(call.path["id"])) if call.path["id"].isdigit() else None
    if token is None or (token.user_id != call.user.id and not call.user.is_admin):
        raise not_found()
    call.store.update("access_tokens", token.id, revoked=True)
    return no_content()


def _user(call: Call, placeholder: str) -> User:
    text = call.path[placeholder]
    if not text.isdigit():
        raise not_found("User")
    return user_by_id(call.store, int(text))


def _demand_admin(call: Call) -> None:
    if not call.user.is_admin:
        raise forbidden()


_ANY = (*PERSONAL_SCOPES,)
ROUTES: tuple[Route, ...] = (
    reads("/api/v4/user", current, scopes=("read_user",)),
    reads("/api/v4/users", listing, scopes=("read_user",)),
    writes("POST", "/api/v4/users", create),
    reads("/api/v4/users/{id}", show, scopes=("read_user",)),
    writes("POST", "/api/v4/users/{user_id}/personal_access_tokens", create_token),
    reads("/api/v4/personal_access_tokens", token_listing),
    reads("/api/v4/personal_access_tokens/self", token_self, scopes=_ANY),
    writes("DELETE", "/api/v4/personal_access_tokens/self", revoke_self, scopes=_ANY),
    writes("DELETE", "/api/v4/personal_access_tokens/{id}", revoke_token),
)
