"""Who makes a request: personal, project, group and deploy tokens, and the tokens of running jobs."""

import hashlib
import secrets
from dataclasses import dataclass

from sledgehammer_localstack.gitlab import timestamps
from sledgehammer_localstack.gitlab.answers import invalid_token, unauthorized
from sledgehammer_localstack.gitlab.records import AccessToken, DeployToken, Job, User
from sledgehammer_localstack.gitlab.store import Store

LAST_USED_STEP_S = 600  # GitLab writes down a token's last use every ten minutes at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A user with a token's scopes, a running job, a deploy token, or nobody (all None)."""

    user: User | None = None
    scopes: frozenset[str] = frozenset()
    token: AccessToken | None = None
    deploy_token: DeployToken | None = None
    job: Job | None = None

    @property
    def is_anonymous(self) -> bool:
        """Whether no credential came along."""
        return self.user is None and self.deploy_token is None

    def has_scope(self, *scopes: str) -> bool:
        """Whether any of these was granted; a running job has those of its own few routes only."""
        return any(scope in self.scopes for scope in scopes)


ANONYMOUS = Caller()


def digest(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_token(prefix: str) -> str:
    """A fresh token text, such as glpat-…"""
    return prefix + secrets.token_urlsafe(20).replace("-", "x").replace("_", "y")


def caller_of_token(store: Store, token: str) -> Caller:
    """The user behind an access token. 401 when there is none, or it was revoked or has expired."""
    found = store.one(AccessToken, "SELECT * FROM access_tokens WHERE digest = ?", digest(token))
    if found is None:
        raise unauthorized()
    if found.revoked:
        raise invalid_token("Token was revoked. You have to re-authorize from the user.")
    if timestamps.is_past_day(found.expires_at):
        raise invalid_token("Token is expired. You can either do re-authorization or token refresh.")
    user = store.one(User, "SELECT * FROM users WHERE id = ?", found.user_id)
    if user is None or user.state != "active":
        raise unauthorized()
    if found.last_used_at is None or found.last_used_at < timestamps.in_seconds(-LAST_USED_STEP_S):
        store.update("access_tokens", found.id, last_used_at=timestamps.now())
    return Caller(user=user, scopes=frozenset(found.scopes), token=found)


def running_job_of_token(store: Store, token: str) -> Job | None:
    """The job that this token belongs to, while it runs; afterwards the token is dead."""
    if not token:
        return None
    query = "SELECT * FROM jobs WHERE digest = ? AND status IN ('running', 'canceling')"
    return store.one(Job, query, digest(token))


def caller_of_job(store: Store, token: str) -> Caller:
    """The running job behind a job token, acting for the user who started its pipeline. 401 otherwise."""
    job = running_job_of_token(store, token)
    if job is None:
        raise unauthorized()
    return Caller(user=store.one(User, "SELECT * FROM users WHERE id = ?", job.user_id), job=job)


def caller_of_password(store: Store, username: str, password: str) -> Caller:
    """The caller behind Basic authentication, for git and the registry: a user name and an access token (GitLab
    takes any user name with a token), `gitlab-ci-token` and a job's token, or a deploy token's own pair. 401 otherwise.
    """
    if username == "gitlab-ci-token":
        return caller_of_job(store, password)
    query = "SELECT * FROM deploy_tokens WHERE digest = ? AND username = ?"
    deploy = store.one(DeployToken, query, digest(password), username)
    if deploy is not None:
        if deploy.revoked or timestamps.is_past_day(deploy.expires_at):
            raise unauthorized()
        return Caller(deploy_token=deploy, scopes=frozenset(deploy.scopes))
    return caller_of_token(store, password)
