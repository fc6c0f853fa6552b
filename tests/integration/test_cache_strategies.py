"""Every cache strategy hits: two jobs on two engines that nobody used before, on the oldest and the newest of them."""

from pathlib import Path

import pytest
from _pytest.mark import ParameterSet
from cache_jobs import NEW, OLD, Case, Jobs, new_jobs, ran_well

from sledgehammer.operations import BuilderKind
from sledgehammer.project import CacheMode, CacheSettings
from sledgehammer_bench.cache.registry import BenchRegistry, open_registry
from sledgehammer_localstack.config import StackConfig
from sledgehammer_localstack.fresh_engine import fresh_engine

pytestmark = pytest.mark.engine


def on_request(case: Case) -> ParameterSet:
    """Where images are made on request, or another case shows nearly the same."""
    return pytest.param(case, marks=pytest.mark.on_request)


CLASSIC = CacheSettings(builder=BuilderKind.CLASSIC)
CASES = (
    Case(strategy="registry", version="26.1"),
    on_request(Case(strategy="registry", version=NEW)),
    on_request(Case(strategy="registry", version="26.1", cached=0, settings=CacheSettings(mode=CacheMode.MIN))),
    Case(strategy="per-stage", version=OLD, settings=CLASSIC),
    on_request(Case(strategy="per-stage", version="26.1")),
    on_request(Case(strategy="per-stage", version=NEW)),
    on_request(Case(strategy="file", version=OLD)),
    Case(strategy="file", version="26.1"),
    on_request(Case(strategy="file", version=NEW)),
    Case(strategy="auto", version=OLD, says="cache strategy per-stage, for the builder of Docker 20.10 cannot"),
    on_request(Case(strategy="none", version="26.1", cached=0)),
)


@pytest.fixture(scope="module")
def registry(stack: StackConfig) -> BenchRegistry:
    """Of the stack's GitLab."""
    return open_registry(stack)


@pytest.fixture
def jobs(registry: BenchRegistry, tmp_path: Path) -> Jobs:
    """A project of three stages that nothing was ever built of."""
    return new_jobs(registry, tmp_path)


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


@pytest.mark.on_request
@pytest.mark.parametrize("version", [OLD, NEW])
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
