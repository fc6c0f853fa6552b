"""`sledge -p aws` as a process that is killed with SIGKILL at one write after another."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aws_full_project import CREDENTIAL
from aws_rehearsal import KEYS, REGION, Rehearsal, rehearse, serve
from killed_runs import AFTER, BEFORE, RunsOfSledge

MOST_RUNS = 150
FULL = """\
version: 1
name: {name}
cache: {{strategy: file}}
aws:
  region: {region}
  bucket: {bucket}
  scan_on_push: true
  docker_hub: {{credential: "{credential}"}}
  log_retention_days: {days}
  expire_untagged_days: {days}
  immutable_tags: {immutable}
  tags: {{team: {team}}}
  variables: {{LEVEL: {{value: {team}}}}}
  secrets: {{npm: {{from_env: NPM}}}}
  schedule: {{expression: rate({days} days)}}
  gitlab_jobs: {{project: acme/web, url: "https://{name}.example", audience: {team}, build: {immutable}}}
"""
FIRST = {"days": "7", "immutable": "false", "team": "a"}
OTHER = {"days": "30", "immutable": "true", "team": "b"}
EMPTY = """\
version: 1
name: {name}
cache: {{strategy: registry}}
aws: {{region: {region}, bucket: {bucket}}}
"""


@dataclass(frozen=True, kw_only=True)
class World:
    """A project's checkout, the account, and what runs `sledge` there."""

    aws: Rehearsal
    runs: RunsOfSledge

    def write(self, text: str, **words: str) -> None:
        self.aws.commit(
            "sledge.yaml",
            text.format(name=self.aws.name, region=REGION, bucket=self.aws.bucket, credential=CREDENTIAL, **words),
        )


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An account of its own."""
    with serve() as cloud, rehearse(cloud, tmp_path) as aws:
        environment = {"AWS_ENDPOINT_URL": aws.url, "SLEDGE_FINGERPRINT_KEY": "k", "NPM": "the-first-value", **KEYS}
        with RunsOfSledge(tmp_path, environment) as runs:
            yield World(aws=aws, runs=runs)


def kill_at_every_write(world: World, *argv: str, **values: str) -> frozenset[str]:
    """Runs until one comes to its end, each other killed at a write at which none was killed yet, in turns before and
    after its effect; gives those writes."""
    passing = {BEFORE: frozenset[str](), AFTER: frozenset[str]()}
    for when in itertools.islice(itertools.cycle((BEFORE, AFTER)), MOST_RUNS):
        ended = world.runs.run(*argv, "-p", "aws", when=when, passing=passing[when], values=values)
        if not ended.died_at:
            assert ended.exit_code == 0
            return passing[AFTER]
        assert ended.exit_code == -9
        passing[when] |= {ended.died_at}
    raise AssertionError(f"no run came to its end, the last one not beyond {ended.died_at}")


def assert_settled(world: World, **values: str) -> None:
    """Nothing is to do, and each object is there once."""
    assert world.runs.run("plan", "-p", "aws", values=values).exit_code == 0
    aws = world.aws
    repositories = [one["repositoryName"] for one in aws.client("ecr").describe_repositories()["repositories"]]
    assert sorted(repositories) == [aws.name, f"{aws.name}-cache"]
    iam = aws.client("iam")
    roles = {f"sledge-{aws.name}{kind}-{REGION}" for kind in ("", "-gitlab", "-schedule")}
    assert {role["RoleName"] for role in iam.list_roles()["Roles"]} == roles
    assert len(iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]) == 1
    assert [one["Name"] for one in aws.client("secretsmanager").list_secrets()["SecretList"]] == [f"{aws.name}/npm"]
    assert [one["Name"] for one in aws.client("events").list_rules()["Rules"]] == [f"sledge-{aws.name}"]
    assert aws.client("codebuild").list_projects()["projects"] == [aws.name]
    ecr = aws.client("ecr")
    assert [one["credentialArn"] for one in ecr.describe_pull_through_cache_rules()["pullThroughCacheRules"]] == [
        CREDENTIAL
    ]
    (rule,) = ecr.get_registry_scanning_configuration()["scanningConfiguration"]["rules"]
    assert [one["filter"] for one in rule["repositoryFilters"]] == [f"{aws.name}*"]
    kept = aws.client("s3").get_bucket_lifecycle_configuration(Bucket=aws.bucket)["Rules"]
    assert [one["ID"] for one in kept] == ["sledgehammer-caches"]


def secret(world: World) -> str:
    found = world.aws.client("secretsmanager").get_secret_value(SecretId=f"{world.aws.name}/npm")
    return str(found["SecretString"])


def test_everything_is_made_whatever_write_a_run_was_killed_at(world: World) -> None:
    """Bucket, repositories, roles, secret, log group, archive, project, rule: each once."""
    world.write(FULL, **FIRST)
    assert len(kill_at_every_write(world, "apply")) >= 22
    assert_settled(world)
    assert secret(world) == "the-first-value"


def test_everything_is_changed_whatever_write_a_run_was_killed_at(world: World) -> None:
    """All that can be changed, at once."""
    world.write(FULL, **FIRST)
    assert world.runs.run("apply", "-p", "aws").exit_code == 0
    world.write(FULL, **OTHER)
    assert len(kill_at_every_write(world, "apply", NPM="the-second-value")) >= 15
    assert_settled(world, NPM="the-second-value")
    assert secret(world) == "the-second-value"


def test_what_is_ours_goes_whatever_write_a_run_was_killed_at(world: World) -> None:
    """First what sledge.yaml names no more, then, by a destruction, the rest."""
    world.write(FULL, **FIRST)
    assert world.runs.run("apply", "-p", "aws").exit_code == 0
    world.write(EMPTY)
    assert len(kill_at_every_write(world, "apply")) >= 7
    assert world.runs.run("plan", "-p", "aws").exit_code == 0
    assert len(kill_at_every_write(world, "destroy", "--yes")) >= 8
    assert world.runs.run("destroy", "-p", "aws").exit_code == 0
    assert world.aws.client("iam").list_roles()["Roles"] == []
    assert world.aws.client("ecr").describe_repositories()["repositories"] == []
    assert world.aws.client("s3").list_buckets()["Buckets"] == []
