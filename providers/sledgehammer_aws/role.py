"""An IAM role and its one inline policy."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from sledgehammer.changes import Action, Statement
from sledgehammer.errors import NotFoundError
from sledgehammer.provisioning import Attributes, Observed, Owner
from sledgehammer_aws.managed import as_list, has_tags
from sledgehammer_aws.policy import (
    Permission,
    canonical,
    policy_document,
    statement_attributes,
    statement_records,
    trust_records,
)
from sledgehammer_aws.site import Site
from sledgehammer_aws.states import Tags

TRUST = "trust"
POLICY_NAME = "sledgehammer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """Only whom `trust`, a policy document, names may assume it."""

    site: Site
    name: str
    trust: str
    description: str
    kind: str = "aws_iam_role"

    def desired(self) -> Attributes | None:
        return {**self.site.wanted_tags(), TRUST: canonical(self.trust)}

    def observe(self, *, anew: bool = False) -> Observed | None:
        state = self.site.reader.role(self.name, anew=anew)
        if state is None:
            return None
        owner = self.site.names.mark.owner_of(f"{self.kind} {self.name}", state.tags)
        tags = self.site.found_tags(state.tags, owner)
        return Observed(attributes={**tags, TRUST: canonical(state.trust)}, owner=owner)

    def statements(self, attributes: Attributes) -> tuple[Statement, ...]:
        return trust_records(str(attributes[TRUST])) if attributes.get(TRUST) else ()

    def calls(self, action: Action, attributes: Collection[str]) -> int:
        return has_tags(attributes) + (TRUST in attributes) if action is Action.UPDATE else 1

    def create(self) -> Collection[str]:
        iam = self.site.clients.iam
        self.site.calls.send(
            f"iam:CreateRole {self.name}",
            lambda: iam.create_role(
                RoleName=self.name,
                AssumeRolePolicyDocument=self.trust,
                Description=self.description,
                Tags=as_list(self.site.tags),
            ),
        )
        return ()

    def update(self, attributes: Collection[str]) -> None:
        iam = self.site.clients.iam
        if has_tags(attributes):
            self._tag(self.site.tags)
        if TRUST in attributes:
            self.site.calls.send(
                f"iam:UpdateAssumeRolePolicy {self.name}",
                lambda: iam.update_assume_role_policy(RoleName=self.name, PolicyDocument=self.trust),
            )

    def mark(self) -> None:
        self._tag(self.site.marks)

    def delete(self) -> None:
        """With its inline policy, without which it can go only."""
        iam = self.site.clients.iam
        _delete_policy(self.site, self.name)
        try:
            self.site.calls.send(f"iam:DeleteRole {self.name}", lambda: iam.delete_role(RoleName=self.name))
        except NotFoundError:
            return

    def _tag(self, tags: Tags) -> None:
        iam = self.site.clients.iam
        self.site.calls.send(f"iam:TagRole {self.name}", lambda: iam.tag_role(RoleName=self.name, Tags=as_list(tags)))


@dataclass(frozen=True, slots=True, kw_only=True)
class RolePolicy:
    """A role's permissions. The policy has no tags of its own: the role's say whose it is."""

    site: Site
    role: Role
    permissions: Callable[[], Sequence[Permission]]  # asked anew for a write: an ARN may only be known by then
    kind: str = "aws_iam_role_policy"
    reasons: dict[str, str] = field(default_factory=dict, repr=False, compare=False)
    """By Sid, once the permissions were asked for, which may take a request."""

    @property
    def name(self) -> str:
        return f"{self.role.name}/{POLICY_NAME}"

    def desired(self) -> Attributes | None:
        return statement_attributes(policy_document(self._wanted()))

    def observe(self, *, anew: bool = False) -> Observed | None:
        role = self.role.observe(anew=anew)
        if role is None:
            return None
        found = self.site.reader.role_policy(self.role.name, POLICY_NAME, anew=anew)
        if found is None:
            return None if role.owner is Owner.SLEDGE else Observed(attributes={}, owner=role.owner)
        return Observed(attributes=statement_attributes(found), owner=role.owner)

    def statements(self, attributes: Attributes) -> tuple[Statement, ...]:
        if not self.reasons:
            self._wanted()
        return statement_records(attributes, self.reasons)

    def calls(self, action: Action, attributes: Collection[str]) -> int:
        return 1

    def create(self) -> Collection[str]:
        self._put()
        return ()

    def update(self, attributes: Collection[str]) -> None:
        self._put()

    def mark(self) -> None:
        self.role.mark()

    def delete(self) -> None:
        _delete_policy(self.site, self.role.name)

    def _wanted(self) -> Sequence[Permission]:
        wanted = self.permissions()
        self.reasons.update({permission.sid: permission.reason for permission in wanted})
        return wanted

    def _put(self) -> None:
        iam, role, document = self.site.clients.iam, self.role.name, policy_document(self.permissions())
        self.site.calls.send(
            f"iam:PutRolePolicy {self.name}",
            lambda: iam.put_role_policy(RoleName=role, PolicyName=POLICY_NAME, PolicyDocument=document),
        )


def _delete_policy(site: Site, role: str) -> None:
    iam = site.clients.iam
    try:
        site.calls.send(
            f"iam:DeleteRolePolicy {role}/{POLICY_NAME}",
            lambda: iam.delete_role_policy(RoleName=role, PolicyName=POLICY_NAME),
        )
    except NotFoundError:
        return
