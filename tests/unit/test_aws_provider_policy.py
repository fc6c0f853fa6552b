"""What a build's role may do, and how policies are compared."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from sledgehammer.errors import ConfigurationError
from sledgehammer.project import Image, Project
from sledgehammer_aws.account import Account, Names, names_of
from sledgehammer_aws.policy import canonical, permissions_document, statements_of, trust_document
from sledgehammer_aws.settings import Settings, Variable

ACCOUNT = Account(id="111122223333", region="eu-central-1", partition="aws", registry="registry.example")


def names(settings: Settings | None = None) -> Names:
    project = Project(name="web", images=(Image(name="web"), Image(name="worker")), root=Path("/"))
    return names_of(project, settings or Settings(), ACCOUNT)


def statements(
    variables: Mapping[str, Variable] | None = None, *, has_file_cache: bool = False
) -> list[dict[str, Any]]:
    found = json.loads(permissions_document(names(), variables or {}, has_file_cache=has_file_cache))["Statement"]
    assert isinstance(found, list)
    return found


def test_only_the_registry_login_knows_no_resource() -> None:
    """Every permission names this project's own objects; ECR's login token is the one that cannot."""
    unbound = [statement["Action"] for statement in statements() if "*" in statement["Resource"]]
    assert unbound == [["ecr:GetAuthorizationToken"]]


def test_images_may_be_pushed_to_the_projects_repositories_only() -> None:
    """The image and cache repositories of all images, and no other."""
    (images,) = [statement for statement in statements() if "ecr:PutImage" in statement["Action"]]
    paths = [arn.removeprefix("arn:aws:ecr:eu-central-1:111122223333:repository/") for arn in images["Resource"]]
    assert paths == ["web", "web-cache", "web/worker", "web/worker-cache"]


def test_a_carried_cache_may_be_read_written_and_found_under_its_prefix_alone() -> None:
    """With the file strategy the role gets three S3 actions more, all bound to the project's own prefix."""
    plain, cached = statements(), statements(has_file_cache=True)
    cache, keys = [statement for statement in cached if statement not in plain]
    bucket = "arn:aws:s3:::sledge-111122223333-eu-central-1"
    assert (cache["Action"], cache["Resource"]) == (["s3:GetObject", "s3:PutObject"], [f"{bucket}/_cache/web/*"])
    assert (keys["Action"], keys["Resource"]) == (["s3:ListBucket"], [bucket])
    assert keys["Condition"] == {"StringLike": {"s3:prefix": "_cache/web/*"}}
    assert [statement for statement in plain if statement not in cached] == []


def test_secrets_may_be_read_only_where_a_variable_names_them() -> None:
    """Without such variables there is no right to read secrets; with them, exactly to those."""
    actions = [action for statement in statements() for action in statement["Action"]]
    assert not [action for action in actions if action.startswith(("ssm:", "secretsmanager:"))]
    arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:db-AbCdEf"
    found = statements(
        {
            "A": Variable(secret="npm:token"),
            "B": Variable(secret=f"{arn}:password:AWSCURRENT"),
            "C": Variable(parameter="/ci/key"),
        }
    )
    resources = {statement["Action"][0]: statement["Resource"] for statement in found}
    assert resources["secretsmanager:GetSecretValue"] == [
        arn,
        "arn:aws:secretsmanager:eu-central-1:111122223333:secret:npm-??????",
    ]
    assert resources["ssm:GetParameters"] == ["arn:aws:ssm:eu-central-1:111122223333:parameter/ci/key"]


def test_only_codebuild_for_this_project_may_assume_the_role() -> None:
    """The trust policy binds CodeBuild to the account and to the project's ARN."""
    (statement,) = json.loads(trust_document(names()))["Statement"]
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
