"""The projects below a group in one list: whoever plans for many of them asks once for all, not for each."""

from collections.abc import Mapping

from sledgehammer.polling import Clock
from sledgehammer.retry import RetryPolicy
from sledgehammer_gitlab.api import Api, encode
from sledgehammer_gitlab.credentials import find_access
from sledgehammer_gitlab.reading import KnownProject


def list_projects(
    group: str,
    variables: Mapping[str, str],
    *,
    with_subgroups: bool = True,
    url: str = "",
    clock: Clock,
    policy: RetryPolicy,
) -> Mapping[str, KnownProject]:
    """By full path in lower case, with their settings (Groups API, "List all projects"): a request for each hundred.

    `variables` stand for this process's environment. Raises CredentialsError without a token or with one that GitLab
    does not take, NotFoundError for what is no group, such as a person.
    """
    api = Api(find_access(url, variables), clock=clock, policy=policy)
    subgroups = "true" if with_subgroups else "false"
    rows = api.get_list(f"/groups/{encode(group)}/projects", include_subgroups=subgroups, archived="false")
    return {row["path_with_namespace"].lower(): KnownProject(row=row) for row in rows}
