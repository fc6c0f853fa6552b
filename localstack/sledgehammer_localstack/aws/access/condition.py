"""Whether the conditions of a statement hold.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

import ipaddress
from collections.abc import Callable, Mapping, Sequence

from sledgehammer_localstack.aws.access.document import Criterion, PolicyError
from sledgehammer_localstack.aws.access.wildcard import matches, matches_arn

Context = Mapping[str, tuple[str, ...]]
"""What is known of a request, by condition key in lower case."""

Match = Callable[[str, str], bool]
"""A policy's value against the request's."""


def _is_equal(wanted: str, given: str) -> bool:
    return wanted == given


def _is_equal_without_case(wanted: str, given: str) -> bool:
    return wanted.lower() == given.lower()


def _is_number(compare: Callable[[float, float], bool]) -> Match:
    def match(wanted: str, given: str) -> bool:
        try:
            return compare(float(given), float(wanted))
        except ValueError:
            return False

    return match


def _is_in_network(wanted: str, given: str) -> bool:
    try:
        return ipaddress.ip_address(given) in ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return False


_POSITIVE: Mapping[str, Match] = {
    "StringEquals": _is_equal,
    "StringEqualsIgnoreCase": _is_equal_without_case,
    "StringLike": matches,
    "ArnEquals": matches_arn,
    "ArnLike": matches_arn,
    "Bool": _is_equal_without_case,
    "IpAddress": _is_in_network,
    "NumericEquals": _is_number(lambda given, wanted: given == wanted),
    "NumericLessThan": _is_number(lambda given, wanted: given < wanted),
    "NumericLessThanEquals": _is_number(lambda given, wanted: given <= wanted),
    "NumericGreaterThan": _is_number(lambda given, wanted: given > wanted),
    "NumericGreaterThanEquals": _is_number(lambda given, wanted: given >= wanted),
}
_NEGATIVE: Mapping[str, Match] = {
    "StringNotEquals": _is_equal,
    "StringNotEqualsIgnoreCase": _is_equal_without_case,
    "StringNotLike": matches,
    "ArnNotEquals": matches_arn,
    "ArnNotLike": matches_arn,
    "NotIpAddress": _is_in_network,
    "NumericNotEquals": _is_number(lambda given, wanted: given == wanted),
}


def holds(criterion: Criterion, context: Context) -> bool:
    """One condition. Raises PolicyError for an operator that this stack does not know."""
    given = context.get(criterion.key)
    quantifier, _, rest = criterion.operator.rpartition(":")
    name = rest.removesuffix("IfExists")
    if name == "Null":
        return any((value.lower() == "true") is (given is None) for value in criterion.values)
    if name not in _POSITIVE and name not in _NEGATIVE:
        raise PolicyError(f"the local stack knows no condition operator {criterion.operator}")
    if given is None:
        return rest.endswith("IfExists") or quantifier == "ForAllValues" or (name in _NEGATIVE and not quantifier)
    verdicts = [_fits(name, criterion.values, value) for value in given]
    return any(verdicts) if quantifier == "ForAnyValue" else all(verdicts)


def _fits(name: str, wanted: Sequence[str], given: str) -> bool:
    if name in _NEGATIVE:
        return not any(_NEGATIVE[name](one, given) for one in wanted)
    return any(_POSITIVE[name](one, given) for one in wanted)
