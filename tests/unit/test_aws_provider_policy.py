"""What a build's role may do, and how policies are compared."""

import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from sledgehammer.config import load_project
from sledgehammer.errors import ConfigurationError
from sledgehammer.project import Image, Project, S3Settings
from sledgehammer.providers import load_providers
from sledgehammer.session import render_ci_file
from sledgehammer_aws.account import Account, Names, names_of
from sledgehammer_aws.build_permissions import build_permissions, build_trust, read_buildspec
from sledgehammer_aws.policy import (
    Permission,
    canonical,
    policy_document,
    statement_attributes,
    statement_records,
    statements_of,
)
from sledgehammer_aws.provider import PROVIDER as AWS
from sledgehammer_aws.settings import Settings, Variable, Vpc
from sledgehammer_localstack.aws.access.decision import Need, Principal, refusal
from sledgehammer_localstack.aws.access.document import parse_policy
from sledgehammer_localstack.aws.contract import contract

EXAMPLE = Path(__file__).parents[2] / "examples" / "node-web" / "sledge.yaml"
ACCOUNT = Account(id="111122223333", region="eu-central-1", partition="aws", registry="registry.example")


def names(settings: Settings | None = None) -> Names:
    project = Project(name="web", images=(Image(name="web"), Image(name="worker")), root=Path("/"))
    return names_of(project, settings or Settings(), ACCOUNT)


PUSH_AND_PULL = (
    "BatchCheckLayerAvailability",
    "BatchGetImage",
    "CompleteLayerUpload",
    "GetDownloadUrlForLayer",
    "InitiateLayerUpload",
    "PutImage",
    "UploadLayerPart",
)
BUILDSPEC = """
aws ecr get-login-password | sledge_credentials "${SLEDGE_REGISTRY}" AWS
docker build --tag "${SLEDGE_REGISTRY}"/web:"${SLEDGE_COMMIT}" --cache-from ref="${SLEDGE_REGISTRY}"/web-cache:main,x=y
docker push "${SLEDGE_REGISTRY}"/web/worker
"""


def permissions(
    settings: Settings | None = None, *, buildspec: str = BUILDSPEC, strategy: str = ""
) -> list[Permission]:
    given = settings or Settings()
    return list(build_permissions(names(given), given, buildspec=buildspec, strategy=strategy))


def test_only_the_registry_login_knows_no_resource() -> None:
    """Every permission names this project's own objects; ECR's login token is the one that cannot."""
    assert [one.actions for one in permissions() if "*" in one.resources] == [("ecr:GetAuthorizationToken",)]


def test_each_statement_says_what_needs_it() -> None:
    """No Sid twice, none without a reason, and the reason is in the row that a plan shows."""
    found = permissions(
        Settings(variables={"A": Variable(secret="npm"), "B": Variable(parameter="/x")}), strategy="file"
    )
    assert len({one.sid for one in found}) == len(found)
    assert all(one.reason for one in found)
    reasons = {one.sid: one.reason for one in found}
    shown = statement_records(statement_attributes(policy_document(found)), reasons)
    assert [one.reason for one in shown] == list(reasons.values())
    assert {"docker login", "variables A"} <= {one.reason for one in shown}


def test_only_repositories_that_the_buildspec_speaks_of_may_be_used() -> None:
    """Those of its commands, images and caches apart; one it does not name, or does not log in for, is left out."""
    arns = {one.sid: [arn.partition("repository/")[2] for arn in one.resources] for one in permissions()}
    assert arns["Images"] == ["web", "web/worker"]
    assert arns["Caches"] == ["web-cache"]
    assert [one.sid for one in permissions(buildspec="make")] == ["Log", "Source", "Bucket"]


def test_a_carried_cache_may_be_read_written_and_found_under_its_prefix_alone() -> None:
    """With the file strategy the role gets three S3 actions more, all bound to the project's own prefix."""
    plain = permissions()
    cache, keys = [one for one in permissions(strategy="file") if one not in plain]
    bucket = "arn:aws:s3:::sledge-111122223333-eu-central-1"
    assert (cache.actions, cache.resources) == (("s3:GetObject", "s3:PutObject"), (f"{bucket}/_cache/web/*",))
    assert (keys.actions, keys.resources) == (("s3:ListBucket",), (bucket,))
    assert keys.condition == {"StringLike": {"s3:prefix": "_cache/web/*"}}


STRATEGIES = ["registry", "per-stage", "inline", "file", "none", "codebuild-local", "s3"]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_repository_of_a_real_buildspec_is_understood(strategy: str) -> None:
    """Rendered for real, with each cache strategy: the login and each mention of a repository are seen."""
    example = load_project(EXAMPLE, providers=load_providers())
    s3 = S3Settings(bucket="layers", region="eu-central-1", prefix="web")
    cache = replace(example.cache, strategy=strategy, s3=s3 if strategy == "s3" else None)
    buildspec = render_ci_file(replace(example, cache=cache), AWS).text
    found = read_buildspec(buildspec)
    assert found.logs_in
    assert found.repositories <= {"node-web", "node-web-cache"}
    assert "node-web" in found.repositories
    mentions = [line for line in buildspec.splitlines() if '"${SLEDGE_REGISTRY}"/' in line]
    assert [line for line in mentions if not read_buildspec(line).repositories] == []
    assert found.caches == (frozenset({("layers", "web/")}) if strategy == "s3" else frozenset())


def test_layers_in_s3_are_the_buildspecs_bucket_and_prefix() -> None:
    """With an endpoint of its own the cache is none of AWS's, and nothing is allowed for it."""
    place = "--cache-from type=s3,region=eu-central-1,bucket=layers,prefix=web/"
    layers, keys = [one for one in permissions(buildspec=place) if one.sid.startswith("Layer")]
    assert (layers.resources, keys.resources) == (("arn:aws:s3:::layers/web/*",), ("arn:aws:s3:::layers",))
    elsewhere = permissions(buildspec=f"{place},endpoint_url=https://minio.example,use_path_style=true")
    assert [one for one in elsewhere if one.sid.startswith("Layer")] == []


def test_secrets_may_be_read_only_where_a_variable_names_them() -> None:
    """Without such variables there is no right to read secrets; with them, exactly to those."""
    actions = [action for one in permissions() for action in one.actions]
    assert not [action for action in actions if action.startswith(("ssm:", "secretsmanager:"))]
    arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:db-AbCdEf"
    found = permissions(
        Settings(
            variables={
                "A": Variable(secret="npm:token"),
                "B": Variable(secret=f"{arn}:password:AWSCURRENT"),
                "C": Variable(parameter="/ci/key"),
            }
        )
    )
    resources = {one.actions[0]: one.resources for one in found}
    assert resources["secretsmanager:GetSecretValue"] == (
        arn,
        "arn:aws:secretsmanager:eu-central-1:111122223333:secret:npm-??????",
    )
    assert resources["ssm:GetParameters"] == ("arn:aws:ssm:eu-central-1:111122223333:parameter/ci/key",)


def test_a_network_interface_is_for_codebuild_in_the_given_subnets() -> None:
    """The one action that can be bound is bound to both."""
    vpc = Vpc(id="vpc-1", subnets=("subnet-2",), security_groups=("sg-3",))
    (found,) = [one for one in permissions(Settings(vpc=vpc)) if one.sid == "NetworkInterface"]
    assert found.condition == {
        "StringEquals": {"ec2:AuthorizedService": "codebuild.amazonaws.com"},
        "ArnEquals": {"ec2:Subnet": ["arn:aws:ec2:eu-central-1:111122223333:subnet/subnet-2"]},
    }


def test_only_codebuild_for_this_project_may_assume_the_role() -> None:
    """The trust policy binds CodeBuild to the account and to the project's ARN."""
    (statement,) = json.loads(build_trust(names()))["Statement"]
    assert statement["Principal"] == {"Service": "codebuild.amazonaws.com"}
    assert statement["Condition"]["StringEquals"] == {
        "aws:SourceAccount": "111122223333",
        "aws:SourceArn": "arn:aws:codebuild:eu-central-1:111122223333:project/web",
    }


def test_one_policy_is_one_text_however_it_is_spelled() -> None:
    """Order of keys and lists, one-item lists and URL encoding make no difference; content does."""
    one = '{"Statement": [{"Action": ["a:B", "c:D"], "Effect": "Allow", "Resource": "*"}]}'
    other = '{"Statement": {"Effect": "Allow", "Resource": ["*"], "Action": ["c:D", "a:B"]}}'
    assert canonical(one) == canonical(other) == canonical(quote(one)) == canonical(json.loads(one))
    assert canonical(one) != canonical(one.replace("a:B", "a:*"))


def test_statements_are_told_apart_by_their_sid() -> None:
    """A statement added by hand without a Sid is told by its position."""
    document = {"Statement": [{"Sid": "Log", "Effect": "Allow"}, {"Effect": "Deny"}]}
    assert statements_of(document) == {"Log": '{"Effect":"Allow"}', "2": '{"Effect":"Deny"}'}


def test_derived_names_carry_account_and_region_where_the_service_knows_none() -> None:
    """Roles are global and bucket names are everybody's, so two regions or accounts never meet."""
    assert names().bucket == "sledge-111122223333-eu-central-1"
    assert names().role == "sledge-web-eu-central-1"


def test_a_role_name_that_iam_would_refuse_is_refused_first() -> None:
    """A derived name beyond 64 characters asks for one in the settings."""
    with pytest.raises(ConfigurationError, match="longer than 64"):
        names(Settings(project="x" * 100))


def test_of_all_actions_that_aws_has_only_the_derived_ones_are_allowed() -> None:
    """Every action of every service that the policy touches, and of some that it does not, on own and other objects."""
    settings = Settings(variables={"A": Variable(secret="npm")})
    policy = parse_policy(policy_document(permissions(settings, strategy="file")), name="build")
    build = Principal(arn="build", names=frozenset(), policies=(policy,))
    place, bucket = "eu-central-1:111122223333", "arn:aws:s3:::sledge-111122223333-eu-central-1"
    own = {
        "image": f"arn:aws:ecr:{place}:repository/web",
        "cache": f"arn:aws:ecr:{place}:repository/web-cache",
        "stream": f"arn:aws:logs:{place}:log-group:/aws/codebuild/web:log-stream:1",
        "source": f"{bucket}/web/source.zip",
        "bucket": bucket,
        "kept": f"{bucket}/_cache/web/x",
        "secret": f"arn:aws:secretsmanager:{place}:secret:npm-AbCdEf",
    }
    others = {f"other {name}": arn.replace("web", "shop").replace("npm", "aws") for name, arn in own.items()}
    del others["other bucket"]  # it is the same
    others["other project"], others["everything"] = f"arn:aws:codebuild:{place}:project/web", "*"
    allowed = {
        (action, name)
        for service in ("ecr", "logs", "s3", "secretsmanager", "ssm", "iam", "sts", "codebuild", "kms", "ec2")
        for operation in [*contract(service).model.operation_names, "GetObjectVersion", "ListBucket"]
        for name, arn in {**own, **others}.items()
        if not refusal(build, Need(action=(action := f"{service}:{operation}"), resources=(arn,)))
    }
    push_and_pull = {f"ecr:{action}" for action in PUSH_AND_PULL}
    assert allowed == {
        *((action, name) for action in push_and_pull for name in ("image", "cache")),
        *(("ecr:GetAuthorizationToken", name) for name in (*own, *others)),  # knows no resources
        *((f"logs:{action}", "stream") for action in ("CreateLogStream", "PutLogEvents")),
        *((f"s3:{action}", "source") for action in ("GetObject", "GetObjectVersion")),
        *((f"s3:{action}", "bucket") for action in ("GetBucketAcl", "GetBucketLocation")),
        *((f"s3:{action}", "kept") for action in ("GetObject", "PutObject")),
        ("secretsmanager:GetSecretValue", "secret"),
    }
