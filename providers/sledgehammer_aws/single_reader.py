"""Reading one object at a time, each by its own request."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from sledgehammer.errors import NotFoundError
from sledgehammer_aws.account import Account
from sledgehammer_aws.bucket_reading import read_bucket
from sledgehammer_aws.client import NEXT_TOKEN, Calls, Clients
from sledgehammer_aws.managed import PROJECT_TAG, SHARED
from sledgehammer_aws.policy import source_arns
from sledgehammer_aws.states import (
    BucketState,
    LogGroupState,
    ProjectState,
    RepositoryState,
    RoleIndex,
    RolePolicies,
    RoleState,
    StoredSource,
    Tags,
)

if TYPE_CHECKING:
    from mypy_boto3_logs.type_defs import LogGroupTypeDef

T = TypeVar("T")

ARNS_PER_PAGE = 100
ROLES_PER_PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleReader:
    """For one project. Nothing is remembered, so everything is anew."""

    clients: Clients
    calls: Calls
    account: Account

    def bucket(self, name: str, *, anew: bool = False) -> BucketState | None:
        return read_bucket(self.clients.s3, self.calls, name, owner=self.account.id)

    def repository(self, name: str, *, anew: bool = False) -> RepositoryState | None:
        ecr = self.clients.ecr
        found = self._find(
            f"ecr:DescribeRepositories {name}", lambda: ecr.describe_repositories(repositoryNames=[name])
        )
        if found is None:
            return None
        repository = found["repositories"][0]
        return repository_state(repository, self.repository_tags(repository["repositoryArn"]))

    def repository_tags(self, arn: str) -> Tags:
        """By the repository's own service, which knows them at once."""
        ecr = self.clients.ecr
        listed = self.calls.send(
            f"ecr:ListTagsForResource {arn.rpartition('repository/')[2]}",
            lambda: ecr.list_tags_for_resource(resourceArn=arn),
        )
        return {tag["Key"]: tag["Value"] for tag in listed["tags"]}

    def lifecycle(self, name: str, *, anew: bool = False) -> str:
        ecr = self.clients.ecr
        found = self._find(f"ecr:GetLifecyclePolicy {name}", lambda: ecr.get_lifecycle_policy(repositoryName=name))
        return "" if found is None else found["lifecyclePolicyText"]

    def role(self, name: str, *, anew: bool = False) -> RoleState | None:
        iam = self.clients.iam
        found = self._find(f"iam:GetRole {name}", lambda: iam.get_role(RoleName=name))
        return None if found is None else role_state(found["Role"])

    def role_index(self) -> RoleIndex:
        iam = self.clients.iam
        pages = self.calls.pages(
            "iam:ListRoles",
            lambda **more: iam.list_roles(MaxItems=ROLES_PER_PAGE, **more),
            following={"Marker": "Marker"},
        )
        return role_index(one for page in pages for one in page["Roles"])

    def role_policy(self, role: str, policy: str, *, anew: bool = False) -> str | Mapping[str, object] | None:
        iam = self.clients.iam
        found = self._find(
            f"iam:GetRolePolicy {role}/{policy}", lambda: iam.get_role_policy(RoleName=role, PolicyName=policy)
        )
        return None if found is None else document(found["PolicyDocument"])

    def other_policies(self, role: str, policy: str, *, anew: bool = False) -> RolePolicies:
        iam = self.clients.iam
        lists = (
            ("ListRolePolicies", partial(iam.list_role_policies, RoleName=role)),
            ("ListAttachedRolePolicies", partial(iam.list_attached_role_policies, RoleName=role)),
        )
        try:
            inline, attached = (
                list(self.calls.pages(f"iam:{operation} {role}", request, following={"Marker": "Marker"}))
                for operation, request in lists
            )
        except NotFoundError:
            return RolePolicies(inline={}, attached=())
        names = [name for page in inline for name in page["PolicyNames"] if name != policy]
        documents = {name: self.role_policy(role, name) for name in names}
        return RolePolicies(
            inline={name: found for name, found in documents.items() if found is not None},
            attached=[one["PolicyArn"] for page in attached for one in page["AttachedPolicies"]],
        )

    def log_group(self, name: str, *, anew: bool = False) -> LogGroupState | None:
        for group in list_log_groups(self.clients, self.calls, name):
            if group.get("logGroupName") == name:
                return LogGroupState(
                    tags=self.log_group_tags(name), retention_days=str(group.get("retentionInDays", ""))
                )
        return None

    def log_group_tags(self, name: str) -> Tags:
        """By the group's own service, which knows them at once."""
        logs, arn = self.clients.logs, self.account.arn("logs", f"log-group:{name}")
        return self.calls.send(
            f"logs:ListTagsForResource {name}", lambda: logs.list_tags_for_resource(resourceArn=arn)
        )["tags"]

    def source(self, bucket: str, key: str, *, anew: bool = False) -> StoredSource | None:
        s3, owner = self.clients.s3, self.account.id
        head = self._find(
            f"s3:HeadObject {bucket}/{key}", lambda: s3.head_object(Bucket=bucket, Key=key, ExpectedBucketOwner=owner)
        )
        if head is None:
            return None
        metadata = head.get("Metadata", {})
        return StoredSource(
            commit=metadata.get("commit", ""),
            sha256=metadata.get("sha256", ""),
            version=head.get("VersionId", ""),
            md5=head.get("ETag", "").strip('"'),
        )

    def project(self, name: str, *, anew: bool = False) -> ProjectState | None:
        codebuild = self.clients.codebuild
        found = self.calls.send(
            f"codebuild:BatchGetProjects {name}", lambda: codebuild.batch_get_projects(names=[name])
        )
        return project_state(found["projects"][0]) if found["projects"] else None

    def tagged(self, project: str) -> Mapping[str, Tags]:
        return read_tagged(self.clients, self.calls, {**SHARED, PROJECT_TAG: project})

    def _find(self, name: str, request: Callable[[], T]) -> T | None:
        try:
            return self.calls.send(name, request)
        except NotFoundError:
            return None


def read_tagged(clients: Clients, calls: Calls, tags: Tags) -> Mapping[str, Tags]:
    """ARN and tags of everything in the region that has these tags, a hundred to a request."""
    filters: Any = [{"Key": key, "Values": [value]} for key, value in tags.items()]
    pages = calls.pages(
        "tagging:GetResources",
        lambda **more: clients.tagging.get_resources(TagFilters=filters, ResourcesPerPage=ARNS_PER_PAGE, **more),
        following={"PaginationToken": "PaginationToken"},
    )
    found = [one for page in pages for one in page["ResourceTagMappingList"]]
    return {one["ResourceARN"]: {tag["Key"]: tag["Value"] for tag in one.get("Tags", [])} for one in found}


def list_log_groups(clients: Clients, calls: Calls, prefix: str) -> "list[LogGroupTypeDef]":
    """Of names that begin so, fifty to a request."""
    logs = clients.logs
    pages = calls.pages(
        f"logs:DescribeLogGroups {prefix}",
        lambda **more: logs.describe_log_groups(logGroupNamePrefix=prefix, **more),
        following=NEXT_TOKEN,
    )
    return [group for page in pages for group in page["logGroups"]]


def repository_state(repository: Any, tags: Tags) -> RepositoryState:
    """A repository as DescribeRepositories gives it."""
    encryption = repository.get("encryptionConfiguration", {})
    return RepositoryState(
        tags=tags,
        mutability=repository["imageTagMutability"],
        encryption=encryption.get("encryptionType", "AES256"),
        key=encryption.get("kmsKey", ""),
    )


def role_state(role: Any) -> RoleState:
    """A role as IAM gives it, alone or among all."""
    return RoleState(
        tags={tag["Key"]: tag["Value"] for tag in role.get("Tags", [])},
        trust=document(role.get("AssumeRolePolicyDocument", {})),
    )


def role_index(roles: Iterable[Any]) -> RoleIndex:
    """Of roles as IAM lists them."""
    names, by_source = set[str](), defaultdict[str, list[str]](list)
    for role in roles:
        names.add(role["RoleName"])
        for arn in source_arns(document(role.get("AssumeRolePolicyDocument", {}))):
            by_source[arn].append(role["RoleName"])
    return RoleIndex(names=frozenset(names), by_source=by_source)


def project_state(answer: Any) -> ProjectState:
    """A project as BatchGetProjects gives it."""
    return ProjectState(
        tags={tag["key"]: tag["value"] for tag in answer.get("tags", []) if "key" in tag and "value" in tag},
        answer=answer,
    )


def document(value: Any) -> str | Mapping[str, object]:
    """botocore gives policy documents parsed, or as text where they do not parse."""
    return cast("str | Mapping[str, object]", value)
