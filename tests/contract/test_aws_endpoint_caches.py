"""S3 caches of the local CodeBuild: what is carried from build to build, under which key, and that it fails none."""

from collections.abc import Iterator
from typing import Any

import pytest
from aws_account import Account, fresh_account, phases_of, project, refused, spec

SAVES = spec(
    "cat kept/deep/number || echo nothing was restored",
    'mkdir -p kept/deep && echo "$NUMBER" >kept/deep/number && chmod 700 kept/deep/number && echo other >left-behind',
    more="cache: {paths: ['kept/**/*']}\n",
)
KEYED = spec(
    "cat kept/number || echo nothing was restored",
    'mkdir -p kept && echo "$NUMBER" >kept/number',
    more="cache: {key: '${BRANCH}.$NUMBER', fallback-keys: ['${BRANCH}.', 'main.'], paths: ['kept/**/*']}\n",
)


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with fresh_account() as made:
        made.client("s3").create_bucket(
            Bucket="caches", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        yield made


def cached_project(account: Account, buildspec: str, **cache: str) -> str:
    return account.make_project(buildspec, cache={"type": "S3", "location": "caches/team/", **cache})


def run(account: Account, name: str, number: str, *, branch: str = "main", **overrides: Any) -> str:
    """A build with these variables, which must succeed; gives its log."""
    variables = [
        {"name": "NUMBER", "value": number, "type": "PLAINTEXT"},
        {"name": "BRANCH", "value": branch, "type": "PLAINTEXT"},
    ]
    build = account.wait(account.start(name, environmentVariablesOverride=variables, **overrides))
    assert build["buildStatus"] == "SUCCEEDED", account.log(build)
    return account.log(build)


def output(log: str) -> str:
    """The last line that the first command printed."""
    commands = log.split("Running command ")
    return commands[1].splitlines()[-2]  # the last is the time of the next command


def keys(account: Account, prefix: str) -> list[str]:
    found = account.client("s3").list_objects_v2(Bucket="caches", Prefix=prefix)
    return [one["Key"] for one in found.get("Contents", [])]


def test_files_that_the_paths_name_come_back_in_the_next_build(account: Account) -> None:
    """Without a key there is one cache, replaced by every build; modes are kept, other files are not carried."""
    name = cached_project(account, SAVES)
    assert output(run(account, name, "1")) == "nothing was restored"
    assert output(run(account, name, "2")) == "1"
    assert output(run(account, name, "3")) == "2"
    looks = spec("stat -c %a kept/deep/number; ls", more="cache: {action: restore, paths: ['kept/**/*']}\n")
    log = run(account, name, "4", sourceTypeOverride="NO_SOURCE", buildspecOverride=looks)
    assert "\n700\nkept\n" in log
    assert len(keys(account, f"team/{name}/")) == 1


def test_a_key_is_exact_and_a_fallback_key_a_prefix(account: Account) -> None:
    """A branch finds its own earlier cache, else the default branch's, and never one of a name that begins alike."""
    name = cached_project(account, KEYED)
    assert output(run(account, name, "1")) == "nothing was restored"
    assert output(run(account, name, "2")) == "1"
    assert output(run(account, name, "1", branch="main-2")) in ("1", "2")  # main's newest, of times in seconds
    assert output(run(account, name, "9", branch="main-2")) == "1"
    assert output(run(account, name, "3")) in ("1", "2")
    assert output(run(account, name, "2")) == "2"
    assert sorted(key.rpartition("/")[2] for key in keys(account, f"team/{name}/")) == [
        "main-2.1",
        "main-2.9",
        "main.1",
        "main.2",
        "main.3",
    ]


def test_the_cache_of_a_key_is_never_written_again(account: Account) -> None:
    """A second build of one key restores it, and what that build has made of it goes."""
    once = spec("cat kept/it || true", "mkdir -p kept; echo $NUMBER >kept/it", more="cache: {key: k, paths: [kept/it]}")
    name = cached_project(account, once)
    run(account, name, "1")
    assert "Skipping upload: cache k exists" in run(account, name, "2")
    assert output(run(account, name, "3")) == "1"


def test_projects_meet_only_in_a_namespace(account: Account) -> None:
    """Two projects at one location have caches of their own, unless they name the same namespace."""
    for namespace, found in (({}, "nothing was restored"), ({"cacheNamespace": "all"}, "1")):
        run(account, cached_project(account, SAVES, **namespace), "1")
        assert output(run(account, cached_project(account, SAVES, **namespace), "2")) == found


def test_an_invalidated_cache_is_gone(account: Account) -> None:
    """InvalidateProjectCache makes the next build start without one."""
    name = cached_project(account, SAVES)
    run(account, name, "1")
    account.client("codebuild").invalidate_project_cache(projectName=name)
    assert output(run(account, name, "2")) == "nothing was restored"


def test_a_failed_build_saves_no_cache(account: Account) -> None:
    """What a build leaves that went wrong is not carried on."""
    broken = spec("mkdir -p kept; echo 1 >kept/number; false", more="cache: {paths: ['kept/**/*']}\n")
    name = cached_project(account, broken)
    build = account.wait(account.start(name))
    assert build["buildStatus"] == "FAILED"
    assert keys(account, f"team/{name}/") == []


@pytest.mark.parametrize(
    ("cache", "buildspec", "words"),
    [
        ({"location": "no-such-bucket/x"}, SAVES, ["Unable to download cache: ", "Unable to upload cache: "]),
        ({}, spec("true", more="cache: {key: $(no-such-tool), paths: [a]}"), ["Unable to initialize cache", "no-such"]),
        ({}, spec("true", more="cache: {paths: ['nothing/**/*']}"), ["no cache was found", "nothing at nothing/**/*"]),
        ({}, spec("true"), ["no paths specified to be cached"]),
    ],
)
def test_no_failure_of_a_cache_fails_a_build(
    account: Account, cache: dict[str, str], buildspec: str, words: list[str]
) -> None:
    """A bucket that is gone, a key that cannot be evaluated, nothing to save: the log says it, the build goes on."""
    log = run(account, cached_project(account, buildspec, **cache), "1")
    for word in words:
        assert word in log


def test_a_cache_that_is_no_archive_is_passed_over(account: Account) -> None:
    """Whoever else writes into the bucket cannot break the build."""
    name = cached_project(account, SAVES)
    run(account, name, "1")
    [key] = keys(account, f"team/{name}/")
    account.client("s3").put_object(Bucket="caches", Key=key, Body=b"no archive")
    assert "Unable to download cache: " in run(account, name, "2")
    assert output(run(account, name, "3")) == "2"


def test_a_cache_is_restored_before_the_first_phase(account: Account) -> None:
    """INSTALL already finds it; it is saved after POST_BUILD."""
    early = "version: 0.2\nphases:\n  install: {commands: ['cat kept/it || true']}\n"
    late = "  post_build: {commands: ['mkdir -p kept; echo saved late >kept/it']}\ncache: {paths: [kept/it]}\n"
    name = cached_project(account, early + late)
    run(account, name, "1")
    build = account.wait(account.start(name))
    assert "\nsaved late\n" in account.log(build)
    assert set(phases_of(build).values()) == {"SUCCEEDED", ""}


def test_a_docker_server_is_kept_in_the_project_and_not_run(account: Account) -> None:
    """Projects with one can be provisioned; starting a build says what this machine has in its place."""
    name = account.new_name()
    given = project(name, SAVES, account.make_role(name))
    given["environment"]["dockerServer"] = {"computeType": "BUILD_GENERAL1_SMALL"}
    created = account.client("codebuild").create_project(**given)["project"]
    assert created["environment"]["dockerServer"] == {"computeType": "BUILD_GENERAL1_SMALL"}
    with refused("InvalidInputException", "does not run environment.dockerServer", "LOCAL_DOCKER_LAYER_CACHE"):
        account.start(name)
