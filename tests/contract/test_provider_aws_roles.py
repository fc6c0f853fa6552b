"""The AWS provider against the local AWS: what somebody else gives a role of ours is seen and taken away."""

import json
from dataclasses import replace

import pytest
from aws_rehearsal import Rehearsal

from sledgehammer.changes import Action, Change
from sledgehammer.errors import ConflictError
from sledgehammer_aws.account import read_account
from sledgehammer_aws.bulk_reader import BulkReader
from sledgehammer_aws.client import Calls

EVERYTHING = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})


@pytest.fixture
def aws(aws: Rehearsal) -> Rehearsal:
    """Applied."""
    aws.apply()
    return aws


def widen(aws: Rehearsal) -> str:
    """By another inline policy and by a managed one, whose ARN it gives."""
    iam = aws.client("iam")
    arn = str(iam.create_policy(PolicyName=aws.name, PolicyDocument=EVERYTHING)["Policy"]["Arn"])
    iam.put_role_policy(RoleName=aws.role, PolicyName="extra", PolicyDocument=EVERYTHING)
    iam.attach_role_policy(RoleName=aws.role, PolicyArn=arn)
    return arn


def test_policies_that_were_added_by_hand_are_taken_away(aws: Rehearsal) -> None:
    """The plan names both, its table has what the inline one grants, and plans over many show the same."""
    arn = widen(aws)
    plan = aws.plan()
    (role,) = plan.pending
    assert (role.action, role.kind) == (Action.UPDATE, "aws_iam_role")
    assert [(item.name, item.after) for item in role.attributes] == [
        ("inline policy extra", ""),
        (f"managed policy {arn}", ""),
    ]
    assert [(row.action, row.statement.actions) for row in role.statements] == [(Action.DELETE, ("*",))]
    clients, calls = aws.aws.clients, Calls(clock=aws.clock)
    reader = BulkReader(clients=clients, calls=calls, account=read_account(clients, calls), projects=[aws.name])
    assert replace(aws.connect(), reader=reader).plan().changes == plan.changes
    aws.apply()
    assert aws.plan().pending == ()
    assert aws.client("iam").list_role_policies(RoleName=aws.role)["PolicyNames"] == ["sledgehammer"]
    assert aws.client("iam").list_attached_role_policies(RoleName=aws.role)["AttachedPolicies"] == []


def test_a_role_goes_with_what_hangs_on_it(aws: Rehearsal) -> None:
    """IAM refuses to delete a role with policies, whoever put them there."""
    widen(aws)
    told: list[Change] = []
    aws.connect().destroy(on_change=told.append)
    assert aws.role in [change.name for change in told]
    assert aws.connect().plan_destruction().pending == ()


def test_a_role_of_others_keeps_its_policies(aws: Rehearsal) -> None:
    """Without our mark it is used as it is, while trust and policy are what a build needs."""
    widen(aws)
    aws.client("iam").untag_role(RoleName=aws.role, TagKeys=["managed-by"])
    assert aws.plan().pending == ()


def test_what_still_uses_a_role_is_a_conflict(aws: Rehearsal) -> None:
    """Not a mistake in sledge.yaml, and it says what to do."""
    iam = aws.client("iam")
    iam.create_instance_profile(InstanceProfileName=aws.name)
    iam.add_role_to_instance_profile(InstanceProfileName=aws.name, RoleName=aws.role)
    with pytest.raises(ConflictError, match="DeleteConflict") as refused:
        aws.connect().destroy(on_change=lambda change: None)
    assert "remove that" in refused.value.hint
