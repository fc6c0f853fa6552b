"""The AWS provider against the local AWS: sources on GitLab, the connection that a person completes, webhooks."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from aws_rehearsal import ACCOUNT, REGION, LocalAws, Rehearsal, rehearse

from sledgehammer.changes import Action, Change
from sledgehammer.errors import ConfigurationError, ConflictError
from sledgehammer_aws.source_settings import GitLabSource, Webhook

HOST = f"arn:aws:codeconnections:{REGION}:{ACCOUNT}:host/ours-0f1e2d"


@pytest.fixture
def aws(cloud: LocalAws, tmp_path: Path) -> Iterator[Rehearsal]:
    """A project whose source is on GitLab, by a connection of its own name."""
    with rehearse(cloud, tmp_path) as made:
        source = GitLabSource(repository="https://gitlab.com/acme/web.git", connection=made.name, webhook=Webhook())
        made.settings = replace(made.settings, source=source)
        yield made


def change_source(aws: Rehearsal, **settings: Any) -> None:
    assert aws.settings.source is not None
    aws.settings = replace(aws.settings, source=replace(aws.settings.source, **settings))


def complete(aws: Rehearsal) -> None:
    """What a person does in the console."""
    requests.post(f"{aws.url}/-/connections/{aws.name}", timeout=10).raise_for_status()


@pytest.fixture
def connected(aws: Rehearsal) -> Rehearsal:
    """Applied, completed, and applied once more."""
    aws.apply()
    complete(aws)
    aws.apply()
    return aws


def project_of(aws: Rehearsal) -> Any:
    (project,) = aws.client("codebuild").batch_get_projects(names=[aws.name])["projects"]
    return project


def connections_of(aws: Rehearsal) -> list[Any]:
    client, token, found = aws.client("codeconnections"), dict[str, str](), list[Any]()
    while True:
        page = client.list_connections(**token)
        found += page["Connections"]
        if "NextToken" not in page:
            return [one for one in found if one["ConnectionName"] == aws.name]
        token = {"NextToken": page["NextToken"]}


def test_a_person_completes_the_connection_between_two_applies(aws: Rehearsal) -> None:
    """The first makes what can be made; the plan then says what to do and what waits; the second does the rest."""
    kinds = [change.kind for change in aws.apply()]
    assert "aws_codeconnection" in kinds
    assert not {"aws_s3_bucket", "aws_s3_object"} & set(kinds)
    plan = aws.plan()
    assert plan.pending == ()
    connection, webhook = plan.manual
    assert (connection.kind, webhook.kind) == ("aws_codeconnection", "aws_codebuild_webhook")
    assert "PENDING" in connection.note
    assert aws.name in webhook.note
    complete(aws)
    assert [change.kind for change in aws.apply()] == ["aws_codebuild_webhook"]
    plan = aws.plan()
    assert (plan.pending, plan.manual) == ((), ())


def test_the_project_clones_through_the_connection_and_the_role_may_use_it_alone(connected: Rehearsal) -> None:
    """Exactly this connection's ARN, which nobody knew when the first plan was shown."""
    (connection,) = connections_of(connected)
    source = project_of(connected)["source"]
    assert (source["type"], source["location"]) == ("GITLAB", "https://gitlab.com/acme/web.git")
    assert source["auth"] == {"type": "CODECONNECTIONS", "resource": connection["ConnectionArn"]}
    document = connected.client("iam").get_role_policy(RoleName=connected.role, PolicyName="sledgehammer")
    statements = {one["Sid"]: one for one in document["PolicyDocument"]["Statement"]}
    assert statements["Connection"]["Resource"] == [connection["ConnectionArn"]]
    assert not {"Source", "Bucket"} & set(statements)


def test_a_webhook_fits_pushes_to_the_named_branches_and_no_others(connected: Rehearsal) -> None:
    """One group: event, whole ref, and changed files where they are given."""
    change_source(connected, webhook=Webhook(branches=("main", "release/1.0"), paths=("src/.*", "Dockerfile")))
    assert [(change.kind, change.attributes[0].name) for change in connected.apply()] == [
        ("aws_codebuild_webhook", "filter group")
    ]
    (group,) = project_of(connected)["webhook"]["filterGroups"]
    assert [(one["type"], one["pattern"]) for one in group] == [
        ("EVENT", "PUSH"),
        ("HEAD_REF", r"^refs/heads/(main|release/1\.0)$"),
        ("FILE_PATH", "(src/.*)|(Dockerfile)"),
    ]
    assert connected.plan().pending == ()


def test_a_webhook_that_is_not_asked_for_any_more_goes(connected: Rehearsal) -> None:
    """The project stays."""
    change_source(connected, webhook=None)
    (gone,) = connected.plan().pending
    assert (gone.action, gone.kind) == (Action.DELETE, "aws_codebuild_webhook")
    connected.apply()
    assert "webhook" not in project_of(connected)
    assert connected.plan().pending == ()


def _everybody(aws: Rehearsal) -> None:
    group = [{"type": "EVENT", "pattern": "PUSH, PULL_REQUEST_CREATED"}]
    aws.client("codebuild").update_webhook(projectName=aws.name, filterGroups=[group])


def _gone(aws: Rehearsal) -> None:
    aws.client("codebuild").delete_webhook(projectName=aws.name)


def _elsewhere(aws: Rehearsal) -> None:
    source = {**project_of(aws)["source"], "location": "https://gitlab.com/evil/web.git"}
    aws.client("codebuild").update_project(name=aws.name, source=source)


@pytest.mark.parametrize(
    ("drift", "attribute"), [(_everybody, "filter group"), (_gone, "filter group"), (_elsewhere, "source")]
)
def test_a_change_by_hand_is_taken_back(
    connected: Rehearsal, drift: Callable[[Rehearsal], None], attribute: str
) -> None:
    """Who may start builds, and of what."""
    drift(connected)
    assert [item.name for change in connected.apply() for item in change.attributes] == [attribute]
    assert connected.plan().pending == ()


@pytest.mark.parametrize(
    ("settings", "attribute"),
    [({"clone_depth": 0}, "source"), ({"repository": "https://gitlab.com/acme/other.git"}, "source")],
)
def test_each_setting_of_the_source_is_planned_and_applied(
    connected: Rehearsal, settings: dict[str, Any], attribute: str
) -> None:
    """It reaches the project and nothing else."""
    change_source(connected, **settings)
    assert [item.name for change in connected.apply() for item in change.attributes] == [attribute]
    assert connected.plan().pending == ()


def test_a_gitlab_of_ones_own_is_reached_by_its_host(aws: Rehearsal) -> None:
    """The host decides which; type and connection follow it."""
    change_source(aws, host=HOST)
    aws.apply()
    (connection,) = connections_of(aws)
    assert (connection["ProviderType"], connection["HostArn"]) == ("GitLabSelfManaged", HOST)
    assert project_of(aws)["source"]["type"] == "GITLAB_SELF_MANAGED"
    assert aws.plan().pending == ()


def test_a_connection_of_others_is_used_and_one_to_elsewhere_refused(aws: Rehearsal) -> None:
    """A platform team's is as good as ours; one to GitHub is not."""
    client = aws.client("codeconnections")
    for number in range(120):  # more than a page
        client.create_connection(ConnectionName=f"other-{number}", ProviderType="Bitbucket")
    client.create_connection(ConnectionName=aws.name, ProviderType="GitLab")
    complete(aws)
    assert "aws_codeconnection" not in [change.kind for change in aws.apply()]
    assert aws.plan().pending == ()
    change_source(aws, connection=f"{aws.name}-hub")
    client.create_connection(ConnectionName=f"{aws.name}-hub", ProviderType="GitHub")
    with pytest.raises(ConflictError, match="one to GitHub, not to GitLab"):
        aws.plan()


def test_a_destruction_leaves_the_connection_to_the_other_projects(connected: Rehearsal) -> None:
    """A handshake takes a person: nobody should have to do it again."""
    told: list[Change] = []
    connected.connect().destroy(on_change=told.append)
    assert [change.kind for change in told][:2] == ["aws_codebuild_webhook", "aws_codebuild_project"]
    assert len(connections_of(connected)) == 1
    assert connected.connect().plan_destruction().pending == ()


@pytest.mark.parametrize("fault", ["throttle", "error_before", "error_after", "reset_before", "reset_after"])
def test_there_is_one_connection_whatever_happens_to_the_call(aws: Rehearsal, fault: str) -> None:
    """AWS would make a second one of the same name: no token, no conflict."""
    aws.inject({"operation": "CreateConnection", "fault": fault, "calls": [1]})
    aws.apply()
    assert len(connections_of(aws)) == 1
    complete(aws)
    operations = ("CreateWebhook",)
    aws.inject(*({"operation": name, "fault": fault, "calls": [1]} for name in operations))
    aws.apply()
    assert aws.injected() == ["CreateWebhook"]
    aws.inject()
    assert aws.plan().pending == ()


def test_a_build_is_of_the_checkouts_commit(connected: Rehearsal) -> None:
    """CodeBuild is asked for the commit, which GitLab has to hold; the local AWS does not clone, and says so."""
    with pytest.raises(ConfigurationError, match="source type GITLAB"):
        connected.connect().trigger()
    assert connected.connect().commit_tag() == connected.git("rev-parse", "HEAD")
