"""Whose an object of AWS is, told by its tags; and tags as attributes of a plan."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypedDict

from sledgehammer.errors import ConflictError
from sledgehammer.provisioning import Attributes, Owner

OWNER_TAG = "managed-by"
OWNER = "sledgehammer"
PROJECT_TAG = "sledgehammer:project"
CODEBUILD_TAG = "sledgehammer:codebuild"
SHARED: Final[Mapping[str, str]] = {OWNER_TAG: OWNER}
"""The mark of what all projects share."""

TAG = "tag "
"""Begins the names of attributes that are tags."""


class Tag(TypedDict):
    """As most services write it."""

    Key: str
    Value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What tells the objects of one project from all others, in all regions of an account. `codebuild` is its CodeBuild
    project as `<region>/<name>`, for many a sledge.yaml may have the same `project` at its top; `former` are those that
    it had before."""

    project: str
    codebuild: str
    former: tuple[str, ...] = ()

    @property
    def tags(self) -> Mapping[str, str]:
        """Those that make an object this project's."""
        return {**SHARED, PROJECT_TAG: self.project, CODEBUILD_TAG: self.codebuild}

    def is_own(self, codebuild: str) -> bool:
        """Whether a CodeBuild project is this one, by today's name or one that it had."""
        return codebuild in (self.codebuild, *self.former)

    def owner_of(self, address: str, tags: Mapping[str, str]) -> Owner:
        """Whose the tags say that an object is. One without a CodeBuild project was made by an earlier version.

        Raises ConflictError for the object of another project: that is never adopted.
        """
        if shared_owner_of(tags) is Owner.OTHERS:
            return Owner.OTHERS
        other = tags.get(PROJECT_TAG, "")
        if other != self.project:
            raise ConflictError(
                f"{address} belongs to the project {other or 'without a name'}, not to {self.project}",
                hint="choose another name in the aws: section of sledge.yaml",
            )
        codebuild = tags.get(CODEBUILD_TAG, "")
        if codebuild and not self.is_own(codebuild):
            name = codebuild.rpartition("/")[2]
            raise ConflictError(
                f"{address} belongs to the CodeBuild project {codebuild}, not to {self.codebuild}",
                hint=f"choose another name in the aws: section of sledge.yaml; or, if {name} is what this project was "
                f"called before: aws: {{former_projects: [{name}]}}",
            )
        return Owner.SLEDGE


def shared_owner_of(tags: Mapping[str, str]) -> Owner:
    """Whether the tags say that an object is ours, of whichever project."""
    return Owner.SLEDGE if tags.get(OWNER_TAG) == OWNER else Owner.OTHERS


def as_list(tags: Mapping[str, str]) -> Sequence[Tag]:
    """Tags as most services take them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tag_attributes(tags: Mapping[str, str], *, managed: Collection[str]) -> Attributes:
    """Those tags that we manage, as attributes `tag <key>`."""
    return {f"{TAG}{key}": tags[key] for key in managed if key in tags}


def has_tags(attributes: Collection[str]) -> bool:
    """Whether a tag is among the attributes to update."""
    return any(attribute.startswith(TAG) for attribute in attributes)
