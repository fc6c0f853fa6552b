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
    document_records,
    policy_document,
    statement_attributes,
    statement_records,
)
from sledgehammer_aws.site import Site
from sledgehammer_aws.states import RoleState, Tags

TRUST = "trust"
INLINE = "inline policy "
MANAGED = "managed policy "
"""Begin the names of attributes that are policies which somebody else gave a role of ours."""

POLICY_NAME = "sledgehammer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """Only whom `trust`, a policy document, names may assume it. One that is ours may what its one policy says and
    nothing else: other policies are taken away."""

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
        owner = self._owner(state)
        tags = self.site.found_tags(state.tags, owner)
        others = self._other_policies(anew=anew) if owner is Owner.SLEDGE else {}
        return Observed(attributes={**tags, TRUST: canonical(state.trust), **others}, owner=owner)

    def owner(self, *, anew: bool = False) -> Owner | None:
        """Whose it is; None where there is none."""
        state = self.site.reader.role(self.name, anew=anew)
        return None if state is None else self._owner(state)

    def statements(self, attributes: Attributes) -> tuple[Statement, ...]:
        """What a managed policy grants is not read: it is an attribute only."""
        documents = [str(text) for name, text in attributes.items() if name == TRUST or name.startswith(INLINE)]
        return tuple(record for text in documents if text for record in document_records(text))

    def calls(self, action: Action, attributes: Collection[str]) -> int:
        policies = sum(name.startswith((INLINE, MANAGED)) for name in attributes)
        changes = has_tags(attributes) + (TRUST in attributes) + policies
        return {Action.UPDATE: changes, Action.DELETE: 4}.get(action, 1)

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
        for name in attributes:
            self._take_away(name)

    def mark(self) -> None:
        self._tag(self.site.marks)

    def delete(self) -> None:
        """Without any policy, for IAM deletes no other."""
        iam = self.site.clients.iam
        _delete_policy(self.site, self.name, POLICY_NAME)
        for name in self._other_policies(anew=True):
            self._take_away(name)
        try:
            self.site.calls.send(f"iam:DeleteRole {self.name}", lambda: iam.delete_role(RoleName=self.name))
        except NotFoundError:
            return

    def _owner(self, state: RoleState) -> Owner:
        return self.site.names.mark.owner_of(f"{self.kind} {self.name}", state.tags)

    def _other_policies(self, *, anew: bool) -> Attributes:
        found = self.site.reader.other_policies(self.name, POLICY_NAME, anew=anew)
        inline = {f"{INLINE}{name}": canonical(text) for name, text in sorted(found.inline.items())}
        return {**inline, **{f"{MANAGED}{arn}": "attached" for arn in sorted(found.attached)}}

    def _take_away(self, attribute: str) -> None:
        """A policy, where the attribute is one; a policy that has gone is no error."""
        if attribute.startswith(INLINE):
            _delete_policy(self.site, self.name, attribute.removeprefix(INLINE))
        if attribute.startswith(MANAGED):
            iam, arn = self.site.clients.iam, attribute.removeprefix(MANAGED)
            try:
                self.site.calls.send(
                    f"iam:DetachRolePolicy {self.name} {arn}",
                    lambda: iam.detach_role_policy(RoleName=self.name, PolicyArn=arn),
                )
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
        owner = self.role.owner(anew=anew)
        if owner is None:
            return None
        found = self.site.reader.role_policy(self.role.name, POLICY_NAME, anew=anew)
        if found is None:
            return None if owner is Owner.SLEDGE else Observed(attributes={}, owner=owner)
        return Observed(attributes=statement_attributes(found), owner=owner)

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
        _delete_policy(self.site, self.role.name, POLICY_NAME)

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


def _delete_policy(site: Site, role: str, policy: str) -> None:
    iam = site.clients.iam
    try:
        site.calls.send(
            f"iam:DeleteRolePolicy {role}/{policy}",
            lambda: iam.delete_role_policy(RoleName=role, PolicyName=policy),
        )
    except NotFoundError:
        return
