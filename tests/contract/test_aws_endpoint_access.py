"""The local AWS lets a key do what its policies say and nothing else, in every protocol."""

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import pytest
import requests
from aws_account import ACCOUNT, REGION, TRUST, Account, fresh_account, refused, spec
from botocore.config import Config
from oidc_issuer import Issuer, serve_issuer

TRUSTS_ACCOUNT = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}],
}


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with fresh_account() as made:
        yield made


@pytest.fixture(scope="module", params=["RS256", "ES256"])
def issuer(request: pytest.FixtureRequest) -> Iterator[Issuer]:
    with serve_issuer(request.param) as made:
        yield made


def policy(*actions: str, resource: str = "*", **more: object) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}],
    }


def with_keys(account: Account, service: str, keys: Mapping[str, str]) -> Any:
    return boto3.client(
        service,  # type: ignore[call-overload]
        region_name=REGION,
        endpoint_url=account.endpoint.url,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys.get("SessionToken"),
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )


def as_role(account: Account, service: str, document: object) -> Any:
    """A client of somebody who has taken a new role with this policy."""
    role = account.make_role(account.new_name(), TRUSTS_ACCOUNT, policy=document)
    keys = account.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    return with_keys(account, service, keys)


def test_a_role_does_what_its_policy_says_on_the_object_it_names(account: Account) -> None:
    """The JSON protocol: another repository and another action are refused in AWS's words."""
    mine, theirs = account.new_name(), account.new_name()
    for name in (mine, theirs):
        account.client("ecr").create_repository(repositoryName=name)
    arn = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{mine}"
    ecr = as_role(account, "ecr", policy("ecr:DescribeImages", resource=arn))
    assert ecr.describe_images(repositoryName=mine)["imageDetails"] == []
    with refused("AccessDeniedException", "assumed-role/", f"ecr:DescribeImages on resource: {arn[: -len(mine)]}"):
        ecr.describe_images(repositoryName=theirs)
    with refused("AccessDeniedException", "ecr:DeleteRepository"):
        ecr.delete_repository(repositoryName=mine)


def test_objects_and_lists_of_s3_are_told_apart(account: Account) -> None:
    """REST: a key under a prefix may be read, a list of that prefix be had, and nothing beside it."""
    bucket, s3 = account.new_name(), account.client("s3")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket=bucket, Key="a/one", Body=b"1")
    document = policy("s3:GetObject", resource=f"arn:aws:s3:::{bucket}/a/*")
    condition = {"StringLike": {"s3:prefix": "a/*"}}
    document["Statement"] += policy("s3:ListBucket", resource=f"arn:aws:s3:::{bucket}", Condition=condition)[
        "Statement"
    ]
    mine = as_role(account, "s3", document)
    assert mine.get_object(Bucket=bucket, Key="a/one")["Body"].read() == b"1"
    assert mine.list_objects_v2(Bucket=bucket, Prefix="a/")["KeyCount"] == 1
    with refused("AccessDenied", "s3:ListBucket"):
        mine.list_objects_v2(Bucket=bucket, Prefix="b/")
    with refused("AccessDenied", "s3:PutObject"):
        mine.put_object(Bucket=bucket, Key="a/two", Body=b"2")


def test_an_objects_own_policy_counts(account: Account) -> None:
    """A bucket that denies, and a repository that allows a role by name."""
    bucket, name = account.new_name(), account.new_name()
    account.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    denial = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    account.client("s3").put_bucket_policy(
        Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": denial})
    )
    with refused("AccessDenied", "explicit deny"):
        as_role(account, "s3", policy("*")).put_object(Bucket=bucket, Key="k", Body=b"")
    account.client("ecr").create_repository(repositoryName=name)
    role = account.make_role(account.new_name(), TRUSTS_ACCOUNT, policy=policy("sts:TagSession"))
    grant = {"Effect": "Allow", "Principal": {"AWS": role}, "Action": "ecr:ListImages"}
    account.client("ecr").set_repository_policy(
        repositoryName=name, policyText=json.dumps({"Version": "2012-10-17", "Statement": [grant]})
    )
    keys = account.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    assert with_keys(account, "ecr", keys).list_images(repositoryName=name)["imageIds"] == []
    with refused("AccessDeniedException"):
        with_keys(account, "ecr", keys).describe_images(repositoryName=name)


def test_a_secret_is_found_by_its_whole_name_only(account: Account) -> None:
    """Its ARN ends in letters of chance: a pattern of six of them fits this name and no longer one."""
    secrets, arn = account.client("secretsmanager"), f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret"
    for name in ("npm", "npm-admin"):
        secrets.create_secret(Name=name, SecretString=name)
    mine = as_role(account, "secretsmanager", policy("secretsmanager:GetSecretValue", resource=f"{arn}:npm-??????"))
    assert mine.get_secret_value(SecretId="npm")["SecretString"] == "npm"
    with refused("AccessDeniedException"):
        mine.get_secret_value(SecretId="npm-admin")


def test_a_registry_password_may_do_what_its_key_may(account: Account) -> None:
    """docker login works for whoever may have a token; the push is refused by the repository's name."""
    name = account.new_name()
    account.client("ecr").create_repository(repositoryName=name)
    ecr = as_role(account, "ecr", policy("ecr:GetAuthorizationToken"))
    token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    headers = {"Authorization": f"Basic {token}"}
    assert requests.get(f"{account.endpoint.url}/v2/", headers=headers, timeout=10).status_code == 200
    answer = requests.post(f"{account.endpoint.url}/v2/{name}/blobs/uploads/", headers=headers, timeout=10)
    assert answer.status_code == 403
    assert answer.json()["errors"][0]["code"] == "DENIED"
    assert f"ecr:InitiateLayerUpload on resource: arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{name}" in answer.text


def test_a_users_key_is_bound_and_an_unknown_key_is_the_administrators(account: Account) -> None:
    """Users made in IAM have what was attached to them; the stack's own key, which IAM never saw, has everything."""
    iam, name = account.client("iam"), account.new_name()
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    with refused("AccessDenied", f"user/{name} is not authorized to perform: iam:ListRoles"):
        with_keys(account, "iam", key).list_roles()
    arn = iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(policy("iam:ListRoles")))["Policy"]["Arn"]
    iam.attach_user_policy(UserName=name, PolicyArn=arn)
    assert with_keys(account, "iam", key).list_roles()["Roles"]
    assert account.client("iam").list_users()["Users"]


def test_a_role_that_does_not_trust_its_caller_is_not_assumed(account: Account) -> None:
    """Not even by the administrator: CodeBuild's role is CodeBuild's."""
    role = account.make_role(account.new_name(), TRUST)
    with refused("AccessDenied", "sts:AssumeRole"):
        account.client("sts").assume_role(RoleArn=role, RoleSessionName="test")
    with refused("AccessDenied", "sts:AssumeRole"):
        account.client("sts").assume_role(RoleArn=f"{role}-missing", RoleSessionName="test")


def test_who_makes_a_project_may_not_give_it_any_role(account: Account) -> None:
    """iam:PassRole is asked for the service role of a project."""
    role = account.make_role(account.new_name())
    codebuild = as_role(account, "codebuild", policy("codebuild:*"))
    with refused("AccessDeniedException", "iam:PassRole on resource: " + role):
        codebuild.create_project(
            name=account.new_name(),
            source={"type": "NO_SOURCE", "buildspec": spec("true")},
            artifacts={"type": "NO_ARTIFACTS"},
            environment={"type": "LINUX_CONTAINER", "image": "i", "computeType": "BUILD_GENERAL1_SMALL"},
            serviceRole=role,
        )


def test_a_build_whose_role_may_not_log_fails_and_says_so(account: Account) -> None:
    """The first thing a build does in its role's name is to open its log."""
    name = account.new_name()
    role = account.make_role(name, policy=policy("s3:GetObject"))
    account.client("codebuild").create_project(
        name=name,
        source={"type": "NO_SOURCE", "buildspec": spec("true")},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={"type": "LINUX_CONTAINER", "image": "i", "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole=role,
    )
    build = account.wait(account.start(name))
    assert build["buildStatus"] == "FAILED"
    [context] = [one["contexts"][0] for one in build["phases"] if one["phaseType"] == "PROVISIONING"]
    assert context["statusCode"] == "ACCESS_DENIED"
    assert "logs:CreateLogStream" in context["message"]


def test_a_job_of_the_right_project_and_branch_gets_the_role(account: Account, issuer: Issuer) -> None:
    """Only a genuine, unexpired token of a known provider, for its audience, with exactly the subject trusted."""
    iam, sts, host = account.client("iam"), account.client("sts"), issuer.url.removeprefix("http://")
    provider = iam.create_open_id_connect_provider(Url=issuer.url, ClientIDList=["sledge"], ThumbprintList=[])
    subject = "project_path:acme/web:ref_type:branch:ref:main"
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Federated": provider["OpenIDConnectProviderArn"]},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {"StringEquals": {f"{host}:sub": subject, f"{host}:aud": "sledge"}},
            }
        ],
    }
    role = account.make_role(account.new_name(), trust)
    genuine = {"sub": subject, "aud": "sledge", "exp": time.time() + 300}

    def assume(token: str) -> Any:
        return sts.assume_role_with_web_identity(RoleArn=role, RoleSessionName="job", WebIdentityToken=token)

    keys = assume(issuer.token(**genuine))["Credentials"]
    assert with_keys(account, "sts", keys).get_caller_identity()["Arn"].endswith("/job")
    with refused("AccessDenied", "sts:AssumeRoleWithWebIdentity"):
        assume(issuer.token(**{**genuine, "sub": subject.replace("main", "feature")}))
    with refused("InvalidIdentityToken", "audience"):
        assume(issuer.token(**{**genuine, "aud": "other"}))
    with refused("ExpiredTokenException"):
        assume(issuer.token(**{**genuine, "exp": 1}))
    with refused("InvalidIdentityToken", "not a valid JWT"):
        assume("garbage")
    head, body, _ = issuer.token(**genuine).split(".")
    with refused("InvalidIdentityToken", "signature"):
        assume(f"{head}.{body}.{issuer.token(**{**genuine, 'sub': 'x'}).split('.')[2]}")
