"""What a project holds that did not come from us, and that nobody can make again once it has been deleted."""

from collections.abc import Callable
from dataclasses import dataclass

from sledgehammer.errors import CredentialsError, NotFoundError
from sledgehammer_gitlab.api import Api, Json
from sledgehammer_gitlab.marks import read_mark
from sledgehammer_gitlab.mirror import Mirror
from sledgehammer_gitlab.objects.ci_merge_request import SOURCE
from sledgehammer_gitlab.paths import project_path


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One list of the project's. `name` is what a person calls a row, "" for one that nobody misses."""

    noun: str
    plural: str
    tail: str
    name: Callable[[Json], str]


def content_of_others(api: Api, row: Json, mirror: Mirror) -> str:
    """As a person reads it, "" where there is nothing. `row` is the project.

    Images count whoever pushed them. Of issues GitLab's project tells the number of open ones. A list that this token
    may not read counts as content: what cannot be seen is not deleted.
    """
    issues = int(row.get("open_issues_count") or 0)
    base = project_path(row["path_with_namespace"])
    told = [_told(api, base, kind) for kind in (_branches(mirror), *KINDS)]
    told.append(f"{issues} open issue{'s' if issues > 1 else ''}" if issues else "")
    return ", ".join(each for each in told if each)


def _told(api: Api, base: str, kind: Kind) -> str:
    try:
        rows = api.get_list(f"{base}/{kind.tail}")
    except NotFoundError:  # GitLab has no such feature, or an empty repository
        return ""
    except CredentialsError:
        return f"{kind.plural} that this token may not list"
    names = [name for each in rows if (name := kind.name(each))]
    if len(names) > 1:
        return f"{len(names)} {kind.plural} such as {names[0]}"
    return f"{kind.noun} {names[0]}" if names else ""


def _branches(mirror: Mirror) -> Kind:
    def name(row: Json) -> str:
        branch, commit = row["name"], row["commit"]
        is_ours = branch == SOURCE or mirror.came_from_here(commit["id"], branch, message=commit.get("message") or "")
        return "" if is_ours else str(branch)

    return Kind(noun="branch", plural="branches", tail="repository/branches", name=name)


def _merge_request(row: Json) -> str:
    is_ours = row["source_branch"] == SOURCE and read_mark(row.get("description"))[1] is not None
    return "" if is_ours else f"!{row['iid']}"


def _image_repository(row: Json) -> str:
    return str(row["path"]) if row.get("tags_count") != 0 else ""


KINDS = (
    Kind(noun="tag", plural="tags", tail="repository/tags", name=lambda row: str(row["name"])),
    Kind(noun="merge request", plural="merge requests", tail="merge_requests", name=_merge_request),
    Kind(
        noun="images in",
        plural="repositories of images",
        tail="registry/repositories?tags_count=true",
        name=_image_repository,
    ),
    Kind(noun="package", plural="packages", tail="packages", name=lambda row: str(row["name"])),
    Kind(noun="wiki page", plural="wiki pages", tail="wikis", name=lambda row: str(row["slug"])),
    Kind(noun="snippet", plural="snippets", tail="snippets", name=lambda row: str(row["title"])),
)
