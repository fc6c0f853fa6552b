"""Runs steps on fresh engines, one after the other."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sledgehammer.errors import SledgehammerError
from sledgehammer_bench.cache.breakdown import Breakdown, read_breakdown
from sledgehammer_bench.cache.examples import apply_edits, copy_example
from sledgehammer_bench.cache.registry import BenchRegistry
from sledgehammer_bench.cache.results import Measurement
from sledgehammer_bench.cache.scenarios import Scenario
from sledgehammer_bench.cache.schedule import Block, Step, fits
from sledgehammer_localstack.config import StackConfig
from sledgehammer_localstack.fresh_engine import Ran, fresh_engine

Say = Callable[[str], None]
_LAST_LINES = 15
_NOT_RUN = -1
_LIMITED = '[ -n "${BENCH_LIMITED-}" ] || BENCH_LIMITED=1 exec timeout 1800 sh "$0"\n'
"""Ahead of a script: half an hour, then it is ended."""


@dataclass(slots=True, kw_only=True)
class Bench:
    """One benchmark under way: working copies in `folder`, images in `registry`, jobs' logs in `logs`, what was
    measured so far."""

    stack: StackConfig
    registry: BenchRegistry
    examples_folder: Path
    folder: Path
    docker_version: str
    say: Say
    logs: Path | None = None
    measurements: list[Measurement] = field(default_factory=list)
    seen: dict[tuple[str, str, Scenario], float] = field(default_factory=dict)

    def run_all(self, blocks: tuple[Block, ...], *, budget_s: float) -> list[str]:
        """Run blocks as long as they fit, and steps until the budget is spent; says what was left out."""
        started = time.monotonic()
        left_out: list[str] = []
        for block in blocks:
            elapsed_s = time.monotonic() - started
            if not fits(block, self.seen, elapsed_s=elapsed_s, budget_s=budget_s):
                left_out.append(f"{block.name}: no time after {elapsed_s / 60:.0f} of {budget_s / 60:.0f} minutes")
                self.say(f"left out: {left_out[-1]}")
                continue
            for step in block.steps:
                if time.monotonic() - started < budget_s:
                    self._run(step)
                else:
                    left_out.append(f"{_words(step)}: the {budget_s / 60:.0f} minutes were over")
        return left_out

    def _run(self, step: Step) -> None:
        measurement = self._measure(step)
        self.measurements.append(measurement)
        self.seen.setdefault(step.key, measurement.seconds)
        counted = f"{measurement.breakdown.cached}/{measurement.breakdown.total} cached"
        verdict = f"failed ({measurement.exit_code})" if measurement.failed else counted
        self.say(f"{_words(step)}: {measurement.seconds:.1f} s, {verdict}")

    def _measure(self, step: Step) -> Measurement:
        if self._cold_failed(step):
            return _failed(step, "not run: the cold build before it failed")
        try:
            ran = self._build(step)
        except SledgehammerError as error:
            return _failed(step, *str(error).splitlines())
        changed = None if step.scenario is Scenario.COLD else [e.file for e in step.example.edits(step.scenario)]
        self._keep_log(step, ran.output)
        lines = tuple(ran.output.rstrip().splitlines()[-_LAST_LINES:]) if ran.exit_code else ()
        return _measurement(
            step,
            exit_code=ran.exit_code,
            seconds=ran.seconds,
            breakdown=read_breakdown(ran.output, changed=changed),
            last_lines=lines,
        )

    def _build(self, step: Step) -> Ran:
        series = f"{step.example.name}-{step.variant.name}-{step.repetition}".replace("+", "-")
        copy = self.folder / series
        if not copy.exists():
            copy_example(step.example, self.examples_folder, copy, naive=step.variant.is_naive)
        apply_edits(step.example.edits(step.scenario), copy)
        script = step.variant.script(copy, docker_version=self.docker_version)
        env = dict(self.registry.environment(series, commit=secrets.token_hex(20)))
        if step.scenario is Scenario.REBUILD:
            env["SLEDGE_NO_SKIP"] = "true"
        with fresh_engine(self.stack, self.docker_version, say=self.say) as engine:
            return engine.run(_LIMITED + script, env=env, folder=copy, kept=step.variant.kept)

    def _keep_log(self, step: Step, output: str) -> None:
        if self.logs is not None:
            name = f"{step.example.name} {step.variant.name} {step.scenario.value} {step.repetition}.log"
            (self.logs / name.replace(" ", "-")).write_text(output, encoding="utf-8")

    def _cold_failed(self, step: Step) -> bool:
        series = (step.example.name, step.variant.name, step.repetition)
        return any(
            run.failed and run.scenario is Scenario.COLD and (run.example, run.variant, run.repetition) == series
            for run in self.measurements
        )


def _words(step: Step) -> str:
    return f"{step.example.name} {step.variant.name} {step.scenario.value} #{step.repetition}"


def _failed(step: Step, *lines: str) -> Measurement:
    return _measurement(step, exit_code=_NOT_RUN, seconds=0.0, breakdown=Breakdown(), last_lines=lines)


def _measurement(
    step: Step, *, exit_code: int, seconds: float, breakdown: Breakdown, last_lines: tuple[str, ...]
) -> Measurement:
    return Measurement(
        example=step.example.name,
        variant=step.variant.name,
        scenario=step.scenario,
        repetition=step.repetition,
        exit_code=exit_code,
        seconds=seconds,
        breakdown=breakdown,
        last_lines=last_lines,
    )
