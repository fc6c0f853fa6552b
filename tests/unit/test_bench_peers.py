"""Programs that `./dev bench provisioning` measures beside ours: their configurations, and doing without them."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from sledgehammer.errors import MissingToolError
from sledgehammer.process import Command, Completed, ProcessRunner
from sledgehammer.project import Image, Project
from sledgehammer_aws.account import Account
from sledgehammer_aws.client import Clients
from sledgehammer_aws.connection import AwsConnection
from sledgehammer_aws.settings import Settings
from sledgehammer_bench.provisioning.gitlab_fleet import configuration
from sledgehammer_bench.provisioning.gitlabform_config import gitlabform_config
from sledgehammer_bench.provisioning.gitlabform_program import NAME, VERSION, Gitlabform, find_gitlabform
from sledgehammer_bench.provisioning.peers import Skipped
from sledgehammer_bench.provisioning.terraform_config import terraform_config
from sledgehammer_bench.provisioning.terraform_program import Terraform, find_terraform, planned_changes

ACCOUNT = Account(id="123456789012", region="eu-central-1", partition="aws", registry="registry.example.com")
SECRET = {"GITLAB_TOKEN": "glpat-of-a-test"}


@dataclass
class Programs:
    """Answers by what a command is; a program that has none is not installed."""

    answer: Callable[[Command], int | None]
    text: str = ""
    ran: list[str] = field(default_factory=list)

    def run(self, command: Command, *, timeout_s: float | None = None) -> Completed:
        self.ran.append(command.display())
        code = self.answer(command)
        if code is None:
            raise MissingToolError("not installed")
        said = b"ERROR: https://user:index-password@pypi.example.com/ is not there"
        return Completed(exit_code=code, stdout=self.text.encode(), stderr=said)

    def stream(self, command: Command, *, on_line: Callable[[str], None]) -> int:
        raise NotImplementedError


def test_gitlabform_is_asked_for_the_same_objects() -> None:
    """Visibility, variables, protection and CI file; deploy tokens it does not know."""
    ours = json.loads(configuration("p0000", has_tokens=True))["gitlab"]
    config = json.loads(
        gitlabform_config(
            "http://gitlab.example.com",
            "fleet",
            visibility=ours["visibility"],
            variables={key: one["value"] for key, one in ours["variables"].items()},
            branch="main",
            ci_files={"fleet/p0000": "/ci/p0000.yml"},
        )
    )
    shared, own = config["projects_and_groups"]["fleet/*"], config["projects_and_groups"]["fleet/p0000"]
    assert shared["project_settings"] == {"visibility": "private"}
    assert {one["key"]: one["value"] for one in shared["variables"].values()} == {
        key: one["value"] for key, one in ours["variables"].items()
    }
    assert all(one["masked"] for one in shared["variables"].values())
    assert shared["branches"]["main"] == {"protected": True, "push_access_level": 40, "merge_access_level": 40}
    assert own["files"][".gitlab-ci.yml"]["file"] == "/ci/p0000.yml"
    assert "deploy" not in json.dumps(config)


def found(programs: Programs, folder: Path) -> Gitlabform | Skipped:
    return find_gitlabform(folder, cast(ProcessRunner, programs), SECRET)


def test_gitlabform_is_installed_by_the_first_python_that_is_new_enough(tmp_path: Path) -> None:
    """One that is there and does not start, as a version manager's stand-in, is passed over."""
    here = {sys.executable: 1, "python3.13": 127, "python3.12": 0, str(tmp_path / "bin" / "python"): 0}
    programs = Programs(lambda command: here.get(command.argv[0]))
    peer = found(programs, tmp_path)
    assert isinstance(peer, Gitlabform)
    assert f"python3.12 -m venv --clear {tmp_path}" in programs.ran
    assert programs.ran[-1].endswith(f"pip install --quiet gitlabform=={VERSION}")
    assert SECRET["GITLAB_TOKEN"] not in f"{peer} {programs.ran}"
    asked_before = len(programs.ran)
    assert found(programs, tmp_path) == peer
    assert len(programs.ran) == asked_before


def test_without_a_new_python_or_the_package_gitlabform_is_left_out(tmp_path: Path) -> None:
    """With the reason; what pip says may have an index's password in it. It is tried again the next time."""
    assert found(Programs(lambda command: None), tmp_path) == Skipped(
        name=NAME, reason="no Python 3.12 or newer on PATH"
    )
    refused = found(Programs(lambda command: int("pip" in command.argv)), tmp_path)
    assert isinstance(refused, Skipped)
    assert "pip" in refused.reason
    assert "password" not in refused.reason
    assert isinstance(found(Programs(lambda command: 0), tmp_path), Gitlabform)


def sets(name: str) -> AwsConnection:
    return AwsConnection(
        project=Project(name=name, images=(Image(name=name),), root=Path(), providers={}),
        settings=Settings(region=ACCOUNT.region),
        buildspec='aws ecr get-login-password; docker push "${SLEDGE_REGISTRY}"/web',
        checkout=cast(Any, None),
        processes=cast(Any, None),
        clients=cast(Clients, None),
        clock=cast(Any, None),
    )


def test_terraform_is_asked_for_the_same_objects_by_the_same_names() -> None:
    """Each set's own and one bucket; texts in which a shell's variable stands are not taken for Terraform's."""
    config = json.loads(terraform_config([sets("web"), sets("api")], ACCOUNT, archive="source.zip"))
    resources: dict[str, dict[str, Any]] = config["resource"]
    assert {kind: len(named) for kind, named in resources.items()} == {
        "aws_s3_bucket": 1,
        "aws_s3_bucket_public_access_block": 1,
        "aws_s3_bucket_versioning": 1,
        "aws_s3_bucket_server_side_encryption_configuration": 1,
        "aws_ecr_repository": 4,
        "aws_ecr_lifecycle_policy": 2,
        "aws_cloudwatch_log_group": 2,
        "aws_iam_role": 2,
        "aws_iam_role_policy": 2,
        "aws_s3_object": 2,
        "aws_codebuild_project": 2,
    }
    project = resources["aws_codebuild_project"]["web"]
    assert project["source"]["buildspec"].endswith('docker push "$${SLEDGE_REGISTRY}"/web')
    assert project["tags"] == {
        "managed-by": "sledgehammer",
        "sledgehammer:project": "web",
        "sledgehammer:codebuild": "eu-central-1/web",
    }
    policy = json.loads(resources["aws_iam_role_policy"]["web"]["policy"])
    images = [one for one in policy["Statement"] if one["Sid"] == "Images"]
    assert images[0]["Resource"] == ["arn:aws:ecr:eu-central-1:123456789012:repository/web"]


def test_without_terraform_or_its_provider_it_is_left_out(tmp_path: Path) -> None:
    """And the reader learns which of the two is missing."""
    programs = Programs(lambda command: None)
    none = find_terraform(tmp_path, cast(ProcessRunner, programs), {})
    assert none == Skipped(name="Terraform", reason="there is no terraform on PATH")
    offline = find_terraform(tmp_path, cast(ProcessRunner, Programs(lambda command: 1)), {})
    assert isinstance(offline, Skipped)
    assert "the provider hashicorp/aws" in offline.reason
    versions = {"terraform_version": "1.11.4", "provider_selections": {"registry.example.com/hashicorp/aws": "5.100.0"}}
    there = find_terraform(tmp_path, cast(ProcessRunner, Programs(lambda command: 0, text=json.dumps(versions))), {})
    assert isinstance(there, Terraform)
    assert there.name == "Terraform 1.11.4 with aws 5.100.0"


@pytest.mark.parametrize("changes", [0, 2])
def test_changes_that_terraform_plans_are_counted(changes: int) -> None:
    """Not what it reads, and not the summary."""
    kinds = ["version", "refresh_start", *["planned_change"] * changes, "change_summary"]
    assert planned_changes("\n".join(json.dumps({"type": kind}) for kind in kinds)) == changes
