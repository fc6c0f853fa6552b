"""What carries a project's marks and is in its sledge.yaml no longer."""

from collections.abc import Sequence

from sledgehammer.provisioning import ManagedObject
from sledgehammer_aws.log_group import LogGroup
from sledgehammer_aws.repository import ImageRepository
from sledgehammer_aws.site import Site


def orphans(site: Site, wanted: Sequence[ManagedObject]) -> tuple[ManagedObject, ...]:
    """Repositories and log groups, which the tagging service knows: IAM's roles, say, it does not."""
    names = {(item.kind, item.name) for item in wanted}
    found: list[ManagedObject] = []
    for arn in sorted(site.reader.tagged(site.names.owner)):
        service, resource = arn.split(":", 5)[2], arn.split(":", 5)[5]
        item: ManagedObject
        if service == "ecr" and resource.startswith("repository/"):
            item = ImageRepository(site=site, name=resource.removeprefix("repository/"), is_wanted=False)
        elif service == "logs" and resource.startswith("log-group:"):
            item = LogGroup(site=site, name=resource.removeprefix("log-group:").removesuffix(":*"), is_wanted=False)
        else:
            continue
        if (item.kind, item.name) not in names:
            found.append(item)
    return tuple(found)
