"""The cache strategies that CodeBuild itself carries, from sledge.yaml to cached steps in a second build."""

import subprocess
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from sledgehammer.outcome import BuiltImage, Outcome
from sledgehammer.session import Session, open_session
from sledgehammer_localstack.aws.codebuild.layer_volumes import LAYERS_LABEL
from sledgehammer_localstack.config import StackConfig, load_secrets
from sledgehammer_localstack.containers import ContainerEngine

pytestmark = pytest.mark.engine

DOCKERFILE = """FROM debian:trixie-slim AS build
WORKDIR /app
COPY package.json ./
RUN cp package.json dependencies
COPY server.js ./

FROM debian:trixie-slim AS package
WORKDIR /app
COPY --from=build /app ./
"""
STEPS = 5  # both stages begin with the same WORKDIR
CACHED = 3  # all but the source and what copies it


@dataclass(frozen=True, kw_only=True)
class Work:
    """A checkout of one project on the stack."""

    folder: Path
    variables: Mapping[str, str]
    name: str

    def git(self, *argv: str) -> None:
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        subprocess.run(["git", *identity, *argv], cwd=self.folder, check=True, stdout=subprocess.DEVNULL)

    def commit(self, server: str) -> None:
        (self.folder / "server.js").write_text(server)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "change")

    def branch(self, name: str) -> None:
        self.git("checkout", "--quiet", "-b", name)

    def session(self) -> Session:
        return open_session(self.folder, "aws", variables=self.variables)

    def build(self, log: list[str]) -> BuiltImage:
        """Apply what is committed and build it."""
        self.session().apply()
        outcome: Outcome = self.session().run(on_log=log.append)
        (image,) = outcome.images
        return image


@pytest.fixture
def work(stack: StackConfig, tmp_path: Path) -> Work:
    secrets = load_secrets(stack.state_dir)
    variables = {
        "AWS_ENDPOINT_URL": stack.aws_url,
        "AWS_DEFAULT_REGION": stack.aws_region,
        "AWS_ACCESS_KEY_ID": secrets.aws_access_key_id,
        "AWS_SECRET_ACCESS_KEY": secrets.aws_secret_access_key.reveal(),
    }
    made = Work(folder=tmp_path, variables=variables, name=f"it-{uuid.uuid4().hex[:10]}")
    made.git("init", "--quiet", "--initial-branch", "main")
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    (tmp_path / "package.json").write_text("{}\n")
    return made


def configure(work: Work, strategy: str) -> None:
    settings = f'version: 1\nname: {work.name}\ndocker: "26.1"\ncache: {{strategy: {strategy}}}\naws: {{}}\n'
    (work.folder / "sledge.yaml").write_text(settings)


def said(log: list[str], words: str) -> list[str]:
    return [line for line in log if words in line]


def test_a_folder_is_carried_from_commit_to_commit_and_from_branch_to_branch(work: Work) -> None:
    """Strategy file: a change of source leaves the dependencies cached, on a new branch too; CodeBuild's log says what
    it carried."""
    configure(work, "file")
    work.commit("first")
    cold, warm, other = list[str](), list[str](), list[str]()
    assert work.build(cold).cached_steps == 0
    assert said(cold, "file cache written in")
    assert said(cold, "Uploaded S3 cache sledge-main.")
    work.commit("second")
    image = work.build(warm)
    assert said(warm, "Downloading S3 cache sledge-main.")
    assert (image.cached_steps, image.total_steps) == (CACHED, STEPS), "\n".join(warm)
    work.branch("topic")
    work.commit("third")
    assert work.build(other).cached_steps == CACHED
    assert said(other, "Uploaded S3 cache sledge-topic.")


def test_a_host_keeps_a_projects_layers_for_one_build_at_a_time(work: Work, stack: StackConfig) -> None:
    """Strategy codebuild-local: a change of source leaves the dependencies cached, a project's first build does not; of
    two builds at once the second starts cold, as on another host."""
    configure(work, "codebuild-local")
    work.commit("first")
    cold, warm = list[str](), list[str]()
    assert work.build(cold).cached_steps == 0
    work.commit("second")
    image = work.build(warm)
    assert (image.cached_steps, image.total_steps) == (CACHED, STEPS), "\n".join(warm)
    volumes = ContainerEngine(stack.docker_host).list_volumes(label=f"{LAYERS_LABEL}={stack.name}")
    assert len([name for name in volumes if work.name in name]) == 2
    with ThreadPoolExecutor(2) as both:
        runs = [both.submit(work.session().run, rebuild=True) for _ in range(2)]
        cached = sorted(run.result().images[0].cached_steps for run in runs)
    assert cached == [0, STEPS]
