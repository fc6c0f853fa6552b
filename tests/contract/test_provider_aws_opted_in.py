"""The AWS provider against the local AWS: what is made where the settings ask for it."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from aws_full_project import CREDENTIAL
from aws_opting_in import applied, ask, destroy
from aws_rehearsal import ACCOUNT, REGION, Rehearsal
from call_faults import FAULTS

from sledgehammer.changes import Action
from sledgehammer.errors import ConfigurationError, ConflictError
from sledgehammer_aws.setting_sections import DockerHub, GitLabJobs, Schedule, SecretSource

JOBS = GitLabJobs(project="acme/web", url="https://gitlab.example")
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/gitlab.example"
KEY = {"SLEDGE_FINGERPRINT_KEY": "a-long-random-key"}


@pytest.fixture
def aws(aws: Rehearsal) -> Rehearsal:
    """Applied."""
    aws.apply()
    return aws


def trust_of(aws: Rehearsal, role: str) -> Any:
    return aws.client("iam").get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]["Statement"][0]


def test_jobs_of_one_gitlab_project_get_a_role_by_exact_subject(aws: Rehearsal) -> None:
    """Provider, role and policy; `sub` and `aud` are compared whole; the role pushes to this project's repositories."""
    ask(aws, gitlab_jobs=JOBS)
    kinds = [kind for kind, _ in applied(aws)]
    assert kinds == ["aws_iam_oidc_provider", "aws_iam_role", "aws_iam_role_policy"]
    role = f"sledge-{aws.name}-gitlab-{REGION}"
    assert trust_of(aws, role)["Principal"] == {"Federated": PROVIDER}
    assert trust_of(aws, role)["Condition"] == {
        "StringEquals": {
            "gitlab.example:aud": "sledgehammer",
            "gitlab.example:sub": ["project_path:acme/web:ref_type:branch:ref:main"],
        }
    }
    document = aws.client("iam").get_role_policy(RoleName=role, PolicyName="sledgehammer")["PolicyDocument"]
    assert {one["Sid"] for one in document["Statement"]} == {"Login", "Images", "Caches"}


JOB_CHANGES: list[tuple[dict[str, object], list[tuple[str, list[str]]]]] = [
    ({"branches": ("main", "next")}, [("aws_iam_role", ["trust"])]),
    ({"tags": ("v1",)}, [("aws_iam_role", ["trust"])]),
    ({"project": "acme/other"}, [("aws_iam_role", ["trust"])]),
    (
        {"audience": "aws"},
        [("aws_iam_oidc_provider", ["audience aws"]), ("aws_iam_role", ["trust"])],
    ),
    (
        {"build": True},
        [
            (
                "aws_iam_role_policy",
                ["statement Builds", "statement BuildLogs"],
            )
        ],
    ),
]


def test_each_setting_of_jobs_is_planned_and_applied(aws: Rehearsal) -> None:
    """Every change reaches its attribute and nothing else; the provider keeps the audiences of others."""
    ask(aws, gitlab_jobs=JOBS)
    aws.apply()
    for change, expected in JOB_CHANGES:
        assert aws.settings.gitlab_jobs is not None
        ask(aws, gitlab_jobs=replace(aws.settings.gitlab_jobs, **change))  # type: ignore[arg-type]
        assert applied(aws) == expected
    found = aws.client("iam").get_open_id_connect_provider(OpenIDConnectProviderArn=PROVIDER)
    assert {"sledgehammer", "aws"} <= set(found["ClientIDList"])


def test_a_role_for_jobs_that_is_not_asked_for_any_more_goes_and_the_provider_stays(aws: Rehearsal) -> None:
    """Other projects trust the provider too."""
    ask(aws, gitlab_jobs=JOBS)
    aws.apply()
    ask(aws, gitlab_jobs=None)
    (gone,) = aws.plan().pending
    assert (gone.action, gone.name) == (Action.DELETE, f"sledge-{aws.name}-gitlab-{REGION}")
    aws.apply()
    assert aws.plan().pending == ()
    providers = aws.client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]
    assert PROVIDER in [one["Arn"] for one in providers]


def test_a_provider_of_others_is_adopted_before_our_audience_is_added(aws: Rehearsal) -> None:
    """It decides who gets in, so that is asked."""
    jobs = replace(JOBS, url="https://gitlab.others.example")
    arn = PROVIDER.replace("gitlab.example", "gitlab.others.example")
    iam = aws.client("iam")
    iam.create_open_id_connect_provider(Url=jobs.url, ClientIDList=["theirs"], ThumbprintList=[])
    ask(aws, gitlab_jobs=jobs)
    with pytest.raises(ConflictError, match="audience sledgehammer"):
        aws.plan()
    aws.connect().adopt(["aws_iam_oidc_provider gitlab.others.example"])
    aws.apply()
    assert aws.plan().pending == ()
    assert iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["ClientIDList"] == ["theirs", "sledgehammer"]


@pytest.mark.parametrize(
    "settings",
    [{"branches": ("release-*",)}, {"tags": ("v?",)}, {"branches": ()}],
)
def test_a_pattern_of_branches_is_refused(settings: dict[str, Any]) -> None:
    """What it lets in today is not what it lets in tomorrow."""
    with pytest.raises(ConfigurationError, match="gitlab_jobs"):
        replace(JOBS, **settings)


def secret_of(aws: Rehearsal) -> Any:
    return aws.client("secretsmanager").describe_secret(SecretId=f"{aws.name}/npm")


def value_of(aws: Rehearsal) -> str:
    return str(aws.client("secretsmanager").get_secret_value(SecretId=f"{aws.name}/npm")["SecretString"])


@pytest.fixture
def secretive(aws: Rehearsal) -> Rehearsal:
    """With a secret in Secrets Manager."""
    ask(aws, secrets={"npm": SecretSource(from_env="NPM")})
    aws.variables = {"NPM": "hunter2", **KEY}
    assert applied(aws) == [("aws_secret", ["tag sledgehammer:codebuild", "value"])]
    return aws


def test_a_secret_is_written_and_its_value_seen_nowhere(secretive: Rehearsal) -> None:
    """A changed value is a change of the fingerprint, which says nothing about it."""
    assert value_of(secretive) == "hunter2"
    secretive.variables = {"NPM": "hunter3", **KEY}
    plan = secretive.plan()
    assert "hunter" not in str(plan)
    (item,) = plan.pending[0].attributes
    assert item.before.startswith("fingerprint ")
    assert item.before != item.after
    assert applied(secretive) == [("aws_secret", ["value"])]
    assert value_of(secretive) == "hunter3"
    assert "hunter" not in str(secret_of(secretive))


def test_without_a_key_a_secret_is_made_and_not_compared(aws: Rehearsal) -> None:
    """The plan says that a new value would not be seen."""
    ask(aws, secrets={"npm": SecretSource(from_env="NPM")})
    aws.variables = {"NPM": "one"}
    aws.apply()
    aws.variables = {"NPM": "two"}
    (told,) = [change for change in aws.plan().changes if change.kind == "aws_secret"]
    assert (told.action, "SLEDGE_FINGERPRINT_KEY" in told.note) == (Action.NONE, True)


def test_a_value_that_is_not_there_is_asked_for_before_anything_is_done(aws: Rehearsal) -> None:
    """The variable is named; a destruction needs no value."""
    ask(aws, secrets={"npm": SecretSource(from_env="NPM")})
    aws.sent.clear()
    with pytest.raises(ConfigurationError, match="environment variable NPM"):
        aws.apply()
    assert aws.writes == []
    assert "aws_codebuild_project" in destroy(aws)


def test_a_deleted_secret_is_taken_back_with_its_new_value(secretive: Rehearsal) -> None:
    """Secrets Manager keeps its name for 30 days: an apply in that time restores it."""
    assert "aws_secret" in destroy(secretive)
    assert secret_of(secretive)["DeletedDate"] is not None
    secretive.variables = {"NPM": "hunter4", **KEY}
    secretive.apply()
    assert value_of(secretive) == "hunter4"
    assert secretive.plan().pending == ()


def test_a_secret_that_is_not_asked_for_any_more_goes(secretive: Rehearsal) -> None:
    """It can be taken back for 30 days, and the plan says so."""
    ask(secretive, secrets={})
    (gone,) = secretive.plan().pending
    assert (gone.action, gone.name, "30 days" in gone.note) == (Action.DELETE, f"{secretive.name}/npm", True)
    secretive.apply()
    assert secretive.plan().pending == ()


def test_a_secret_of_others_is_not_overwritten(aws: Rehearsal) -> None:
    """Until it is adopted."""
    aws.client("secretsmanager").create_secret(Name=f"{aws.name}/npm", SecretString="theirs")
    ask(aws, secrets={"npm": SecretSource(from_env="NPM")})
    aws.variables = {"NPM": "ours", **KEY}
    with pytest.raises(ConflictError, match="not made by sledge"):
        aws.apply()
    assert value_of(aws) == "theirs"
    aws.connect().adopt([f"aws_secret {aws.name}/npm"])
    aws.apply()
    assert value_of(aws) == "ours"


@pytest.fixture
def scheduled(aws: Rehearsal) -> Rehearsal:
    """With a schedule."""
    ask(aws, schedule=Schedule(expression="cron(0 3 * * ? *)"))
    assert [kind for kind, _ in applied(aws)] == ["aws_iam_role", "aws_iam_role_policy", "aws_events_rule"]
    return aws


def rule_of(aws: Rehearsal) -> str:
    return f"sledge-{aws.name}"


def test_a_schedule_starts_builds_of_what_was_applied_last(scheduled: Rehearsal) -> None:
    """The target is the project, with commit and branch as a triggered build has them; the role starts nothing else."""
    (target,) = scheduled.client("events").list_targets_by_rule(Rule=rule_of(scheduled))["Targets"]
    project = f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{scheduled.name}"
    assert target["Arn"] == project
    given = {one["name"]: one["value"] for one in json.loads(target["Input"])["environmentVariablesOverride"]}
    assert given == {"SLEDGE_COMMIT": scheduled.git("rev-parse", "HEAD"), "SLEDGE_BRANCH": "main"}
    role = f"sledge-{scheduled.name}-schedule-{REGION}"
    document = scheduled.client("iam").get_role_policy(RoleName=role, PolicyName="sledgehammer")["PolicyDocument"]
    (statement,) = document["Statement"]
    assert (statement["Action"], statement["Resource"]) == (["codebuild:StartBuild"], [project])
    assert trust_of(scheduled, role)["Condition"]["StringEquals"]["aws:SourceArn"].endswith(
        f"rule/{rule_of(scheduled)}"
    )
    scheduled.git("checkout", "-q", "-b", "Feature/one")
    scheduled.commit("main.py")
    assert ("aws_events_rule", ["starts"]) in applied(scheduled)
    (target,) = scheduled.client("events").list_targets_by_rule(Rule=rule_of(scheduled))["Targets"]
    assert '"feature-one"' in target["Input"]


def _stop(aws: Rehearsal) -> None:
    aws.client("events").disable_rule(Name=rule_of(aws))


def _retime(aws: Rehearsal) -> None:
    aws.client("events").put_rule(Name=rule_of(aws), ScheduleExpression="rate(1 minute)")


def _untarget(aws: Rehearsal) -> None:
    aws.client("events").remove_targets(Rule=rule_of(aws), Ids=["build"])


def _retarget(aws: Rehearsal) -> None:
    topic = {"Id": "more", "Arn": f"arn:aws:sns:{REGION}:{ACCOUNT}:topic"}
    aws.client("events").put_targets(Rule=rule_of(aws), Targets=[topic])


@pytest.mark.parametrize(
    ("drift", "attribute"),
    [(_stop, "state"), (_retime, "expression"), (_untarget, "starts"), (_retarget, "starts")],
)
def test_a_schedule_changed_by_hand_is_taken_back(
    scheduled: Rehearsal, drift: Callable[[Rehearsal], None], attribute: str
) -> None:
    """Also one that starts something else too."""
    drift(scheduled)
    assert applied(scheduled) == [("aws_events_rule", [attribute])]


def test_a_schedule_that_is_not_asked_for_any_more_goes_with_its_role(scheduled: Rehearsal) -> None:
    """The rule is found by its tags, the role by its name."""
    ask(scheduled, schedule=None)
    gone = [(change.action, change.kind) for change in scheduled.plan().pending]
    assert gone == [(Action.DELETE, "aws_events_rule"), (Action.DELETE, "aws_iam_role")]
    scheduled.apply()
    assert scheduled.plan().pending == ()


def test_a_destruction_takes_schedule_and_roles(scheduled: Rehearsal) -> None:
    """With everything else of the project, last made first."""
    ask(scheduled, gitlab_jobs=JOBS)
    scheduled.apply()
    kinds = destroy(scheduled)
    assert kinds[:4] == ["aws_events_rule", "aws_iam_role_policy", "aws_iam_role", "aws_iam_role_policy"]
    assert scheduled.connect().plan_destruction().pending == ()


WRITES = (
    "PutRegistryScanningConfiguration",
    "CreatePullThroughCacheRule",
    "CreateSecret",
    "CreateOpenIDConnectProvider",
    "CreateRole",
    "PutRolePolicy",
    "PutRule",
    "PutTargets",
)


@pytest.mark.parametrize("fault", FAULTS)
def test_every_write_may_fail_once(aws: Rehearsal, fault: str) -> None:
    """Whatever happens to the first attempt of each write, one apply brings everything about, and nothing twice."""
    ask(
        aws,
        scan_on_push=True,
        docker_hub=DockerHub(credential=CREDENTIAL, prefix=f"hub-{aws.name}"),
        gitlab_jobs=replace(JOBS, url=f"https://{aws.name}.example"),
        secrets={"npm": SecretSource(from_env="NPM")},
        schedule=Schedule(expression="rate(1 day)"),
    )
    aws.variables = {"NPM": "hunter2", **KEY}
    aws.inject(*({"operation": name, "fault": fault, "calls": [1]} for name in WRITES))
    aws.apply()
    assert sorted(aws.injected()) == sorted(WRITES)
    aws.inject()
    assert aws.plan().pending == ()
    aws.inject({"fault": "error_before", "every": 2})
    assert aws.plan().pending == ()
