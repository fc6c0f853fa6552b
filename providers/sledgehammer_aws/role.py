"""The IAM role that a project's builds run as, and its one inline policy."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, cast

from sledgehammer.errors import NotFoundError
from sledgehammer_aws.account import Names
from sledgehammer_aws.client import Calls, Clients
from sledgehammer_aws.kept_cache import has_file_cache
from sledgehammer_aws.managed import Attributes, check_owner, has_tags, owner_tags, tag_attributes
from sledgehammer_aws.policy import canonical, permissions_document, statements_of, trust_document
from sledgehammer_aws.settings import Settings

TRUST = "trust"
POLICY_NAME = "sledgehammer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """Only CodeBuild may assume it, and only for this project."""

    clients: Clients
    calls: Calls
    names: Names
    settings: Settings
    kind: str = "aws_iam_role"

    @property
    def name(self) -> str:
        return self.names.role

    @property
    def _tags(self) -> Mapping[str, str]:
        return owner_tags(self.names.owner, self.settings.tags)

    def desired(self) -> Attributes:
        return {**tag_attributes(self._tags, managed=self._tags), TRUST: canonical(trust_document(self.names))}

    def observe(self) -> Attributes | None:
        iam = self.clients.iam
        try:
            found = self.calls.send(f"iam:GetRole {self.name}", lambda: iam.get_role(RoleName=self.name))
        except NotFoundError:
            return None
        tags = {tag["Key"]: tag["Value"] for tag in found["Role"].get("Tags", [])}
        check_owner(self, tags, project=self.names.owner)
        trust = _document(found["Role"].get("AssumeRolePolicyDocument", {}))
        return {**tag_attributes(tags, managed=self._tags), TRUST: canonical(trust)}

    def create(self) -> Collection[str]:
        iam, trust = self.clients.iam, trust_document(self.names)
        tags = self._tags
        self.calls.send(
            f"iam:CreateRole {self.name}",
            lambda: iam.create_role(
                RoleName=self.name,
                AssumeRolePolicyDocument=trust,
                Description=f"Builds of {self.names.project} on CodeBuild",
                Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
            ),
        )
        return ()

    def update(self, attributes: Collection[str]) -> None:
        iam, trust = self.clients.iam, trust_document(self.names)
        if has_tags(attributes):
            tags = self._tags
            self.calls.send(
                f"iam:TagRole {self.name}",
                lambda: iam.tag_role(
                    RoleName=self.name, Tags=[{"Key": key, "Value": value} for key, value in tags.items()]
                ),
            )
        if TRUST in attributes:
            self.calls.send(
                f"iam:UpdateAssumeRolePolicy {self.name}",
                lambda: iam.update_assume_role_policy(RoleName=self.name, PolicyDocument=trust),
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class RolePolicy:
    """The role's permissions. The policy has no tags of its own: the role's say whose it is."""

    clients: Clients
    calls: Calls
    names: Names
    settings: Settings
    strategy: str  # of the layer cache
    kind: str = "aws_iam_role_policy"

    @property
    def name(self) -> str:
        return f"{self.names.role}/{POLICY_NAME}"

    @property
    def _permissions(self) -> str:
        return permissions_document(self.names, self.settings.variables, has_file_cache=has_file_cache(self.strategy))

    def desired(self) -> Attributes:
        return _statements(self._permissions)

    def observe(self) -> Attributes | None:
        iam, role = self.clients.iam, self.names.role
        try:
            found = self.calls.send(
                f"iam:GetRolePolicy {self.name}",
                lambda: iam.get_role_policy(RoleName=role, PolicyName=POLICY_NAME),
            )
        except NotFoundError:
            return None
        return _statements(_document(found["PolicyDocument"]))

    def create(self) -> Collection[str]:
        self._put()
        return ()

    def update(self, attributes: Collection[str]) -> None:
        self._put()

    def _put(self) -> None:
        iam, role = self.clients.iam, self.names.role
        document = self._permissions
        self.calls.send(
            f"iam:PutRolePolicy {self.name}",
            lambda: iam.put_role_policy(RoleName=role, PolicyName=POLICY_NAME, PolicyDocument=document),
        )


def _statements(document: str | Mapping[str, object]) -> Attributes:
    return {f"statement {sid}": statement for sid, statement in statements_of(document).items()}


def _document(value: Any) -> str | Mapping[str, object]:
    """botocore gives policy documents parsed, or as text where they do not parse."""
    return cast("str | Mapping[str, object]", value)
