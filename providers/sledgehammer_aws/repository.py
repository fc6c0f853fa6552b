"""ECR repositories: one for an image, one beside it for its cache."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TypeVar

from sledgehammer.errors import NotFoundError
from sledgehammer_aws.account import Names
from sledgehammer_aws.client import Calls, Clients
from sledgehammer_aws.managed import Attributes, check_owner, has_tags, owner_tags, tag_attributes
from sledgehammer_aws.policy import cache_lifecycle_document, canonical
from sledgehammer_aws.settings import Settings

T = TypeVar("T")

MUTABILITY = "tag mutability"
LIFECYCLE = "lifecycle"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRepository:
    """Tags are commits. They are mutable unless the settings say otherwise, for a second build of one commit
    pushes the same tag again, and ECR refuses that on an immutable one even for an equal digest
    (aws/containers-roadmap#2380)."""

    clients: Clients
    calls: Calls
    names: Names
    settings: Settings
    name: str
    is_cache: bool = False
    kind: str = "aws_ecr_repository"

    @property
    def _tags(self) -> Mapping[str, str]:
        return owner_tags(self.names.owner, self.settings.tags)

    @property
    def _mutability(self) -> str:
        """A cache's tag moves with every build."""
        return "IMMUTABLE" if self.settings.immutable_tags and not self.is_cache else "MUTABLE"

    def desired(self) -> Attributes:
        lifecycle = {LIFECYCLE: canonical(cache_lifecycle_document())} if self.is_cache else {}
        return {**tag_attributes(self._tags, managed=self._tags), MUTABILITY: self._mutability, **lifecycle}

    def observe(self) -> Attributes | None:
        ecr = self.clients.ecr
        try:
            found = self._send("DescribeRepositories", lambda: ecr.describe_repositories(repositoryNames=[self.name]))
        except NotFoundError:
            return None
        repository = found["repositories"][0]
        arn = repository["repositoryArn"]
        listed = self._send("ListTagsForResource", lambda: ecr.list_tags_for_resource(resourceArn=arn))
        tags = {tag["Key"]: tag["Value"] for tag in listed["tags"]}
        check_owner(self, tags, project=self.names.owner)
        lifecycle = {LIFECYCLE: self._read_lifecycle()} if self.is_cache else {}
        mutability = repository["imageTagMutability"]
        return {**tag_attributes(tags, managed=self._tags), MUTABILITY: mutability, **lifecycle}

    def create(self) -> Collection[str]:
        ecr, immutable = self.clients.ecr, self._mutability == "IMMUTABLE"
        tags = self._tags
        self._send(
            "CreateRepository",
            lambda: ecr.create_repository(
                repositoryName=self.name,
                imageTagMutability="IMMUTABLE" if immutable else "MUTABLE",
                tags=[{"Key": key, "Value": value} for key, value in tags.items()],
            ),
        )
        return (LIFECYCLE,) if self.is_cache else ()

    def update(self, attributes: Collection[str]) -> None:
        ecr, immutable = self.clients.ecr, self._mutability == "IMMUTABLE"
        if has_tags(attributes):
            tags = self._tags
            arn = self.names.repository_arn(self.name)
            self._send(
                "TagResource",
                lambda: ecr.tag_resource(
                    resourceArn=arn, tags=[{"Key": key, "Value": value} for key, value in tags.items()]
                ),
            )
        if MUTABILITY in attributes:
            self._send(
                "PutImageTagMutability",
                lambda: ecr.put_image_tag_mutability(
                    repositoryName=self.name, imageTagMutability="IMMUTABLE" if immutable else "MUTABLE"
                ),
            )
        if LIFECYCLE in attributes:
            rules = cache_lifecycle_document()
            self._send(
                "PutLifecyclePolicy",
                lambda: ecr.put_lifecycle_policy(repositoryName=self.name, lifecyclePolicyText=rules),
            )

    def _read_lifecycle(self) -> str:
        ecr = self.clients.ecr
        try:
            found = self._send("GetLifecyclePolicy", lambda: ecr.get_lifecycle_policy(repositoryName=self.name))
        except NotFoundError:
            return ""
        return canonical(found["lifecyclePolicyText"])

    def _send(self, operation: str, request: Callable[[], T]) -> T:
        return self.calls.send(f"ecr:{operation} {self.name}", request)
