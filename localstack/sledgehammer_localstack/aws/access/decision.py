"""IAM's decision within one account: an explicit deny, else an allow of the caller's or the object's own policy.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sledgehammer_localstack.aws.access.condition import Context, holds
from sledgehammer_localstack.aws.access.document import Policy, Statement
from sledgehammer_localstack.aws.access.wildcard import matches_action, matches_arn


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks. `names` are all (kind, name) that a resource policy may call it by, `account` those that mean
    everybody of its account. Each of `limits` (a boundary, a session policy) must allow too."""

    arn: str
    names: frozenset[tuple[str, str]]
    account: frozenset[tuple[str, str]] = frozenset()
    policies: tuple[Policy, ...] = ()
    limits: tuple[Policy, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One permission that a request needs. `resources` are spellings of one object's ARN; any of them counts."""

    action: str
    resources: tuple[str, ...] = ("*",)
    context: Context = field(default_factory=dict)


def refusal(
    principal: Principal, need: Need, *, resource_policies: Sequence[Policy] = (), is_trust: bool = False
) -> str:
    """Why not, in IAM's words; "" when it is allowed. A role's trust policy (`is_trust`) has to allow as well as,
    or by the caller's own name instead of, the caller's policies. Raises PolicyError."""
    words = f"User: {principal.arn} is not authorized to perform: {need.action} on resource: {need.resources[0]}"
    own, theirs = list(_about(principal.policies, need)), list(_about(resource_policies, need, principal))
    limits = [list(_about([limit], need)) for limit in principal.limits]
    if denied := [one for one in (*own, *theirs, *(one for limit in limits for one in limit)) if not one.is_allow]:
        sid = f" (statement {denied[0].sid})" if denied[0].sid else ""
        return f"{words} with an explicit deny{sid}"
    if not all(limits):
        return f"{words} because no permissions boundary or session policy allows the {need.action} action"
    by_name = any(_names(one, principal, with_account=False) for one in theirs)
    if by_name or (own and (theirs or not is_trust)):
        return ""
    kind = "resource-based" if is_trust else "identity-based"
    return f"{words} because no {kind} policy allows the {need.action} action"


def _about(policies: Iterable[Policy], need: Need, principal: Principal | None = None) -> Iterable[Statement]:
    """The statements that speak of this request; of resource policies those that name the principal."""
    for policy in policies:
        for statement in policy.statements:
            if _fits(statement, need) and (principal is None or _names(statement, principal, with_account=True)):
                yield statement


def _fits(statement: Statement, need: Need) -> bool:
    is_action = any(matches_action(pattern, need.action) for pattern in statement.actions)
    is_resource = any(matches_arn(pattern, arn) for pattern in statement.resources for arn in need.resources)
    return (
        is_action is not statement.is_not_action
        and (not statement.resources or is_resource is not statement.is_not_resource)
        and all(holds(one, need.context) for one in statement.criteria)
    )


def _names(statement: Statement, principal: Principal, *, with_account: bool) -> bool:
    known = principal.names | {("AWS", "*")} | (principal.account if with_account else frozenset())
    return any(one in known for one in statement.principals) is not statement.is_not_principal
