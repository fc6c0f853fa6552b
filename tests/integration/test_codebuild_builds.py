"""CodeBuild and ECR of a running stack: builds in privileged containers, pushes over HTTP."""

import io
import json
import uuid
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from sledgehammer.polling import SystemClock, poll_until
from sledgehammer_localstack.aws.codebuild.container_executor import SERVICE_LABEL
from sledgehammer_localstack.config import StackConfig, load_secrets
from sledgehammer_localstack.containers import ContainerEngine

if TYPE_CHECKING:
    from mypy_boto3_codebuild.type_defs import BuildTypeDef

pytestmark = pytest.mark.engine

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "codebuild.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
DOCKERFILE = """FROM debian:trixie-slim AS base
RUN echo inst""alled && echo dependencies > /dependencies
FROM base
COPY message /message
RUN grep -q hello /message
"""
PUSHES = """version: 0.2
env:
  exported-variables: [DIGEST]
phases:
  pre_build:
    commands:
      - aws ecr get-login-password | docker login --username AWS --password-stdin "${REPOSITORY%%/*}"
  build:
    commands:
      - >-
        docker buildx build --progress plain --push --tag "$REPOSITORY:1" --metadata-file /tmp/built.json
        --cache-from "type=registry,ref=$REPOSITORY:cache"
        --cache-to "type=registry,ref=$REPOSITORY:cache,mode=max,image-manifest=true,oci-mediatypes=true" .
      - DIGEST=$(jq -r '."containerimage.digest"' /tmp/built.json)
"""
COPIES = """version: 0.2
phases:
  build:
    commands:
      - aws ecr get-login-password | docker login --username AWS --password-stdin "${REPOSITORY%%/*}"
      - docker buildx imagetools create --tag "$REPOSITORY:copy" debian:trixie-slim
      - docker buildx imagetools inspect "$REPOSITORY:copy" --format 'found {{.Name}}'
"""
ENDED = 600


@dataclass(frozen=True, kw_only=True)
class Account:
    """Clients of the stack's AWS and one project's names."""

    stack: StackConfig
    name: str

    def client(self, service: str) -> Any:
        secrets = load_secrets(self.stack.state_dir)
        return boto3.client(
            service,  # type: ignore[call-overload]
            region_name=self.stack.aws_region,
            endpoint_url=self.stack.aws_url,
            aws_access_key_id=secrets.aws_access_key_id,
            aws_secret_access_key=secrets.aws_secret_access_key.reveal(),
        )

    def make_project(self, buildspec: str, *, source: Mapping[str, str], env: Mapping[str, str], image: str) -> None:
        document = json.dumps(TRUST)
        iam = self.client("iam")
        role = iam.create_role(RoleName=self.name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
        iam.put_role_policy(RoleName=self.name, PolicyName="test", PolicyDocument=json.dumps(EVERYTHING))
        self.client("codebuild").create_project(
            name=self.name,
            source={**source, "buildspec": buildspec},
            artifacts={"type": "NO_ARTIFACTS"},
            environment={
                "type": "LINUX_CONTAINER",
                "image": image,
                "computeType": "BUILD_GENERAL1_SMALL",
                "privilegedMode": True,
                "environmentVariables": [{"name": name, "value": value} for name, value in env.items()],
            },
            serviceRole=role,
        )

    def start(self) -> str:
        return str(self.client("codebuild").start_build(projectName=self.name)["build"]["id"])

    def wait(self, build_id: str, *, until: Callable[["BuildTypeDef"], bool]) -> "BuildTypeDef":
        codebuild = self.client("codebuild")
        build: BuildTypeDef = poll_until(
            lambda: codebuild.batch_get_builds(ids=[build_id])["builds"][0],
            what=f"build {build_id}",
            is_final=until,
            interval_s=1,
            deadline_s=ENDED,
            clock=SystemClock(),
        )
        return build

    def log(self, build: "BuildTypeDef") -> str:
        logs, place = self.client("logs"), build["logs"]
        page = logs.get_log_events(
            logGroupName=place["groupName"], logStreamName=place["streamName"], startFromHead=True
        )
        return "".join(event["message"] for event in page["events"])

    def finish(self) -> tuple["BuildTypeDef", str]:
        build = self.wait(self.start(), until=lambda build: build["buildComplete"])
        return build, self.log(build)


STANDARD = "aws/codebuild/standard:7.0"


@pytest.fixture
def account(stack: StackConfig) -> Account:
    return Account(stack=stack, name=f"it-{uuid.uuid4().hex[:10]}")


def zipped(files: Mapping[str, str]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return content.getvalue()


def put_source(account: Account, files: Mapping[str, str]) -> dict[str, str]:
    s3 = account.client("s3")
    s3.create_bucket(Bucket=account.name, CreateBucketConfiguration={"LocationConstraint": account.stack.aws_region})
    s3.put_object(Bucket=account.name, Key="source.zip", Body=zipped(files))
    return {"type": "S3", "location": f"{account.name}/source.zip"}


def test_build_pushes_image_and_cache_to_ecr(account: Account) -> None:
    """A build logs in with its role, pushes image and cache to ECR, and a build after it takes its steps from there."""
    ecr = account.client("ecr")
    repository = ecr.create_repository(repositoryName=account.name)["repository"]["repositoryUri"]
    source = put_source(account, {"Dockerfile": DOCKERFILE, "message": "hello\n"})
    account.make_project(PUSHES, source=source, env={"REPOSITORY": repository}, image=STANDARD)
    build, log = account.finish()
    assert build["buildStatus"] == "SUCCEEDED", log
    assert log.count(" installed\n") == 1
    images = ecr.describe_images(repositoryName=account.name)["imageDetails"]
    digests = {tag: image["imageDigest"] for image in images for tag in image.get("imageTags", [])}
    assert set(digests) == {"1", "cache"}
    assert build["exportedEnvironmentVariables"] == [{"name": "DIGEST", "value": digests["1"]}]
    put_again = zipped({"Dockerfile": DOCKERFILE, "message": "hello again\n"})
    account.client("s3").put_object(Bucket=account.name, Key="source.zip", Body=put_again)
    again, log = account.finish()
    assert again["buildStatus"] == "SUCCEEDED", log
    # BuildKit prints DONE, not CACHED, for a cached step whose layer it had to fetch: only what ran has an output.
    assert " installed\n" not in log


def test_registries_are_reached_by_buildx_itself(account: Account) -> None:
    """Buildx asks no engine for `imagetools`: in a build it finds ECR over plain HTTP and Docker Hub's mirror."""
    ecr = account.client("ecr")
    repository = ecr.create_repository(repositoryName=account.name)["repository"]["repositoryUri"]
    account.make_project(COPIES, source={"type": "NO_SOURCE"}, env={"REPOSITORY": repository}, image=STANDARD)
    build, log = account.finish()
    assert build["buildStatus"] == "SUCCEEDED", log
    assert f"found {repository}:copy" in log


def test_broken_dockerfile_fails_the_build_phase(account: Account) -> None:
    """A Dockerfile step that fails ends as a FAILED build whose BUILD phase names the command."""
    source = put_source(account, {"Dockerfile": DOCKERFILE, "message": "goodbye\n"})
    spec = "version: 0.2\nphases:\n  build:\n    commands:\n      - docker build .\n"
    account.make_project(spec, source=source, env={}, image=STANDARD)
    build, log = account.finish()
    assert build["buildStatus"] == "FAILED", log
    phases = {phase["phaseType"]: phase for phase in build["phases"]}
    assert phases["BUILD"]["contexts"][0] == {
        "statusCode": "COMMAND_EXECUTION_ERROR",
        "message": "Error while executing command: docker build .. Reason: exit status 1",
    }
    assert "grep -q hello" in log


def test_stop_removes_the_container(account: Account) -> None:
    """StopBuild ends a running build at once and leaves no container behind."""
    spec = "version: 0.2\nphases:\n  build:\n    commands:\n      - echo waiting\n      - sleep 600\n"
    account.make_project(spec, source={"type": "NO_SOURCE"}, env={}, image=STANDARD)
    build_id = account.start()
    account.wait(build_id, until=lambda build: build["currentPhase"] == "BUILD")
    account.client("codebuild").stop_build(id=build_id)
    build = account.wait(build_id, until=lambda build: build["buildComplete"])
    assert build["buildStatus"] == "STOPPED"
    engine = ContainerEngine(account.stack.docker_host)
    running = engine.list_containers(label=f"{SERVICE_LABEL}={account.stack.name}")
    assert running == ()


def test_image_that_is_nowhere(account: Account) -> None:
    """A build whose image cannot be pulled fails while it is provisioned, and says which image."""
    spec = "version: 0.2\nphases:\n  build:\n    commands:\n      - echo never\n"
    image = f"{account.stack.registry_address}/no/such/image:1"
    account.make_project(spec, source={"type": "NO_SOURCE"}, env={}, image=image)
    build, _ = account.finish()
    assert build["buildStatus"] == "FAILED"
    [context] = [phase["contexts"][0] for phase in build["phases"] if phase["phaseType"] == "PROVISIONING"]
    assert context["statusCode"] == "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE"
    assert image in context["message"]
