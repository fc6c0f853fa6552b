"""What the cache benchmark makes of runs that do not come to be; real runs are an integration test."""

from pathlib import Path

import pytest

from sledgehammer.secret import Secret
from sledgehammer_bench.cache.examples import present_examples
from sledgehammer_bench.cache.measure import Bench
from sledgehammer_bench.cache.registry import BenchRegistry
from sledgehammer_bench.cache.schedule import quick_blocks
from sledgehammer_bench.cache.variants import Variant
from sledgehammer_localstack.config import StackConfig

FOLDER = Path(__file__).parents[2] / "examples"
BLOCKS = quick_blocks(present_examples(FOLDER)[:1], [Variant(name="registry", strategy="registry", is_judged=True)])


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """On an engine for which strategy `registry` is refused; no engine is ever started."""
    stack = StackConfig(
        name="none",
        state_dir=tmp_path,
        docker_host="unix:///nowhere",
        network="none",
        subnet="10.0.0.0/24",
        gateway="10.0.0.1",
        gitlab_port=1,
        aws_port=2,
        registry_address="10.0.0.2:5000",
        ecr_storage_address="10.0.0.3:5000",
        mirror_address="",
        docker_version="20.10",
    )
    return Bench(
        stack=stack,
        registry=BenchRegistry(address="10.0.0.2:5000", images="10.0.0.2:5000/bench", password=Secret("s3cret")),
        examples_folder=FOLDER,
        folder=tmp_path,
        docker_version="20.10",
        say=lambda words: None,
    )


def test_a_refused_strategy_is_a_failed_run_with_its_reason(bench: Bench) -> None:
    """And what would have built upon it is not run, but failed too: it never silently disappears."""
    left_out = bench.run_all(BLOCKS, budget_s=60)

    cold, *later = bench.measurements
    assert left_out == []
    assert cold.failed
    assert "cannot hit: the builder of Docker 20.10" in " ".join(cold.last_lines)
    assert [run.last_lines for run in later] == [("not run: the cold build before it failed",)] * 2
    assert all(run.failed for run in later)


def test_a_spent_budget_starts_no_further_run_and_says_so(bench: Bench) -> None:
    """Each run that was left out is named."""
    left_out = bench.run_all(BLOCKS, budget_s=0)

    assert bench.measurements == []
    assert left_out[0] == "node-web registry cold #1: the 0 minutes were over"
    assert len(left_out) == 3


def test_the_password_of_the_registry_is_in_the_jobs_environment_and_in_no_text(bench: Bench) -> None:
    """Its record prints without it."""
    environment = bench.registry.environment("web-none-1", commit="c1")

    assert environment["CI_REGISTRY_PASSWORD"] == "s3cret"
    assert environment["CI_REGISTRY_IMAGE"] == "10.0.0.2:5000/bench/web-none-1"
    assert "s3cret" not in repr(bench.registry)
