"""ECR repositories: one for an image, one beside it for its cache."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from sledgehammer.changes import Action
from sledgehammer.errors import NotFoundError
from sledgehammer.provisioning import Attributes, Observed
from sledgehammer_aws.client import NEXT_TOKEN
from sledgehammer_aws.lifecycle import cache_lifecycle, image_lifecycle
from sledgehammer_aws.managed import as_list, has_tags
from sledgehammer_aws.policy import canonical
from sledgehammer_aws.site import Site
from sledgehammer_aws.states import Tags

if TYPE_CHECKING:
    from mypy_boto3_ecr.client import ECRClient
    from mypy_boto3_ecr.type_defs import EncryptionConfigurationTypeDef

T = TypeVar("T")

MUTABILITY = "tag mutability"
LIFECYCLE = "lifecycle"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRepository:
    """Tags are commits. They are mutable unless the settings say otherwise, for a second build of one commit
    pushes the same tag again, and ECR refuses that on an immutable one even for an equal digest
    (aws/containers-roadmap#2380)."""

    site: Site
    name: str
    is_cache: bool = False
    kind: str = "aws_ecr_repository"

    @property
    def _ecr(self) -> "ECRClient":
        return self.site.clients.ecr

    @property
    def _arn(self) -> str:
        return self.site.names.repository_arn(self.name)

    @property
    def _is_immutable(self) -> bool:
        """A cache's tag moves with every build."""
        return self.site.settings.immutable_tags and not self.is_cache

    @property
    def _lifecycle(self) -> str:
        """ "" where nothing is cleaned up, and what is there is left alone."""
        if self.is_cache:
            return cache_lifecycle()
        days = self.site.settings.expire_untagged_days
        return image_lifecycle(days) if days else ""

    def desired(self) -> Attributes | None:
        rules = {LIFECYCLE: canonical(self._lifecycle)} if self._lifecycle else {}
        mutability = {MUTABILITY: "IMMUTABLE" if self._is_immutable else "MUTABLE"}
        return {**self.site.wanted_tags(), **mutability, **rules}

    def observe(self, *, anew: bool = False) -> Observed | None:
        reader = self.site.reader
        state = reader.repository(self.name, anew=anew)
        if state is None:
            return None
        owner = self.site.names.mark.owner_of(f"{self.kind} {self.name}", state.tags)
        tags = self.site.found_tags(state.tags, owner)
        text = reader.lifecycle(self.name, anew=anew) if self._lifecycle else ""
        rules = {LIFECYCLE: canonical(text)} if text else {}
        found = " ".join(part for part in (state.encryption, state.key) if part)
        return Observed(
            attributes={**tags, MUTABILITY: state.mutability, **rules}, owner=owner, note=self._differently(found)
        )

    def _differently(self, found: str) -> str:
        """The encryption of a repository cannot be changed (ECR user guide, "Encryption at rest"): it is only told."""
        key = self.site.settings.encryption_key
        wanted = f"KMS {key}" if key else found
        if found == wanted:
            return ""
        return f"encrypted with {found}, not with {wanted}, which ECR only does when it makes a repository"

    def calls(self, action: Action, attributes: Collection[str]) -> int:
        if action is Action.CREATE:
            return 2 if self._lifecycle else 1
        return 1 if action is Action.DELETE else has_tags(attributes) + len({MUTABILITY, LIFECYCLE} & set(attributes))

    def create(self) -> Collection[str]:
        ecr, key = self._ecr, self.site.settings.encryption_key
        encryption: EncryptionConfigurationTypeDef = (
            {"encryptionType": "KMS", "kmsKey": key} if key else {"encryptionType": "AES256"}
        )
        self._send(
            "CreateRepository",
            lambda: ecr.create_repository(
                repositoryName=self.name,
                imageTagMutability="IMMUTABLE" if self._is_immutable else "MUTABLE",
                encryptionConfiguration=encryption,
                tags=as_list(self.site.tags),
            ),
        )
        return (LIFECYCLE,) if self._lifecycle else ()

    def update(self, attributes: Collection[str]) -> None:
        ecr = self._ecr
        if has_tags(attributes):
            self._tag(self.site.tags)
        if MUTABILITY in attributes:
            self._send(
                "PutImageTagMutability",
                lambda: ecr.put_image_tag_mutability(
                    repositoryName=self.name, imageTagMutability="IMMUTABLE" if self._is_immutable else "MUTABLE"
                ),
            )
        if LIFECYCLE in attributes:
            self._send(
                "PutLifecyclePolicy",
                lambda: ecr.put_lifecycle_policy(repositoryName=self.name, lifecyclePolicyText=self._lifecycle),
            )

    def mark(self) -> None:
        self._tag(self.site.marks)

    def content(self) -> str:
        """What would be lost with it; "" where it is empty."""
        ecr = self._ecr
        pages = self.site.calls.pages(
            f"ecr:ListImages {self.name}",
            lambda **more: ecr.list_images(repositoryName=self.name, **more),
            following=NEXT_TOKEN,
        )
        try:
            count = len({image.get("imageDigest", "") for page in pages for image in page["imageIds"]})
        except NotFoundError:
            return ""
        return f"{count} image{'s' if count > 1 else ''}" if count else ""

    def delete(self) -> None:
        """With its images only where the settings say so: ECR itself refuses otherwise."""
        ecr, is_forced = self._ecr, self.site.settings.force_destroy
        try:
            self._send("DeleteRepository", lambda: ecr.delete_repository(repositoryName=self.name, force=is_forced))
        except NotFoundError:
            return

    def _tag(self, tags: Tags) -> None:
        ecr = self._ecr
        self._send("TagResource", lambda: ecr.tag_resource(resourceArn=self._arn, tags=as_list(tags)))

    def _send(self, operation: str, request: Callable[[], T]) -> T:
        return self.site.calls.send(f"ecr:{operation} {self.name}", request)
