"""What carries which tags, over all services: ECR and CodeBuild from here, the rest from moto.

https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html. As on AWS, IAM's roles are
not among it.
"""

import re
from collections.abc import Callable, Iterable, Mapping

from sledgehammer_localstack.aws.contract import contract
from sledgehammer_localstack.aws.refusal import AwsError
from sledgehammer_localstack.aws.services import Caller, Document, Service

Tagged = Callable[[], Mapping[str, Mapping[str, str]]]
"""ARN to tags of one service's objects."""

_PAGE = 50


class Tagging:
    """GetResources by tags and by types such as `ecr:repository`."""

    def __init__(self, owners: Iterable[Tagged]) -> None:
        self._owners = tuple(owners)
        self.service = Service(
            contract=contract("resourcegroupstaggingapi"),
            invalid_code="InvalidParameterException",
            handlers={"GetResources": self._get},
        )

    def _get(self, _caller: Caller, request: Document) -> Document:
        kinds = request.get("ResourceTypeFilters", [])
        wanted = {one["Key"]: set(one.get("Values", [])) for one in request.get("TagFilters", [])}
        rows = [
            {"ResourceARN": arn, "Tags": [{"Key": key, "Value": value} for key, value in sorted(tags.items())]}
            for arn, tags in sorted(self._all(kinds).items())
            if all(key in tags and (not values or tags[key] in values) for key, values in wanted.items())
        ]
        return _page(rows, request)

    def _all(self, kinds: list[str]) -> dict[str, Mapping[str, str]]:
        return {arn: tags for owner in self._owners for arn, tags in owner().items() if tags and _is_of(arn, kinds)}


def _is_of(arn: str, kinds: list[str]) -> bool:
    service, resource = arn.split(":", 5)[2], arn.split(":", 5)[5]
    kind = re.split("[:/]", resource)[0]
    return not kinds or service in kinds or f"{service}:{kind}" in kinds


def _page(rows: list[Document], request: Document) -> Document:
    token = request.get("PaginationToken", "") or "0"
    if not token.isdigit():
        raise AwsError("PaginationTokenExpiredException", "the token is none of this endpoint's")
    start, size = int(token), int(request.get("ResourcesPerPage", _PAGE))
    rest = str(start + size) if start + size < len(rows) else ""
    return {"ResourceTagMappingList": rows[start : start + size], "PaginationToken": rest}
