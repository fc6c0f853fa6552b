"""Reading many projects at once: each kind of object in lists, a hundred or a thousand to a request."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from sledgehammer.errors import NotFoundError, SledgehammerError
from sledgehammer_aws.account import CACHES, LOG_GROUPS, Account
from sledgehammer_aws.client import NEXT_TOKEN, Calls, Clients
from sledgehammer_aws.managed import PROJECT_TAG, SHARED
from sledgehammer_aws.single_reader import (
    SingleReader,
    document,
    list_log_groups,
    project_state,
    read_tagged,
    repository_state,
    role_index,
    role_state,
)
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

T = TypeVar("T")

PROJECTS_PER_CALL = 100
"""CodeBuild API reference, BatchGetProjects."""

MOST = 1000
"""Of DescribeRepositories, GetAccountAuthorizationDetails and ListObjectsV2 (their API references)."""

BEHIND_CACHES = f"{CACHES}0"
"""The first key behind all that begin with `_cache/`, for "0" follows "/"."""


@dataclass(kw_only=True)
class BulkReader:
    """What connections of many projects share for one plan over all of them: it shows the account as it was when each
    list was first needed, so take a new one after an apply. May be used from several threads.

    `projects` are the names of their CodeBuild projects. Only ECR's lifecycle policies take a request each.
    """

    clients: Clients
    calls: Calls
    account: Account
    projects: Sequence[str]
    _lists: dict[str, Any] = field(default_factory=dict, init=False, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False)

    @property
    def single(self) -> SingleReader:
        return SingleReader(clients=self.clients, calls=self.calls, account=self.account)

    def bucket(self, name: str, *, anew: bool = False) -> BucketState | None:
        if anew:
            return self.single.bucket(name)
        return self._once(f"bucket {name}", lambda: self.single.bucket(name))

    def repository(self, name: str, *, anew: bool = False) -> RepositoryState | None:
        if anew:
            return self.single.repository(name)
        found = self._once("repositories", self._list_repositories).get(name)
        if found is None:
            return None
        arn = found["repositoryArn"]
        tags = self._tagged().get(arn)  # it hears of new tags late; the repository's own service at once
        return repository_state(found, self.single.repository_tags(arn) if tags is None else tags)

    def lifecycle(self, name: str, *, anew: bool = False) -> str:
        return self.single.lifecycle(name)

    def role(self, name: str, *, anew: bool = False) -> RoleState | None:
        if anew:
            return self.single.role(name)
        found = self._once("roles", self._list_roles).get(name)
        return None if found is None else role_state(found)

    def role_index(self) -> RoleIndex:
        return self._once("role index", lambda: role_index(self._once("roles", self._list_roles).values()))

    def role_policy(self, role: str, policy: str, *, anew: bool = False) -> str | Mapping[str, object] | None:
        if anew:
            return self.single.role_policy(role, policy)
        for one in self._once("roles", self._list_roles).get(role, {}).get("RolePolicyList", []):
            if one["PolicyName"] == policy:
                return document(one["PolicyDocument"])
        return None

    def other_policies(self, role: str, policy: str, *, anew: bool = False) -> RolePolicies:
        if anew:
            return self.single.other_policies(role, policy)
        found = self._once("roles", self._list_roles).get(role, {})
        inline = {one["PolicyName"]: document(one["PolicyDocument"]) for one in found.get("RolePolicyList", [])}
        return RolePolicies(
            inline={name: text for name, text in inline.items() if name != policy},
            attached=[one["PolicyArn"] for one in found.get("AttachedManagedPolicies", [])],
        )

    def log_group(self, name: str, *, anew: bool = False) -> LogGroupState | None:
        if anew:
            return self.single.log_group(name)
        groups = self._once("log groups", self._list_log_groups)
        if name not in groups:
            return None
        tags = self._tagged().get(self.account.arn("logs", f"log-group:{name}"))
        return LogGroupState(
            tags=self.single.log_group_tags(name) if tags is None else tags, retention_days=groups[name]
        )

    def source(self, bucket: str, key: str, *, anew: bool = False) -> StoredSource | None:
        if anew:
            return self.single.source(bucket, key)
        found = self._once(f"sources {bucket}", lambda: self._list_sources(bucket)).get(key)
        return None if found is None else StoredSource(md5=found)

    def project(self, name: str, *, anew: bool = False) -> ProjectState | None:
        if anew or name not in self.projects:
            return self.single.project(name)
        return self._once("projects", self._list_projects).get(name)

    def tagged(self, project: str) -> Mapping[str, Tags]:
        return {arn: tags for arn, tags in self._tagged().items() if tags.get(PROJECT_TAG) == project}

    def _tagged(self) -> Mapping[str, Tags]:
        return self._once("tags", lambda: read_tagged(self.clients, self.calls, SHARED))

    def _list_repositories(self) -> dict[str, Any]:
        ecr = self.clients.ecr
        pages = self.calls.pages(
            "ecr:DescribeRepositories",
            lambda **more: ecr.describe_repositories(maxResults=MOST, **more),
            following=NEXT_TOKEN,
        )
        return {one["repositoryName"]: one for page in pages for one in page["repositories"]}

    def _list_roles(self) -> dict[str, Any]:
        iam = self.clients.iam
        pages = self.calls.pages(
            "iam:GetAccountAuthorizationDetails",
            lambda **more: iam.get_account_authorization_details(Filter=["Role"], MaxItems=MOST, **more),
            following={"Marker": "Marker"},
        )
        return {one["RoleName"]: one for page in pages for one in page["RoleDetailList"]}

    def _list_log_groups(self) -> dict[str, str]:
        found = list_log_groups(self.clients, self.calls, LOG_GROUPS)
        return {one.get("logGroupName", ""): str(one.get("retentionInDays", "")) for one in found}

    def _list_projects(self) -> dict[str, ProjectState]:
        codebuild, found = self.clients.codebuild, list[Any]()
        for start in range(0, len(self.projects), PROJECTS_PER_CALL):
            names = self.projects[start : start + PROJECTS_PER_CALL]
            answer = self.calls.send(
                f"codebuild:BatchGetProjects {names[0]} …",
                lambda names=names: codebuild.batch_get_projects(names=names),  # type: ignore[misc]
            )
            found += answer["projects"]
        return {one["name"]: project_state(one) for one in found}

    def _list_sources(self, bucket: str) -> dict[str, str]:
        """Key to MD5 of all objects but the caches, which are many and of no interest: two lists, before and behind."""
        try:
            return self._list_keys(bucket, "") | self._list_keys(bucket, BEHIND_CACHES)
        except NotFoundError:  # the bucket is still to be made
            return {}

    def _list_keys(self, bucket: str, start: str) -> dict[str, str]:
        s3, owner = self.clients.s3, self.account.id
        pages = self.calls.pages(
            f"s3:ListObjectsV2 {bucket}",
            lambda **more: s3.list_objects_v2(
                Bucket=bucket, ExpectedBucketOwner=owner, StartAfter=start, MaxKeys=MOST, **more
            ),
            following={"ContinuationToken": "NextContinuationToken"},
        )
        keys: dict[str, str] = {}
        for one in (one for page in pages for one in page.get("Contents", [])):
            if one["Key"].startswith(f"{CACHES}/"):
                break
            keys[one["Key"]] = one.get("ETag", "").strip('"')
        return keys

    def _once(self, name: str, load: Callable[[], T]) -> T:
        """A list that cannot be had fails every plan alike, without being asked for again."""
        with self._lock:
            if name not in self._lists:
                try:
                    self._lists[name] = load()
                except SledgehammerError as error:
                    self._lists[name] = error
            found = self._lists[name]
        if isinstance(found, SledgehammerError):
            raise found
        return cast(T, found)
