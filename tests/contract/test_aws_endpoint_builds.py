import io
import json
import sys
import zipfile
from collections.abc import Iterator, Mapping

import pytest
from aws_account import Account, context_of, fresh_account, phases_of, refused, spec

from sledgehammer_localstack.aws.settings import AwsSettings

ECHO = spec("echo built")
WAITS = spec("echo waiting; while :; do read -r x </dev/zero; done")
ALL_PHASES = [
    "SUBMITTED",
    "QUEUED",
    "PROVISIONING",
    "DOWNLOAD_SOURCE",
    "INSTALL",
    "PRE_BUILD",
    "BUILD",
    "POST_BUILD",
    "UPLOAD_ARTIFACTS",
    "FINALIZING",
    "COMPLETED",
]


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with fresh_account() as made:
        made.client("s3").create_bucket(
            Bucket="sources", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        yield made


def put_zip(account: Account, key: str, files: Mapping[str, str]) -> dict[str, str]:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    account.client("s3").put_object(Bucket="sources", Key=key, Body=content.getvalue())
    return {"type": "S3", "location": f"sources/{key}"}


def env(*entries: tuple[str, str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value, "type": kind} for name, value, kind in entries]


def test_a_build_that_succeeds(account: Account) -> None:
    """A build goes through every phase with honest times, and its log is in its project's group."""
    build = account.run(spec("echo built"))
    assert build["buildStatus"] == "SUCCEEDED"
    assert list(phases_of(build)) == ALL_PHASES
    assert set(phases_of(build).values()) == {"SUCCEEDED", ""}
    times = {phase["phaseType"]: phase for phase in build["phases"]}
    assert times["INSTALL"]["endTime"] <= times["BUILD"]["startTime"] < times["BUILD"]["endTime"] <= build["endTime"]
    assert build["logs"]["groupName"] == f"/aws/codebuild/{build['projectName']}"
    assert build["id"] == f"{build['projectName']}:{build['logs']['streamName']}"
    log = account.log(build)
    assert "Running command echo built\nbuilt\n" in log
    assert "Phase complete: BUILD State: SUCCEEDED" in log


def test_a_build_that_fails(account: Account) -> None:
    """A failed command fails its phase with CodeBuild's code and words; POST_BUILD still runs, told so."""
    build = account.run(spec("echo out; exit 7", more='  post_build: {commands: ["echo $CODEBUILD_BUILD_SUCCEEDING"]}'))
    assert build["buildStatus"] == "FAILED"
    assert phases_of(build)["BUILD"] == "FAILED"
    assert phases_of(build)["POST_BUILD"] == "SUCCEEDED"
    message = "Error while executing command: echo out; exit 7. Reason: exit status 7"
    assert context_of(build, "BUILD") == ("COMMAND_EXECUTION_ERROR", message)
    assert "Running command echo $CODEBUILD_BUILD_SUCCEEDING\n0\n" in account.log(build)


def test_a_failed_install_ends_the_build(account: Account) -> None:
    """Nothing but FINALIZING follows a failed INSTALL."""
    build = account.run("version: 0.2\nphases:\n  install: {commands: ['false']}\n  build: {commands: ['echo']}\n")
    assert list(phases_of(build)) == [*ALL_PHASES[:5], "FINALIZING", "COMPLETED"]


def test_finally_and_continue(account: Account) -> None:
    """`finally` runs after the failure, `on-failure: CONTINUE` goes on, and the build has failed all the same."""
    build = account.run(
        "version: 0.2\nphases:\n"
        "  pre_build: {commands: ['false'], finally: [echo cleaned], on-failure: CONTINUE}\n"
        "  build: {commands: [echo went on]}\n"
    )
    assert build["buildStatus"] == "FAILED"
    assert phases_of(build)["BUILD"] == "SUCCEEDED"
    assert "cleaned\n" in account.log(build)


@pytest.mark.parametrize(
    ("buildspec", "words"),
    [
        ("version: 0.2\nphases:\n  build:\n    cmds: [x]\n", "unknown key cmds in phases.build"),
        ("version: 0.2\nphases:\n  build: [\n", "at line"),
        ("version: 0.2\nreports: {}\nphases: {build: {commands: [x]}}\n", "does not run `reports`"),
    ],
)
def test_a_wrong_buildspec(account: Account, buildspec: str, words: str) -> None:
    """A buildspec that cannot be run fails DOWNLOAD_SOURCE with YAML_FILE_ERROR and the place."""
    build = account.run(buildspec)
    assert build["buildStatus"] == "FAILED"
    code, message = context_of(build, "DOWNLOAD_SOURCE")
    assert code == "YAML_FILE_ERROR"
    assert words in message
    assert "INSTALL" not in phases_of(build)


def test_source_from_s3(account: Account) -> None:
    """The source is unpacked where the commands run; its own buildspec is found there, at a path of choice too."""
    files = {"buildspec.yml": spec("cat a/b.txt"), "ci/other.yml": spec("echo other"), "a/b.txt": "content\n"}
    source = put_zip(account, "s1.zip", files)
    name = account.make_project("", source=source)
    assert "\ncontent\n" in account.log(account.wait(account.start(name)))
    assert "\nother\n" in account.log(account.wait(account.start(name, buildspecOverride="ci/other.yml")))
    build = account.wait(account.start(name, buildspecOverride="ci/none.yml"))
    assert context_of(build, "DOWNLOAD_SOURCE") == ("YAML_FILE_ERROR", "YAML file does not exist: ci/none.yml")
    build = account.wait(account.start(name, sourceLocationOverride="sources/none.zip"))
    code, message = context_of(build, "DOWNLOAD_SOURCE")
    assert code == "CLIENT_ERROR"
    assert "s3://sources/none.zip" in message


def test_source_version(account: Account) -> None:
    """`sourceVersion` picks an object's version and comes back as the resolved one."""
    s3 = account.client("s3")
    s3.create_bucket(Bucket="versions", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
    versions = []
    for word in ("first", "second"):
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr("word", word)
        versions.append(s3.put_object(Bucket="versions", Key="s.zip", Body=content.getvalue())["VersionId"])
    source = {"type": "S3", "location": "versions/s.zip", "buildspec": spec("echo it is $(cat word)")}
    name = account.make_project("", source=source)
    build = account.wait(account.start(name, sourceVersion=versions[0]))
    assert "it is first" in account.log(build)
    assert build["resolvedSourceVersion"] == versions[0]
    assert account.wait(account.start(name))["resolvedSourceVersion"] == versions[1]


def test_environment_and_its_precedence(account: Account) -> None:
    """StartBuild's variables win over the project's, those over the buildspec's; CODEBUILD_* say who and where."""
    text = "version: 0.2\nenv:\n  variables: {A: spec, B: spec, C: spec}\n  exported-variables: [D]\n" + spec(
        "export D=$A-$B-$C; echo $CODEBUILD_BUILD_ID $CODEBUILD_SRC_DIR=$PWD $CODEBUILD_BUILD_NUMBER $AWS_REGION"
    ).removeprefix("version: 0.2\n")
    environment = {
        "type": "LINUX_CONTAINER",
        "image": "x",
        "computeType": "BUILD_GENERAL1_SMALL",
        "environmentVariables": env(("B", "project", "PLAINTEXT"), ("C", "project", "PLAINTEXT")),
    }
    name = account.make_project(text, environment=environment)
    build = account.wait(account.start(name, environmentVariablesOverride=env(("C", "start", "PLAINTEXT"))))
    assert build["exportedEnvironmentVariables"] == [{"name": "D", "value": "spec-project-start"}]
    [line] = [line for line in account.log(build).splitlines() if line.startswith(build["id"])]
    _, places, number, region = line.split()
    assert len(set(places.split("="))) == 1
    assert (number, region) == ("1", "eu-central-1")


def test_secrets_reach_commands_and_not_the_log(account: Account) -> None:
    """Parameters and secrets are in the environment, by key of a JSON secret too; the log shows `***`."""
    account.client("ssm").put_parameter(Name="/team/word", Value="parameter-text", Type="SecureString")
    secret = json.dumps({"password": "secret-text"})
    account.client("secretsmanager").create_secret(Name="team/login", SecretString=secret)
    text = 'version: 0.2\nenv:\n  secrets-manager: {P: "team/login:password"}\n' + spec(
        '[ "$P$Q" = secret-textparameter-text ]', "echo p=$P q=$Q"
    ).removeprefix("version: 0.2\n")
    name = account.make_project(text)
    variables = env(("Q", "/team/word", "PARAMETER_STORE"))
    build = account.wait(account.start(name, environmentVariablesOverride=variables))
    assert build["buildStatus"] == "SUCCEEDED"
    assert "p=*** q=***\n" in account.log(build)
    assert "-text" not in account.log(build).replace("secret-textparameter-text", "")


@pytest.mark.parametrize(
    ("kind", "value", "code"),
    [
        ("PARAMETER_STORE", "/none", "Decrypted Variables Error"),
        ("SECRETS_MANAGER", "none", "Secrets Manager Error"),
    ],
)
def test_missing_secrets_fail_the_build(account: Account, kind: str, value: str, code: str) -> None:
    """A variable whose parameter or secret is not there fails DOWNLOAD_SOURCE and names it."""
    name = account.make_project(ECHO)
    build = account.wait(account.start(name, environmentVariablesOverride=env(("A", value, kind))))
    found, message = context_of(build, "DOWNLOAD_SOURCE")
    assert found == code
    assert value in message


def test_role_credentials_work_inside(account: Account) -> None:
    """The build's own credentials are those of its service role, at this endpoint."""
    identity = f"{sys.executable} -c \"import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])\""
    build = account.run(spec(identity))
    assert f"assumed-role/{build['projectName']}/AWSCodeBuild-" in account.log(build)


def test_artifacts(account: Account) -> None:
    """The files that the buildspec names are put into S3 as a zip; none at all is the user's error."""
    more = "artifacts:\n  base-directory: out\n  files: ['**/*.txt']\n  exclude-paths: [skip.txt]\n"
    text = spec("mkdir -p out/d; echo a >out/a.txt; echo b >out/d/b.txt; touch out/skip.txt out/c.bin", more=more)
    artifacts = {"type": "S3", "location": "sources", "path": "made", "name": "all.zip", "packaging": "ZIP"}
    build = account.run(text, artifacts=artifacts)
    assert build["artifacts"]["location"] == "arn:aws:s3:::sources/made/all.zip"
    content = account.client("s3").get_object(Bucket="sources", Key="made/all.zip")["Body"].read()
    assert sorted(zipfile.ZipFile(io.BytesIO(content)).namelist()) == ["a.txt", "d/b.txt"]
    build = account.run(spec("mkdir out", more=more), artifacts=artifacts)
    code, message = context_of(build, "UPLOAD_ARTIFACTS")
    assert code == "CLIENT_ERROR"
    assert "no matching artifact paths found" in message


def test_log_settings(account: Account) -> None:
    """Group and stream are the project's choice; switched off, the build has no log."""
    logs = {"cloudWatchLogs": {"status": "ENABLED", "groupName": "fleet", "streamName": "web"}}
    build = account.run(ECHO, logsConfig=logs)
    assert build["logs"]["groupName"] == "fleet"
    assert build["logs"]["streamName"].startswith("web/")
    assert "built\n" in account.log(build)
    build = account.run(ECHO, logsConfig={"cloudWatchLogs": {"status": "DISABLED"}})
    assert build["buildStatus"] == "SUCCEEDED"
    assert "groupName" not in build["logs"]


def test_the_log_comes_while_the_build_runs(account: Account) -> None:
    """Lines of a command that still runs can be read; StopBuild then ends it as STOPPED."""
    build_id = account.start(account.make_project(WAITS))
    build = account.wait(build_id, lambda build: build["currentPhase"] == "BUILD")
    assert not build["buildComplete"]
    assert phases_of(build)["BUILD"] == ""
    logs = account.client("logs")
    place = {"logGroupName": build["logs"]["groupName"], "logStreamName": build["logs"]["streamName"]}
    account.wait(
        build_id,
        lambda _: any(event["message"] == "waiting\n" for event in logs.get_log_events(**place)["events"]),
    )
    account.client("codebuild").stop_build(id=build_id)
    build = account.wait(build_id)
    assert build["buildStatus"] == "STOPPED"
    assert phases_of(build)["BUILD"] == "STOPPED"
    assert "POST_BUILD" not in phases_of(build)
    assert account.client("codebuild").stop_build(id=build_id)["build"]["buildStatus"] == "STOPPED"


def test_idempotency_token(account: Account) -> None:
    """One token starts one build for five minutes; with other parameters it is a mismatch."""
    codebuild = account.client("codebuild")
    name = account.make_project(ECHO)
    first = account.start(name, idempotencyToken="t1")
    assert account.start(name, idempotencyToken="t1") == first
    with refused("InvalidInputException", "parameter mismatch"):
        account.start(name, idempotencyToken="t1", sourceVersion="other")
    account.clock_s[0] += 301
    assert account.start(name, idempotencyToken="t1") != first
    assert len(codebuild.list_builds_for_project(projectName=name)["ids"]) == 2


def test_retry_repeats_the_build(account: Account) -> None:
    """RetryBuild starts a new build with the settings the old one had, overrides included."""
    name = account.make_project(ECHO)
    first = account.wait(account.start(name, environmentVariablesOverride=env(("A", "1", "PLAINTEXT"))))
    again = account.client("codebuild").retry_build(id=first["id"])["build"]
    assert again["buildNumber"] == first["buildNumber"] + 1
    assert again["environment"] == first["environment"]
    with refused("ResourceNotFoundException", "none:0"):
        account.client("codebuild").retry_build(id="none:0")


def test_automatic_retries(account: Account) -> None:
    """A failed build of a project with autoRetryLimit starts its successors, linked both ways."""
    name = account.make_project(spec("false"), autoRetryLimit=1)
    first = account.wait(account.start(name), lambda build: "nextAutoRetry" in build["autoRetryConfig"])
    second = account.wait(first["autoRetryConfig"]["nextAutoRetry"])
    config = {"autoRetryLimit": 1, "autoRetryNumber": 1, "previousAutoRetry": first["arn"]}
    assert second["autoRetryConfig"] == config
    assert len(account.client("codebuild").list_builds_for_project(projectName=name)["ids"]) == 2


def test_lists_and_deletion(account: Account) -> None:
    """Builds are listed newest first; unknown ids are named; a deleted build is gone."""
    codebuild = account.client("codebuild")
    name = account.make_project(ECHO)
    ids = [account.wait(account.start(name))["id"] for _ in range(2)]
    assert codebuild.list_builds_for_project(projectName=name)["ids"] == ids[::-1]
    assert codebuild.list_builds_for_project(projectName=name, sortOrder="ASCENDING")["ids"] == ids
    assert codebuild.list_builds()["ids"][:2] == ids[::-1]
    answer = codebuild.batch_get_builds(ids=[*ids, f"{name}:none"])
    assert [build["id"] for build in answer["builds"]] == ids
    assert answer["buildsNotFound"] == [f"{name}:none"]
    gone = codebuild.batch_delete_builds(ids=[ids[0], f"{name}:none"])
    assert gone["buildsDeleted"] == [answer["builds"][0]["arn"]]
    assert gone["buildsNotDeleted"] == [{"id": f"{name}:none", "statusCode": "BUILD_DOES_NOT_EXIST"}]
    assert codebuild.list_builds_for_project(projectName=name)["ids"] == ids[1:]
    with refused("InvalidInputException", "101 member(s)"):
        codebuild.batch_get_builds(ids=[f"{name}:{number}" for number in range(101)])
    with refused("ResourceNotFoundException", "no-such"):
        codebuild.start_build(projectName="no-such")


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ({"sourceTypeOverride": "GITHUB", "sourceLocationOverride": "https://x"}, "source type GITHUB"),
        ({"environmentTypeOverride": "WINDOWS_SERVER_2022_CONTAINER"}, "environment type WINDOWS"),
        ({"logsConfigOverride": {"s3Logs": {"status": "ENABLED", "location": "b"}}}, "logs to S3"),
        ({"debugSessionEnabled": True}, "debug sessions"),
    ],
)
def test_what_cannot_run_here_is_refused(account: Account, override: dict[str, object], words: str) -> None:
    """A setting that this machine cannot honour refuses the build instead of being passed over."""
    name = account.make_project(ECHO)
    with refused("InvalidInputException", "the local CodeBuild does not run", words):
        account.start(name, **override)


def test_project_limit(account: Account) -> None:
    """A project's own limit of concurrent builds refuses one more."""
    name = account.make_project(WAITS, concurrentBuildLimit=1)
    build_id = account.start(name)
    with refused("AccountLimitExceededException", "more than 1 active builds"):
        account.start(name)
    account.client("codebuild").stop_build(id=build_id)
    account.wait(build_id)


def test_queue() -> None:
    """With one slot the next builds wait, five of them at most; one that waits can be stopped, then others start."""
    with fresh_account(AwsSettings(builds_at_once=1)) as account:
        name = account.make_project(WAITS)
        running = account.start(name)
        queued = [account.start(name) for _ in range(5)]
        with refused("AccountLimitExceededException", "more than 5 builds in queue"):
            account.start(name)
        assert account.build(queued[0])["currentPhase"] == "QUEUED"
        account.client("codebuild").stop_build(id=queued[0])
        stopped = account.wait(queued[0])
        assert list(phases_of(stopped)) == ["SUBMITTED", "QUEUED", "COMPLETED"]
        assert stopped["buildStatus"] == "STOPPED"
        account.client("codebuild").stop_build(id=running)
        account.wait(queued[1], lambda build: build["currentPhase"] == "BUILD")


def test_timeouts() -> None:
    """A build that runs too long, or waits too long, ends as TIMED_OUT in the phase where its time ran out."""
    with fresh_account(AwsSettings(builds_at_once=1, minute_s=0.05)) as account:
        blocking = account.start(account.make_project(WAITS, timeoutInMinutes=2160))
        impatient = account.wait(account.start(account.make_project(WAITS, queuedTimeoutInMinutes=5)))
        assert impatient["buildStatus"] == "TIMED_OUT"
        assert context_of(impatient, "QUEUED")[0] == "BUILD_TIMED_OUT"
        account.client("codebuild").stop_build(id=blocking)
        late = account.run(WAITS, timeoutInMinutes=10)
        assert late["buildStatus"] == "TIMED_OUT"
        [phase] = [name for name, status in phases_of(late).items() if status == "TIMED_OUT"]
        assert context_of(late, phase) == ("BUILD_TIMED_OUT", "Build has timed out.")
