"""May this key do that: an account's policies, its roles' trust and its objects' own policies, asked for one call."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from sledgehammer_localstack.aws.access.decision import Need, Principal, refusal
from sledgehammer_localstack.aws.access.directory import Directory
from sledgehammer_localstack.aws.access.document import Policy, PolicyError, parse_policy
from sledgehammer_localstack.aws.access.web_identity import WebIdentity

ObjectPolicy = Callable[[str], str]
"""The resource policy of the object with an ARN, as JSON; "" where it has none."""


class Gatekeeper:
    """Answers with IAM's words of refusal, or "" for yes. A key that the account has not handed out belongs to an
    administrator: it may do everything but assume roles that do not trust the account."""

    def __init__(self, account: str, *, region: str, object_policies: ObjectPolicy) -> None:
        self._directory = Directory(account)
        self._region = region
        self._object_policies = object_policies

    def refusal(self, access_key_id: str, needs: Iterable[Need]) -> str:
        """Of a call that needs these permissions."""
        try:
            principal = self._directory.find(access_key_id)
            if principal is None:
                return ""
            for need in needs:
                policies = [policy for arn in need.resources for policy in self._policies_of(arn)]
                if words := refusal(principal, self._in_context(need, principal), resource_policies=policies):
                    return words
        except PolicyError as error:
            return str(error)
        return ""

    def assume_refusal(self, access_key_id: str, role_arn: str, *, external_id: str = "") -> str:
        """Of sts:AssumeRole by a key of this account."""
        try:
            principal = self._directory.find(access_key_id) or self._directory.administrator(access_key_id)
            context = {"sts:externalid": (external_id,)} if external_id else {}
            return self._trust_refusal(principal, Need(action="sts:AssumeRole", resources=(role_arn,), context=context))
        except PolicyError as error:
            return str(error)

    def service_refusal(self, service: str, role_arn: str, *, source_arn: str) -> str:
        """Of sts:AssumeRole by an AWS service (`codebuild.amazonaws.com`) on behalf of one of its objects."""
        principal = Principal(arn=service, names=frozenset({("Service", service)}))
        context = {"aws:sourcearn": (source_arn,), "aws:sourceaccount": (self._directory.account,)}
        try:
            return self._trust_refusal(principal, Need(action="sts:AssumeRole", resources=(role_arn,), context=context))
        except PolicyError as error:
            return str(error)

    def web_identity_refusal(self, identity: WebIdentity, role_arn: str) -> str:
        """Of sts:AssumeRoleWithWebIdentity by the holder of a token that is genuine."""
        provider = self._directory.identity_provider(identity.issuer)
        if provider is None:
            return f"No OpenIDConnect provider found in your account for {identity.issuer}"
        arn, audiences = provider
        if identity.audience not in audiences:
            return "Incorrect token audience"
        principal = Principal(arn=identity.subject, names=frozenset({("Federated", arn)}))
        need = Need(action="sts:AssumeRoleWithWebIdentity", resources=(role_arn,), context=identity.context)
        try:
            words = self._trust_refusal(principal, need)
        except PolicyError as error:
            return str(error)
        return "Not authorized to perform sts:AssumeRoleWithWebIdentity" if words else ""

    def _trust_refusal(self, principal: Principal, need: Need) -> str:
        trust = self._directory.trust(need.resources[0])
        policies = [] if trust is None else [trust]
        return refusal(principal, self._in_context(need, principal), resource_policies=policies, is_trust=True)

    def _policies_of(self, arn: str) -> list[Policy]:
        text = self._object_policies(arn)
        return [parse_policy(text, name=f"policy of {arn}")] if text else []

    def _in_context(self, need: Need, principal: Principal) -> Need:
        """TLS is taken for granted: the wire here is plain, the one it stands for is not."""
        known = {
            "aws:principalarn": (principal.arn,),
            "aws:principalaccount": (self._directory.account,),
            "aws:requestedregion": (self._region,),
            "aws:securetransport": ("true",),
        }
        return replace(need, context={**known, **need.context})
