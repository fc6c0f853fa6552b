"""Every kind of change and of deletion of the AWS provider meets every fault."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from aws_full_project import FIRST, LESS, SECOND, want
from aws_rehearsal import LocalAws, Rehearsal, rehearse
from call_faults import FAULTS

from sledgehammer_aws.source_settings import Webhook

CHANGES = {
    "TagResource": 5,
    "PutImageTagMutability": 1,
    "PutLifecyclePolicy": 1,
    "PutSecretValue": 1,
    "PutRetentionPolicy": 1,
    "TagRole": 3,
    "PUT source.zip": 1,
    "UpdateProject": 1,
    "AddClientIDToOpenIDConnectProvider": 1,
    "UpdateAssumeRolePolicy": 1,
    "PutRolePolicy": 1,
    "PutRule": 1,
    "PutTargets": 1,
}
REMOVALS = {
    "CreateConnection": 1,
    "PutRolePolicy": 1,
    "UpdateProject": 1,
    "RemoveTargets": 1,
    "DeleteRule": 1,
    "DeleteSecret": 1,
    "DeleteRolePolicy": 2,
    "DeleteRole": 2,
}
DESTRUCTION = {
    "DeleteRolePolicy": 1,
    "DeleteRole": 1,
    "DeleteProject": 1,
    "POST delete": 1,
    "DeleteLogGroup": 1,
    "PutRegistryScanningConfiguration": 1,
    "DeleteRepository": 2,
    "DELETE bucket": 1,
}
WEBHOOKS = ((Webhook(), "CreateWebhook"), (Webhook(branches=("next",)), "UpdateWebhook"), (None, "DeleteWebhook"))


@pytest.fixture
def aws(cloud: LocalAws, tmp_path: Path) -> Iterator[Rehearsal]:
    with rehearse(cloud, tmp_path) as made:
        made.variables = {"NPM": "hunter2", "SLEDGE_FINGERPRINT_KEY": "key"}
        yield made


def inject(aws: Rehearsal, fault: str, writes: Mapping[str, int]) -> None:
    """So many calls of each kind fail the first time they are tried; the second try is the call after it."""
    of_s3 = {
        "PUT source.zip": {"method": "PUT", "path": "source.zip"},
        "POST delete": {"method": "POST", "path": f"^/{aws.bucket}/?[?]delete"},
        "DELETE bucket": {"method": "DELETE", "path": f"^/{aws.bucket}/?$"},
    }
    aws.inject(
        *(
            {**of_s3.get(name, {"operation": name}), "fault": fault, "calls": list(range(1, 2 * count, 2))}
            for name, count in writes.items()
        )
    )


def assert_all_met(aws: Rehearsal, writes: Mapping[str, int]) -> None:
    found = Counter(name if name.isalnum() else "s3" for name in aws.injected())
    expected = Counter[str]()
    for name, count in writes.items():
        expected[name if name.isalnum() else "s3"] += count
    assert found == expected
    aws.inject()


@pytest.mark.parametrize("fault", FAULTS)
def test_every_change_is_made_once_whatever_happens_to_it(aws: Rehearsal, fault: str) -> None:
    """429, 500 before and after the effect, a lost connection, at each call that changes something, in one apply."""
    want(aws, FIRST)
    aws.apply()
    want(aws, SECOND)
    aws.variables = {**aws.variables, "NPM": "hunter3"}
    aws.commit("main.rs")
    inject(aws, fault, CHANGES)
    aws.apply()
    assert_all_met(aws, CHANGES)
    assert aws.plan().pending == ()
    assert aws.client("secretsmanager").get_secret_value(SecretId=f"{aws.name}/npm")["SecretString"] == "hunter3"


@pytest.mark.parametrize("fault", FAULTS)
def test_every_removal_is_made_whatever_happens_to_it(aws: Rehearsal, fault: str) -> None:
    """What sledge.yaml names no more goes with one apply, the rest with one destruction, and nothing else does."""
    want(aws, SECOND)
    aws.apply()
    want(aws, LESS)
    inject(aws, fault, REMOVALS)
    aws.apply()
    assert_all_met(aws, REMOVALS)
    requests.post(f"{aws.url}/-/connections/{aws.name}", timeout=10).raise_for_status()
    for webhook, operation in WEBHOOKS:
        want(aws, replace(LESS, source=replace(LESS.source, webhook=webhook) if LESS.source else None))
        inject(aws, fault, {operation: 1})
        aws.apply()
        assert_all_met(aws, {operation: 1})
        assert aws.plan().pending == ()
    inject(aws, fault, DESTRUCTION)
    aws.connect().destroy(on_change=lambda change: None)
    assert_all_met(aws, DESTRUCTION)
    assert aws.connect().plan_destruction().pending == ()
    assert aws.name not in str(aws.client("codebuild").list_projects()["projects"])
