"""Every cache strategy hits: two jobs on two engines that nobody used before, on the oldest and the newest of them."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from sledgehammer.operations import BuilderKind
from sledgehammer.outcome import BuiltImage
from sledgehammer.process import LocalProcessRunner
from sledgehammer.project import CacheMode, CacheSettings, Image, Project
from sledgehammer.report import parse_report
from sledgehammer.session import plan_for
from sledgehammer.shell import render_script
from sledgehammer.strategies.file import FOLDER
from sledgehammer_bench.cache.registry import BenchRegistry, open_registry
from sledgehammer_gitlab.destination import destination_of, ref_slug
from sledgehammer_localstack.config import StackConfig
from sledgehammer_localstack.fresh_engine import Ran, fresh_engine
from sledgehammer_localstack.progress import say_to_stderr
from sledgehammer_localstack.stack.more_images import provide_images

pytestmark = pytest.mark.engine

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


OLD, NEW = "20.10", "28.5"


def on_request(case: Case) -> ParameterSet:
    """Where images are made on request, or another case shows nearly the same."""
    return pytest.param(case, marks=pytest.mark.on_request)


CLASSIC = CacheSettings(builder=BuilderKind.CLASSIC)
CASES = (
    Case(strategy="registry", version="26.1"),
    on_request(Case(strategy="registry", version=NEW)),
    on_request(Case(strategy="registry", version="26.1", cached=0, settings=CacheSettings(mode=CacheMode.MIN))),
    Case(strategy="per-stage", version=OLD, settings=CLASSIC),
    on_request(Case(strategy="per-stage", version=NEW)),
    Case(strategy="file", version=OLD),
    Case(strategy="file", version="26.1"),
    on_request(Case(strategy="file", version=NEW)),
    Case(strategy="auto", version=OLD, says="cache strategy per-stage, for the builder of Docker 20.10 cannot"),
    on_request(Case(strategy="none", version="26.1", cached=0)),
)


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
        if case.version == NEW:
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


@pytest.fixture(scope="module")
def registry(stack: StackConfig) -> BenchRegistry:
    """Of the stack's GitLab."""
    return open_registry(stack)


@pytest.fixture
def jobs(registry: BenchRegistry, tmp_path: Path) -> Jobs:
    """A project of three stages that nothing was ever built of."""
    series = f"p{secrets.token_hex(4)}"
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    (tmp_path / "lock").write_text("b\na\n")
    (tmp_path / "source").write_text("one\n")
    return Jobs(registry=registry, folder=tmp_path, series=series)


def ran_well(ran: Ran) -> BuiltImage:
    """The one image that a job reported."""
    assert ran.exit_code == 0, ran.output
    (image,) = parse_report(ran.output.splitlines())
    assert "@sha256:" in image.reference
    return image


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_second_job_finds_the_first_ones_layers(stack: StackConfig, jobs: Jobs, case: Case) -> None:
    """The engine of the first job is gone; what depends on the changed source runs again, and nothing else."""
    cold = jobs.run(stack, case, "c1")
    assert ran_well(cold).cached_steps == 0
    assert case.says in cold.output
    (jobs.folder / "source").write_text("two\n")

    warm = jobs.run(stack, case, "c2")

    image = ran_well(warm)
    assert (image.cached_steps, image.total_steps) == (case.cached, 5), warm.output


@pytest.mark.parametrize("version", [OLD, pytest.param(NEW, marks=pytest.mark.on_request)])
def test_an_inline_cache_hits_when_nothing_changed(stack: StackConfig, jobs: Jobs, version: str) -> None:
    """It holds the final stage's layers alone, and knows the others' steps: all are cached, or those of one stage."""
    case = Case(strategy="inline", version=version)
    jobs.run(stack, case, "c1")

    again = jobs.run(stack, case, "c2", SLEDGE_NO_SKIP="true")
    (jobs.folder / "source").write_text("two\n")
    changed = jobs.run(stack, case, "c3")

    image = ran_well(again)
    assert (image.cached_steps, image.total_steps) == (5, 5), again.output
    assert ran_well(changed).cached_steps == 0, changed.output


def test_what_was_built_is_not_built_again(stack: StackConfig, jobs: Jobs) -> None:
    """The job needs no engine then: where none answers, the tag is made all the same, and the image is the same."""
    case = Case(strategy="registry", version="26.1")
    first = ran_well(jobs.run(stack, case, "c1"))

    with fresh_engine(stack, case.version) as engine:
        nobody = jobs.variables("c2", DOCKER_HOST="tcp://docker:2376")  # that is, over TLS: nobody listens there
        again = engine.run(jobs.script(case), env=nobody, folder=jobs.folder)

    image = ran_well(again)
    assert image.is_reused, again.output
    assert image.reference.partition("@")[0] == first.reference.partition("@")[0]


def test_branches_write_their_own_refs(stack: StackConfig, jobs: Jobs) -> None:
    """A branch reads the default branch's cache; what it writes, the default branch does not read."""
    case = Case(strategy="registry", version="26.1")
    jobs.run(stack, case, "c1")
    (jobs.folder / "source").write_text("two\n")

    topic = jobs.run(stack, case, "c2", branch="topic")
    assert ran_well(topic).cached_steps == 2
    assert "registry cache written" in topic.output

    main = jobs.run(stack, case, "c3")
    assert not ran_well(main).is_reused
    assert ran_well(main).cached_steps == 2, main.output
    third = jobs.run(stack, case, "c4", branch="topic", SLEDGE_NO_SKIP="true")
    assert ran_well(third).cached_steps == 5, third.output
    assert "registry cache not written: every step was cached" in third.output


@pytest.mark.parametrize(
    "case",
    [
        Case(strategy="per-stage", version=OLD),
        on_request(Case(strategy="per-stage", version=OLD, settings=CLASSIC)),
        on_request(Case(strategy="per-stage", version=NEW)),
    ],
    ids=str,
)
def test_branches_share_a_stage_of_equal_content(stack: StackConfig, jobs: Jobs, case: Case) -> None:
    """Neither the branch nor the default branch has ever been built: the dependencies are found by their own content,
    but not as a branch wrote them that nobody protects."""
    stray = jobs.run(stack, case, "c1", branch="stray")
    assert ran_well(stray).cached_steps == 0
    assert "stage dependencies written" in stray.output

    release = jobs.run(stack, case, "c2", branch="release", CI_COMMIT_REF_PROTECTED="true")
    assert ran_well(release).cached_steps == 0, release.output

    (jobs.folder / "source").write_text("two\n")
    topic = jobs.run(stack, case, "c3", branch="topic")
    image = ran_well(topic)
    assert (image.cached_steps, image.total_steps) == (2, 5), topic.output
    assert "stage dependencies not written" in topic.output
    assert "stage build written" in topic.output


@pytest.mark.on_request
@pytest.mark.parametrize(
    "case",
    [
        Case(strategy="per-stage", version=OLD),
        Case(strategy="per-stage", version=OLD, settings=CLASSIC),
        Case(strategy="per-stage", version=NEW),
    ],
    ids=str,
)
def test_per_stage_hits_generation_after_generation(stack: StackConfig, jobs: Jobs, case: Case) -> None:
    """What was itself built from a cache is one; a lock file that comes back finds its dependencies by content, which
    the branch's own ref has lost."""
    first, last = {"lock": "b\na\n", "source": "1"}, {"lock": "b\na\n", "source": "5"}
    changes = (first, {"source": "2"}, {"source": "2"}, {"source": "3"}, {"lock": "c\n"}, {"source": "4"}, last)
    cached = []
    for number, change in enumerate(changes, start=1):
        for name, content in change.items():
            (jobs.folder / name).write_text(content)
        cached.append(ran_well(jobs.run(stack, case, f"c{number}", SLEDGE_NO_SKIP="true")).cached_steps)

    assert cached == [0, 2, 5, 2, 0, 2, 2]


@pytest.mark.on_request
def test_an_inline_cache_hits_in_its_third_generation(stack: StackConfig, jobs: Jobs) -> None:
    """On Docker 20.10 what was exported after an import is one too."""
    case = Case(strategy="inline", version=OLD)
    cached = []
    for number, source in enumerate(("1", "2", "2", "2", "3", "3"), start=1):
        (jobs.folder / "source").write_text(source)
        cached.append(ran_well(jobs.run(stack, case, f"c{number}", SLEDGE_NO_SKIP="true")).cached_steps)

    assert cached == [0, 0, 5, 5, 0, 5]
