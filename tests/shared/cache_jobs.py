"""Jobs of one GitLab project on engines that nobody used before, for tests of what a cache does there."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from sledgehammer.operations import BuilderKind
from sledgehammer.outcome import BuiltImage
from sledgehammer.process import LocalProcessRunner
from sledgehammer.project import CacheSettings, Image, Project
from sledgehammer.report import parse_report
from sledgehammer.session import plan_for
from sledgehammer.shell import render_script
from sledgehammer.strategies.file import FOLDER
from sledgehammer_bench.cache.registry import BenchRegistry
from sledgehammer_gitlab.destination import destination_of, ref_slug
from sledgehammer_localstack.config import StackConfig
from sledgehammer_localstack.fresh_engine import Ran, fresh_engine
from sledgehammer_localstack.progress import say_to_stderr
from sledgehammer_localstack.stack.more_images import provide_images

PROCESSES = LocalProcessRunner()

DOCKERFILE = """FROM debian:trixie-slim AS dependencies
COPY lock /lock
RUN sort /lock >/dependencies

FROM dependencies AS build
COPY source /source
RUN cat /dependencies /source >/program

FROM debian:trixie-slim AS package
COPY --from=build /program /program
"""

OLD, NEW = "20.10", "28.5"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A strategy on an engine. `cached` of the 5 steps of the second job are, after a change of `source`."""

    strategy: str
    version: str
    cached: int = 2
    settings: CacheSettings = field(default_factory=CacheSettings)
    says: str = ""

    def __str__(self) -> str:
        return f"{self.strategy}-{self.version}-{self.settings.builder.value}-{self.settings.mode.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Jobs:
    """Jobs of one GitLab project, as its runner would start them."""

    registry: BenchRegistry
    folder: Path
    series: str

    def script(self, case: Case) -> str:
        """What the project's CI file would hold."""
        project = Project(
            name=self.series,
            images=(Image(name=self.series),),
            root=self.folder,
            docker_version=case.version,
            cache=replace(case.settings, strategy=case.strategy),
        )
        return render_script(plan_for(project, destination_of(project, self.path)))

    @property
    def path(self) -> str:
        """The project's path."""
        return f"{self.registry.images.partition('/')[2]}/{self.series}"

    def run(self, stack: StackConfig, case: Case, commit: str, *, branch: str = "main", **more: str) -> Ran:
        """One job on an engine of its own."""
        kept = FOLDER if case.strategy == "file" else ""
        if case.version == NEW or case.settings.builder is BuilderKind.CONTAINER:
            provide_images(stack, ("buildkit",), runner=PROCESSES, say=say_to_stderr)
        with fresh_engine(stack, case.version) as engine:
            variables = self.variables(commit, branch=branch, **more)
            return engine.run(self.script(case), env=variables, folder=self.folder, kept=kept)

    def variables(self, commit: str, *, branch: str = "main", **more: str) -> Mapping[str, str]:
        """Those of a job."""
        return {
            **self.registry.environment(self.series, commit=commit),
            "CI_COMMIT_REF_SLUG": branch,
            "CI_COMMIT_REF_PROTECTED": "true" if branch == "main" else "false",
            "CI_PROJECT_PATH_SLUG": ref_slug(self.path),
            "CI_PIPELINE_ID": commit[1:],
            **more,
        }


def new_jobs(registry: BenchRegistry, folder: Path) -> Jobs:
    """A project of three stages that nothing was ever built of."""
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "lock").write_text("b\na\n")
    (folder / "source").write_text("one\n")
    return Jobs(registry=registry, folder=folder, series=f"p{secrets.token_hex(4)}")


def ran_well(ran: Ran) -> BuiltImage:
    """The one image that a job reported."""
    assert ran.exit_code == 0, ran.output
    (image,) = parse_report(ran.output.splitlines())
    assert "@sha256:" in image.reference
    return image
