"""Whose an access key is and what it may do, as moto's IAM and STS keep it in this process: what is iterated over is
copied first, for other requests go on meanwhile."""

import json
from collections.abc import Iterable
from typing import Any

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from sledgehammer_localstack.aws.access.decision import Principal
from sledgehammer_localstack.aws.access.document import Policy, parse_policy

PARTITION = "aws"


class Directory:
    """The users, roles and sessions of one account."""

    def __init__(self, account: str) -> None:
        self.account = account
        self.root_arn = f"arn:{PARTITION}:iam::{account}:root"

    def find(self, access_key_id: str) -> Principal | None:
        """Who holds a key; None for a key that this account has not handed out. Raises PolicyError."""
        for session in tuple(self._sts.assumed_roles):
            if session.access_key_id == access_key_id:
                return self._session(session)
        for user in tuple(self._iam.users.values()):
            if any(key.access_key_id == access_key_id for key in user.access_keys):
                return self._user(user)
        return None

    def trust(self, role_arn: str) -> Policy | None:
        """Who may assume a role; None where there is no such role. Raises PolicyError."""
        role = self._role(role_arn)
        return None if role is None else _policy(role.assume_role_policy_document, f"trust policy of {role.name}")

    def identity_provider(self, issuer: str) -> tuple[str, tuple[str, ...]] | None:
        """ARN and audiences of the OIDC provider whose URL is an issuer; None where there is none."""
        url = issuer.split("://", 1)[-1]
        for provider in tuple(self._iam.open_id_providers.values()):
            if provider.url == url:
                return provider.arn, tuple(provider.client_id_list)
        return None

    def administrator(self, access_key_id: str) -> Principal:
        """Whoever signs with a key that nobody was given: it may do what the account may."""
        arn = f"arn:{PARTITION}:iam::{self.account}:user/{access_key_id}"
        everything = parse_policy(
            '{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}', name="administrator"
        )
        return Principal(
            arn=arn, names=frozenset({("AWS", arn)}), account=self._everybody, policies=(everything,), limits=()
        )

    @property
    def _iam(self) -> Any:
        return iam_backends[self.account][PARTITION]

    @property
    def _sts(self) -> Any:
        return sts_backends[self.account][PARTITION]

    @property
    def _everybody(self) -> frozenset[tuple[str, str]]:
        return frozenset({("AWS", self.root_arn), ("AWS", self.account)})

    def _role(self, arn: str) -> Any:
        return next((role for role in tuple(self._iam.roles.values()) if role.arn == arn), None)

    def _session(self, session: Any) -> Principal:
        role = self._role(session.role_arn)
        policies = () if role is None else tuple(_policies_of(role))
        limits = [] if role is None else [*self._boundary(role.permissions_boundary_arn)]
        if session.policy:
            limits.append(_policy(session.policy, "session policy"))
        names = frozenset({("AWS", session.arn), ("AWS", session.role_arn)})
        return Principal(arn=session.arn, names=names, account=self._everybody, policies=policies, limits=tuple(limits))

    def _user(self, user: Any) -> Principal:
        groups = [group for group in tuple(self._iam.groups.values()) if user in group.users]
        policies = [policy for owner in (user, *groups) for policy in _policies_of(owner)]
        names = frozenset({("AWS", user.arn)})
        return Principal(arn=user.arn, names=names, account=self._everybody, policies=tuple(policies))

    def _boundary(self, arn: str | None) -> Iterable[Policy]:
        if arn and arn in self._iam.managed_policies:
            yield _managed(self._iam.managed_policies[arn])


def _policies_of(owner: Any) -> Iterable[Policy]:
    for name, text in tuple(owner.policies.items()):
        yield _policy(text, f"policy {name} of {owner.name}")
    for managed in tuple(owner.managed_policies.values()):
        yield _managed(managed)


def _managed(policy: Any) -> Policy:
    version = next(one for one in policy.versions if one.version_id == policy.default_version_id)
    return _policy(version.document, policy.arn)


def _policy(document: Any, name: str) -> Policy:
    return parse_policy(document if isinstance(document, str) else json.dumps(document), name=name)
