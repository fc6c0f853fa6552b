"""Whose an object of AWS is, told by its tags; and tags as attributes of a plan."""

from collections.abc import Collection, Mapping, Sequence
from typing import TypedDict

from sledgehammer.errors import ConflictError
from sledgehammer.provisioning import Attributes, Owner

OWNER_TAG = "managed-by"
OWNER = "sledgehammer"
PROJECT_TAG = "sledgehammer:project"

TAG = "tag "
"""Begins the names of attributes that are tags."""


class Tag(TypedDict):
    """As most services write it."""

    Key: str
    Value: str


def owner_of(address: str, tags: Mapping[str, str], *, project: str) -> Owner:
    """Whose the tags say that an object is; `project` is "" for what all projects share.

    Raises ConflictError for the object of another project: that is never adopted.
    """
    if tags.get(OWNER_TAG) != OWNER:
        return Owner.OTHERS
    other = tags.get(PROJECT_TAG, "")
    if project and other != project:
        raise ConflictError(
            f"{address} belongs to the project {other or 'without a name'}, not to {project}",
            hint="choose another name in the aws: section of sledge.yaml",
        )
    return Owner.SLEDGE


def marks(project: str) -> Mapping[str, str]:
    """The tags that make an object ours; `project` is "" for what all projects share."""
    return {OWNER_TAG: OWNER, PROJECT_TAG: project} if project else {OWNER_TAG: OWNER}


def as_list(tags: Mapping[str, str]) -> Sequence[Tag]:
    """Tags as most services take them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tag_attributes(tags: Mapping[str, str], *, managed: Collection[str]) -> Attributes:
    """Those tags that we manage, as attributes `tag <key>`."""
    return {f"{TAG}{key}": tags[key] for key in managed if key in tags}


def has_tags(attributes: Collection[str]) -> bool:
    """Whether a tag is among the attributes to update."""
    return any(attribute.startswith(TAG) for attribute in attributes)
