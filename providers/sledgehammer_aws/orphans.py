"""What carries a project's marks and is in its sledge.yaml no longer."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from sledgehammer.provisioning import ManagedObject, Owner
from sledgehammer.secret import Secret
from sledgehammer_aws.codebuild_project import CodeBuildProject
from sledgehammer_aws.destruction import RemovableObject, Spared, Unwanted
from sledgehammer_aws.left_source import left_sources
from sledgehammer_aws.log_group import LogGroup
from sledgehammer_aws.managed import CODEBUILD_TAG, PROJECT_TAG, shared_owner_of
from sledgehammer_aws.neighbours import Neighbour, unclear
from sledgehammer_aws.repository import ImageRepository
from sledgehammer_aws.role import Role
from sledgehammer_aws.schedule_rule import ScheduleRule
from sledgehammer_aws.secret_object import ManagedSecret
from sledgehammer_aws.setting_sections import Schedule
from sledgehammer_aws.site import Site

RANDOM_END = 7
"""Characters that Secrets Manager puts after a secret's name in its ARN."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """One that is not wanted; `codebuild` is whose it is, "" where an earlier version did not write it down."""

    item: RemovableObject
    codebuild: str


def orphans(site: Site, wanted: Sequence[ManagedObject]) -> tuple[ManagedObject, ...]:
    """By the tagging service; roles, which it does not know, by their names and by whom they trust. What is marked as
    another CodeBuild project's is none, and what may be another's stays and is told of."""
    mark, known = site.names.mark, {(item.kind, item.name) for item in wanted}
    found = [
        one
        for one in (*_tagged(site), *_roles(site, known), *_sources(site))
        if (one.item.kind, one.item.name) not in known
    ]
    others = {_name(one.codebuild) for one in found if one.codebuild and not mark.is_own(one.codebuild)}
    return (
        *(_unwanted(one, others) for one in found if not one.codebuild or mark.is_own(one.codebuild)),
        *(Neighbour(name=name) for name in sorted(others)),
    )


def _unwanted(one: _Found, others: Collection[str]) -> ManagedObject:
    if one.codebuild or not others:
        return Unwanted(item=one.item)
    return Spared(item=one.item, note=unclear(others))


def _tagged(site: Site) -> Iterator[_Found]:
    """A CodeBuild project says by its name which one it is."""
    for arn, tags in sorted(site.reader.tagged(site.names.owner).items()):
        for item in _of_arn(site, arn):
            told = tags.get(CODEBUILD_TAG, "")
            is_project = isinstance(item, CodeBuildProject)
            yield _Found(item=item, codebuild=f"{site.names.account.region}/{item.name}" if is_project else told)


def _roles(site: Site, known: Collection[tuple[str, str]]) -> Iterator[_Found]:
    """Those of others are passed over; of an earlier version's, the trust tells whose it is."""
    names, index = site.names, site.reader.role_index()
    trusting = {role for arn in names.sources for role in index.by_source.get(arn, ())}
    for name in sorted(trusting | (names.usual_roles & index.names)):
        item = Role(site=site, name=name, trust="", description="")
        state = site.reader.role(name) if (item.kind, name) not in known else None
        if state is None or shared_owner_of(state.tags) is Owner.OTHERS or state.tags.get(PROJECT_TAG) != names.owner:
            continue
        codebuild = state.tags.get(CODEBUILD_TAG, names.mark.codebuild if name in trusting else "")
        if not codebuild or names.mark.is_own(codebuild):
            yield _Found(item=item, codebuild=codebuild)


def _sources(site: Site) -> Iterator[_Found]:
    for item in left_sources(site):
        if item.observe() is not None:
            yield _Found(item=item, codebuild=site.names.mark.codebuild)


def _name(codebuild: str) -> str:
    return codebuild.rpartition("/")[2]


def _of_arn(site: Site, arn: str) -> Iterator[RemovableObject]:
    service, resource = arn.split(":", 5)[2], arn.split(":", 5)[5]
    kind = re.split("[:/]", resource)[0]
    name = resource[len(kind) + 1 :]
    match service, kind:
        case "ecr", "repository":
            yield ImageRepository(site=site, name=name)
        case "logs", "log-group":
            yield LogGroup(site=site, name=name.removesuffix(":*"))
        case "codebuild", "project":
            yield CodeBuildProject(site=site, name=name, buildspec="", strategy="")
        case "secretsmanager", "secret":
            yield ManagedSecret(site=site, name=name[:-RANDOM_END], value=Secret(""), key=None)
        case "events", "rule":
            schedule = Schedule(expression="rate(1 day)")
            yield ScheduleRule(site=site, settings=schedule, name=name, role_arn="", commit="", branch="")
