"""The parameters that all kinds of tokens share: scopes and the last day."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from sledgehammer_localstack.gitlab.answers import bad_parameter, bad_request
from sledgehammer_localstack.gitlab.parameters import Parameters

LONGEST_LIFE = timedelta(days=365)  # GitLab's limit for access tokens, and their life when none is asked for


def wanted_scopes(params: Parameters, allowed: Sequence[str]) -> tuple[str, ...]:
    """At least one scope out of those that exist for this kind of token."""
    scopes = params.texts("scopes")
    if scopes is None:
        raise bad_parameter("scopes is missing")
    if not scopes:
        raise bad_parameter("scopes is empty")
    if any(scope not in allowed for scope in scopes):
        raise bad_parameter("scopes does not have a valid value")
    return scopes


def expiry(params: Parameters) -> str:
    """The day an access token ends, a year from now by default."""
    limit = datetime.now(UTC).date() + LONGEST_LIFE
    sent = params.text("expires_at")
    if sent is None:
        return limit.isoformat()
    try:
        day = date.fromisoformat(sent[:10])
    except ValueError:
        raise bad_parameter("expires_at is invalid") from None
    if day > limit:
        raise bad_request({"expires_at": [f"must be before {(limit + timedelta(days=1)).isoformat()}"]})
    if day <= datetime.now(UTC).date():
        raise bad_request("Expiration date cannot be in the past")
    return day.isoformat()
