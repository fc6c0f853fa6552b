"""`./dev bench provisioning`: a GitLab, a fleet, plans, goals, exit code."""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from sledgehammer.errors import SledgehammerError
from sledgehammer_bench.goals import ONE_MISSED, exit_code, goal_lines, goal_record
from sledgehammer_bench.provisioning.fleet import make_fleet
from sledgehammer_bench.provisioning.measure import throttled, undisturbed
from sledgehammer_bench.provisioning.provisioning_goals import judge
from sledgehammer_bench.provisioning.server import serve

LATENCY_S = 0.05
_USAGE = 2


def main(argv: Sequence[str]) -> int:
    """Run it; 0 where all goals hold, 3 where one is missed."""
    arguments = _parser().parse_args(argv)
    if arguments.json is not None and not arguments.json.absolute().parent.is_dir():
        print(f"bench: --json {arguments.json}: there is no such folder", file=sys.stderr)
        return _USAGE
    try:
        with tempfile.TemporaryDirectory(prefix="sledgehammer-bench-") as folder:
            return _run(arguments, Path(folder))
    except SledgehammerError as error:
        print(f"bench: {error}", file=sys.stderr)
        return _USAGE if error.exit_code == ONE_MISSED else error.exit_code


def _run(arguments: argparse.Namespace, folder: Path) -> int:
    projects, threads = arguments.projects, arguments.threads
    with serve(folder / "gitlab") as server:
        fleet = make_fleet(server, folder / "checkouts", projects=projects, threads=threads)
        print(f"making {projects} projects", file=sys.stderr)
        fleet.apply()
        measured = (undisturbed(fleet, latency_s=0), undisturbed(fleet, latency_s=LATENCY_S), throttled(fleet))
    goals = judge(*measured, projects=projects, threads=threads)
    for one in measured:
        print(f"{one.name}: {one.requests} requests, {one.seconds:.1f} s, {one.throttled} throttled")
    print("\n".join(["", "goals", *goal_lines(goals)]))
    if arguments.json is not None:
        document = {
            "benchmark": "provisioning",
            "projects": projects,
            "threads": threads,
            "runs": [asdict(one) for one in measured],
            "goals": [goal_record(goal) for goal in goals],
        }
        arguments.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return exit_code(goals)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./dev bench provisioning", description=__doc__)
    parser.add_argument("--projects", type=int, default=100, help="how many (default: 100)")
    parser.add_argument("--threads", type=int, default=16, help="how many at once (default: 16)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the findings there, too")
    return parser
