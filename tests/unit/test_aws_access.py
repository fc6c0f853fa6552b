"""IAM's decisions as the local AWS makes them."""

import json
from typing import Any

import pytest

from sledgehammer_localstack.aws.access.condition import holds
from sledgehammer_localstack.aws.access.decision import Need, Principal, refusal
from sledgehammer_localstack.aws.access.document import Criterion, Policy, PolicyError, parse_policy
from sledgehammer_localstack.aws.access.registry_needs import registry_action
from sledgehammer_localstack.aws.access.rpc_needs import Place, needs_of_call
from sledgehammer_localstack.aws.access.s3_needs import needs_of_s3
from sledgehammer_localstack.aws.access.wildcard import matches_arn

ROLE = "arn:aws:iam::111122223333:role/build"
ROOT = "arn:aws:iam::111122223333:root"
WEB = "arn:aws:ecr:eu-central-1:111122223333:repository/web"
PLACE = Place(region="eu-central-1", account="111122223333", secret_arn=lambda name: f"arn:secret:{name}-AbCdEf")


def policy(*statements: dict[str, Any]) -> Policy:
    return parse_policy(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}), name="test")


def allow(action: str, resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: str, resource: str = "*", **more: Any) -> dict[str, Any]:
    return {**allow(action, resource, **more), "Effect": "Deny"}


def caller(*policies: Policy, limits: tuple[Policy, ...] = ()) -> Principal:
    return Principal(
        arn=ROLE,
        names=frozenset({("AWS", ROLE)}),
        account=frozenset({("AWS", ROOT)}),
        policies=policies,
        limits=limits,
    )


PULL = Need(action="ecr:BatchGetImage", resources=(WEB,))


@pytest.mark.parametrize(
    ("statements", "is_allowed"),
    [
        ([], False),
        ([allow("ecr:BatchGetImage", WEB)], True),
        ([allow("ECR:batch*", WEB)], True),
        ([allow("ecr:PutImage", WEB)], False),
        ([allow("ecr:BatchGetImage", f"{WEB}-cache")], False),
        ([allow("ecr:BatchGetImage", WEB[:-1] + "?")], True),
        ([allow("*"), deny("ecr:*", WEB)], False),
        ([allow("*"), deny("ecr:*", f"{WEB}-cache")], True),
        ([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}], True),
        ([{"Effect": "Allow", "Action": "*", "NotResource": WEB}], False),
        ([allow("*", Condition={"StringEquals": {"aws:RequestedRegion": "us-east-1"}})], False),
    ],
    ids=str,
)
def test_the_callers_own_policies_decide(statements: list[dict[str, Any]], is_allowed: bool) -> None:
    """Nothing is allowed but what a statement allows, by action, object and condition; a deny always wins."""
    assert (refusal(caller(policy(*statements)), PULL) == "") is is_allowed


def test_a_refusal_names_caller_action_and_object() -> None:
    """It reads as AWS's does, and tells a missing permission from a deny."""
    words = f"User: {ROLE} is not authorized to perform: ecr:BatchGetImage on resource: {WEB}"
    assert refusal(caller(), PULL) == f"{words} because no identity-based policy allows the ecr:BatchGetImage action"
    assert refusal(caller(policy(deny("*", Sid="No"))), PULL) == f"{words} with an explicit deny (statement No)"


def test_an_objects_policy_allows_whom_it_names_and_denies_everybody_of_an_account() -> None:
    """Naming the account delegates to it: that alone gives its roles nothing, but a deny of it holds."""

    def on_object(statement: dict[str, Any], principal: str) -> str:
        return refusal(caller(), PULL, resource_policies=[policy({**statement, "Principal": {"AWS": principal}})])

    assert on_object(allow("ecr:*"), ROLE) == ""
    assert on_object(allow("ecr:*"), ROOT) != ""
    denied = policy({**deny("ecr:*"), "Principal": {"AWS": ROOT}})
    assert refusal(caller(policy(allow("*"))), PULL, resource_policies=[denied]) != ""


def test_a_boundary_takes_away_and_never_gives() -> None:
    """Both the caller's policies and each limit have to allow."""
    assert refusal(caller(policy(allow("*")), limits=(policy(allow("s3:*")),)), PULL) != ""
    assert refusal(caller(limits=(policy(allow("*")),)), PULL) != ""
    assert refusal(caller(policy(allow("ecr:*")), limits=(policy(allow("*")),)), PULL) == ""


def test_a_trust_policy_has_to_allow_too() -> None:
    """A role that does not trust its caller cannot be assumed, whatever the caller may do."""
    need = Need(action="sts:AssumeRole", resources=(ROLE,))

    def assume(own: list[dict[str, Any]], trusted: str) -> str:
        trust = policy({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": trusted}})
        return refusal(caller(policy(*own)), need, resource_policies=[trust], is_trust=True)

    assert assume([allow("*")], "arn:aws:iam::111122223333:role/other") != ""
    assert assume([], ROOT) != ""
    assert assume([allow("sts:*")], ROOT) == ""
    assert assume([], ROLE) == ""


@pytest.mark.parametrize(
    ("operator", "values", "given", "result"),
    [
        ("StringEquals", ["a", "b"], ("b",), True),
        ("StringEquals", ["A"], ("a",), False),
        ("StringEquals", ["a"], None, False),
        ("StringEqualsIfExists", ["a"], None, True),
        ("StringNotEquals", ["a"], None, True),
        ("StringNotEquals", ["a", "b"], ("b",), False),
        ("StringEqualsIgnoreCase", ["A"], ("a",), True),
        ("StringLike", ["cache/*"], ("cache/web/1",), True),
        ("StringLike", ["cache/?"], ("cache/12",), False),
        ("StringNotLike", ["cache/*"], ("other",), True),
        ("ArnLike", ["arn:aws:sns:*:1:*"], ("arn:aws:sns:x:1:topic:2",), True),
        ("ArnLike", ["arn:aws:sns:*"], ("arn:aws:sns:x:1:topic",), False),
        ("Bool", ["false"], ("true",), False),
        ("Null", ["true"], None, True),
        ("Null", ["true"], ("x",), False),
        ("NumericLessThanEquals", ["10"], ("10",), True),
        ("NumericGreaterThan", ["10"], ("10",), False),
        ("IpAddress", ["10.0.0.0/8"], ("10.1.2.3",), True),
        ("NotIpAddress", ["10.0.0.0/8"], ("10.1.2.3",), False),
        ("ForAnyValue:StringEquals", ["a"], ("b", "a"), True),
        ("ForAllValues:StringEquals", ["a"], ("b", "a"), False),
        ("ForAllValues:StringEquals", ["a"], None, True),
    ],
)
def test_conditions(operator: str, values: list[str], given: tuple[str, ...] | None, result: bool) -> None:
    """Each operator, with several values, without the key, and over several given values."""
    context = {} if given is None else {"key": given}
    assert holds(Criterion(operator=operator, key="key", values=tuple(values)), context) is result


@pytest.mark.parametrize(
    "document",
    [
        '{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::${aws:username}"}}',
        '{"Statement": {"Effect": "Perhaps", "Action": "*"}}',
        '{"Statement": {"Effect": "Allow", "Actions": "*"}}',
        "no JSON",
    ],
)
def test_what_is_not_understood_is_not_guessed(document: str) -> None:
    """A document beyond this evaluator is an error, which refuses, never an allow."""
    with pytest.raises(PolicyError):
        parse_policy(document, name="test")
    with pytest.raises(PolicyError, match="DateLessThan"):
        holds(Criterion(operator="DateLessThan", key="key", values=("2026",)), {"key": ("2025",)})


def test_a_wildcard_stays_within_its_part_of_an_arn() -> None:
    """`arn:aws:ecr:*` is no repository's ARN; within the last part it reaches over colons and slashes."""
    assert not matches_arn("arn:aws:ecr:*", WEB)
    assert matches_arn("arn:aws:ecr:*:*:repository/*", WEB)
    group = "arn:aws:logs:eu-central-1:1:log-group:/ci/web"
    assert matches_arn(f"{group}:*", f"{group}:log-stream:x")


@pytest.mark.parametrize(
    ("service", "operation", "request_", "needs"),
    [
        ("ecr", "DescribeImages", {"repositoryName": "web"}, [("ecr:DescribeImages", WEB)]),
        ("ecr", "GetAuthorizationToken", {}, [("ecr:GetAuthorizationToken", "*")]),
        ("secretsmanager", "GetSecretValue", {"SecretId": "npm"}, [("…", "arn:secret:npm-AbCdEf")]),
        ("ssm", "GetParameters", {"Names": ["/ci/a"]}, [("…", "arn:aws:ssm:eu-central-1:111122223333:parameter/ci/a")]),
        (
            "codebuild",
            "BatchGetBuilds",
            {"ids": ["web:1", "web:2"]},
            [("…", "arn:aws:codebuild:eu-central-1:111122223333:project/web")],
        ),
        (
            "codebuild",
            "CreateProject",
            {"name": "web", "serviceRole": ROLE},
            [("…", "arn:aws:codebuild:eu-central-1:111122223333:project/web"), ("iam:PassRole", ROLE)],
        ),
        (
            "logs",
            "PutLogEvents",
            {"logGroupName": "/ci", "logStreamName": "s"},
            [("…", "arn:aws:logs:eu-central-1:111122223333:log-group:/ci:log-stream:s")],
        ),
        ("sts", "GetCallerIdentity", {}, []),
        ("unheard", "Of", {"Name": "x"}, [("unheard:Of", "*")]),
    ],
)
def test_calls_and_what_they_need(
    service: str, operation: str, request_: dict[str, Any], needs: list[tuple[str, str]]
) -> None:
    """Each call needs its action on the very object that it names."""
    found = [(need.action, need.resources[0]) for need in needs_of_call(PLACE, service, operation, request_)]
    assert found == [(f"{service}:{operation}" if action == "…" else action, arn) for action, arn in needs]


@pytest.mark.parametrize(
    ("method", "path", "query", "action", "arn"),
    [
        ("GET", "/b/k/l", {}, "s3:GetObject", "b/k/l"),
        ("GET", "/b/k", {"versionId": "1"}, "s3:GetObjectVersion", "b/k"),
        ("PUT", "/b/k", {"uploadId": "1", "partNumber": "1"}, "s3:PutObject", "b/k"),
        ("POST", "/b/k", {"uploads": ""}, "s3:PutObject", "b/k"),
        ("DELETE", "/b/k", {"uploadId": "1"}, "s3:AbortMultipartUpload", "b/k"),
        ("GET", "/b", {"list-type": "2", "prefix": "p/"}, "s3:ListBucket", "b"),
        ("GET", "/b", {"acl": ""}, "s3:GetBucketAcl", "b"),
        ("PUT", "/b/", {}, "s3:CreateBucket", "b"),
        ("DELETE", "/b", {"publicAccessBlock": ""}, "s3:PutBucketPublicAccessBlock", "b"),
        ("POST", "/b", {"delete": ""}, "s3:DeleteObject", "b/*"),
    ],
)
def test_requests_to_s3_and_what_they_need(
    method: str, path: str, query: dict[str, str], action: str, arn: str
) -> None:
    """S3 has no names of operations on the wire: method, path and query tell."""
    (need,) = needs_of_s3(method, path, query)
    assert (need.action, need.resources) == (action, (f"arn:aws:s3:::{arn}",))
    assert need.context == ({"s3:prefix": ("p/",)} if "prefix" in query else {})


@pytest.mark.parametrize(
    ("method", "kind", "rest", "action"),
    [
        ("HEAD", "manifests", "latest", "BatchGetImage"),
        ("PUT", "manifests", "latest", "PutImage"),
        ("HEAD", "blobs", "sha256:1", "BatchCheckLayerAvailability"),
        ("GET", "blobs", "sha256:1", "GetDownloadUrlForLayer"),
        ("POST", "blobs", "uploads/", "InitiateLayerUpload"),
        ("PATCH", "blobs", "uploads/1", "UploadLayerPart"),
        ("PUT", "blobs", "uploads/1", "CompleteLayerUpload"),
        ("GET", "tags", "list", "ListImages"),
    ],
)
def test_a_push_and_a_pull_need_what_ecr_says(method: str, kind: str, rest: str, action: str) -> None:
    """The registry protocol is governed by the actions of ECR's own API."""
    assert registry_action(method, kind, rest) == f"ecr:{action}"
