"""`./dev bench cache`: stack up, builds, table, goals, exit code."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from sledgehammer.errors import ConfigurationError, SledgehammerError
from sledgehammer.process import LocalProcessRunner
from sledgehammer.strategies import STRATEGY_NAMES
from sledgehammer_bench.cache.cache_goals import judge
from sledgehammer_bench.cache.examples import EXAMPLES, Example, present_examples
from sledgehammer_bench.cache.measure import Bench
from sledgehammer_bench.cache.registry import open_registry
from sledgehammer_bench.cache.report import Report, as_json, as_text
from sledgehammer_bench.cache.results import Results
from sledgehammer_bench.cache.schedule import Block, full_blocks, left_out_by_quick, quick_blocks
from sledgehammer_bench.cache.variants import Variant, variants
from sledgehammer_bench.goals import ONE_MISSED, exit_code
from sledgehammer_localstack.config import StackConfig
from sledgehammer_localstack.progress import say_to_stderr
from sledgehammer_localstack.stack.down import down
from sledgehammer_localstack.stack.more_images import provide_images
from sledgehammer_localstack.stack.options import StackOptions, default_state_dir
from sledgehammer_localstack.stack.up import up

REPOSITORY = Path(__file__).parents[3]
PROCESSES = LocalProcessRunner()
QUICK_BUDGET_S, FULL_BUDGET_S = 14.3 * 60, 85 * 60
_USAGE = 2


def main(argv: Sequence[str]) -> int:
    """Run it; 0 where all goals hold, 3 where one is missed."""
    arguments = _parser().parse_args(argv)
    state_dir = arguments.state_dir.absolute()
    if arguments.logs is not None:
        arguments.logs.mkdir(parents=True, exist_ok=True)
    if arguments.json is not None and not arguments.json.absolute().parent.is_dir():
        print(f"bench: --json {arguments.json}: there is no such folder", file=sys.stderr)
        return _USAGE
    try:
        stack = up(StackOptions(state_dir=state_dir, name=arguments.name), runner=PROCESSES, say=say_to_stderr)
        report = _run(stack, arguments)
        print(as_text(report), end="", flush=True)
        if arguments.json is not None:
            arguments.json.write_text(as_json(report), encoding="utf-8")
    except SledgehammerError as error:
        print(f"bench: {error}", file=sys.stderr)
        return _USAGE if error.exit_code == ONE_MISSED else error.exit_code
    finally:
        if not arguments.keep:
            down(state_dir, runner=PROCESSES, say=say_to_stderr)
    return exit_code(report.goals)


def _run(stack: StackConfig, arguments: argparse.Namespace) -> Report:
    all_examples = present_examples(arguments.examples)
    chosen = tuple(one for one in all_examples if one.name in (arguments.example or [one.name]))
    known = variants()
    taking_part = tuple(one for one in known if one.name in (arguments.variant or [one.name]))
    if not chosen or not taking_part:
        hint = f"examples: {', '.join(one.name for one in EXAMPLES)}; variants: {', '.join(one.name for one in known)}"
        raise ConfigurationError("there is nothing to run", hint=hint)
    docker_version = arguments.docker or stack.docker_version
    able, refused = _without_refused(taking_part, chosen, arguments.examples, docker_version=docker_version)
    blocks = (quick_blocks if arguments.quick else full_blocks)(chosen, able)
    _provide(stack, blocks)
    budget_s = QUICK_BUDGET_S if arguments.quick else FULL_BUDGET_S
    with tempfile.TemporaryDirectory(prefix="sledgehammer-bench-") as folder:
        bench = Bench(
            stack=stack,
            registry=open_registry(stack),
            examples_folder=arguments.examples,
            folder=Path(folder),
            docker_version=docker_version,
            say=say_to_stderr,
            logs=arguments.logs,
        )
        left_out = bench.run_all(blocks, budget_s=budget_s if arguments.minutes is None else arguments.minutes * 60)
    results = Results(measurements=tuple(bench.measurements))
    not_run = left_out_by_quick(chosen, able) if arguments.quick else []
    return Report(
        docker_version=bench.docker_version,
        results=results,
        goals=judge(results, STRATEGY_NAMES),
        left_out=(*refused, *not_run, *left_out),
    )


def _without_refused(
    variants: Sequence[Variant], examples: Sequence[Example], folder: Path, *, docker_version: str
) -> tuple[tuple[Variant, ...], list[str]]:
    """Those that can hit here; of the others their names and why not."""
    able: list[Variant] = []
    refused: list[str] = []
    for variant in variants:
        try:
            for example in examples:
                variant.script(folder / example.name, docker_version=docker_version)
        except ConfigurationError as error:
            refused.append(f"{variant.name}: {str(error).splitlines()[0]}")
        else:
            able.append(variant)
    return tuple(able), refused


def _provide(stack: StackConfig, blocks: Sequence[Block]) -> None:
    """Images that the stack makes only when somebody asks."""
    steps = [step for block in blocks for step in block.steps]
    names = {name for step in steps for name in (*step.example.images, *step.variant.images)}
    provide_images(stack, sorted(names), runner=PROCESSES, say=say_to_stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./dev bench cache", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one repetition of what the goals need, two examples")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there as JSON too")
    parser.add_argument("--logs", type=Path, metavar="FOLDER", help="keep each run's log there")
    parser.add_argument("--minutes", type=float, help="the time budget, in place of 14.3 (--quick) or 85")
    parser.add_argument("--docker", metavar="VERSION", help="of the fresh engines; the stack's own if left out")
    parser.add_argument("--example", action="append", metavar="NAME", help="only this one; may be repeated")
    parser.add_argument("--variant", action="append", metavar="NAME", help="only this one; may be repeated")
    parser.add_argument("--examples", type=Path, default=REPOSITORY / "examples", help="the folder of all examples")
    parser.add_argument("--state-dir", type=Path, default=default_state_dir("bench"), help="where the stack lives")
    parser.add_argument("--name", default="bench", help="the stack's name")
    parser.add_argument("--keep", action="store_true", help="leave the stack running")
    return parser
