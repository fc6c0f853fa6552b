"""What carries a project's marks and is in its sledge.yaml no longer."""

import re
from collections.abc import Iterator, Sequence

from sledgehammer.provisioning import ManagedObject
from sledgehammer.secret import Secret
from sledgehammer_aws.codebuild_project import CodeBuildProject
from sledgehammer_aws.destruction import RemovableObject, Unwanted
from sledgehammer_aws.log_group import LogGroup
from sledgehammer_aws.repository import ImageRepository
from sledgehammer_aws.role import Role
from sledgehammer_aws.schedule_rule import ScheduleRule
from sledgehammer_aws.secret_object import ManagedSecret
from sledgehammer_aws.setting_sections import Schedule
from sledgehammer_aws.site import Site

RANDOM_END = 7
"""Characters that Secrets Manager puts after a secret's name in its ARN."""


def orphans(site: Site, wanted: Sequence[ManagedObject]) -> tuple[ManagedObject, ...]:
    """By the tagging service; roles, which it does not know, by their names."""
    known = {(item.kind, item.name) for item in wanted}
    found = [item for arn in sorted(site.reader.tagged(site.names.owner)) for item in _of_arn(site, arn)]
    found += [Role(site=site, name=name, trust="", description="") for name in site.names.more_roles]
    unwanted = [item for item in found if (item.kind, item.name) not in known]
    return tuple(Unwanted(item=item) for item in unwanted if not isinstance(item, Role) or item.observe() is not None)


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
