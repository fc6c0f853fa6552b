"""`./dev bench provisioning`: both clouds, a fleet on each, plans, goals, exit code."""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from sledgehammer.errors import SledgehammerError
from sledgehammer_bench.goals import ONE_MISSED, exit_code, goal_lines, goal_record
from sledgehammer_bench.provisioning.aws_fleet import make_aws_fleet
from sledgehammer_bench.provisioning.aws_server import serve_aws
from sledgehammer_bench.provisioning.aws_side_by_side import beside_terraform
from sledgehammer_bench.provisioning.gitlab_fleet import Fleet, make_fleet
from sledgehammer_bench.provisioning.gitlab_server import serve_gitlab
from sledgehammer_bench.provisioning.gitlab_side_by_side import beside_gitlabform
from sledgehammer_bench.provisioning.gitlabform_program import NAME as GITLABFORM
from sledgehammer_bench.provisioning.measure import Measurement, counted, throttled, undisturbed
from sledgehammer_bench.provisioning.peers import Finding, Skipped
from sledgehammer_bench.provisioning.provisioning_goals import judge, judge_folded, judge_sets
from sledgehammer_bench.provisioning.server import serve
from sledgehammer_bench.provisioning.terraform_program import NAME as TERRAFORM
from sledgehammer_localstack.stack.options import default_state_dir

LATENCY_S = 0.05
TIMES = {0.0: 3, LATENCY_S: 1}
"""How often plans are measured beside another program's, by the seconds that answers are late."""

CLOUDS = ("gitlab", "aws")
PROJECTS, PROJECTS_QUICK = 100, 30
SETS, SETS_QUICK = 400, 100
SETS_BESIDE = 25
"""Terraform takes some minutes to make more."""

PEERS = default_state_dir("bench-peers")
"""Where programs that are measured beside ours are kept."""

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
    projects = arguments.projects or (PROJECTS_QUICK if arguments.quick else PROJECTS)
    sets = arguments.sets or (SETS_QUICK if arguments.quick else SETS)
    threads, clouds = arguments.threads, arguments.provider or CLOUDS
    found = []
    if "gitlab" in clouds:
        found.append(_gitlab(folder, projects=projects, threads=threads, is_quick=arguments.quick))
    if "aws" in clouds:
        found.append(_aws(folder, sets=sets, threads=threads, is_quick=arguments.quick))
    runs, goals = [run for one in found for run in one.runs], [goal for one in found for goal in one.goals]
    left_out = [peer for one in found for peer in one.left_out]
    for run in runs:
        print(f"{run.name}: {run.requests} requests, {run.seconds:.1f} s, {run.throttled} throttled")
    for peer in left_out:
        print(f"left out: {peer.name}: {peer.reason}")
    print("\n".join(["", "goals", *goal_lines(goals)]))
    if arguments.json is not None:
        document = {
            "benchmark": "provisioning",
            "projects": projects if "gitlab" in clouds else 0,
            "sets": sets if "aws" in clouds else 0,
            "threads": threads,
            "runs": [asdict(run) for run in runs],
            "left_out": [asdict(peer) for peer in left_out],
            "goals": [goal_record(goal) for goal in goals],
        }
        arguments.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return exit_code(goals)


def _gitlab(folder: Path, *, projects: int, threads: int, is_quick: bool) -> Finding:
    with serve(serve_gitlab, folder / "gitlab") as server:
        fleet = make_fleet(server, folder / "checkouts", projects=projects, threads=threads)
        print(f"making {projects} projects", file=sys.stderr)
        fleet.apply()
        by_rest = (*_both(fleet, "plan by REST"), throttled(fleet))
        folded = replace(fleet, is_in_bulk=True)
        with_tokens = _both(folded, "plan by GraphQL")
        without = _both(folded.without_tokens(folder / "without-tokens"), "plan by GraphQL without deploy tokens")
        beside = (
            Finding(left_out=(Skipped(name=GITLABFORM, reason="--quick"),))
            if is_quick
            else beside_gitlabform(fleet, folder / "gitlabform", kept=PEERS / "gitlabform", times=TIMES)
        )
    goals = (
        *judge(*by_rest, projects=projects, threads=threads),
        *judge_folded(with_tokens, projects=projects, tokens=projects),
        *judge_folded(without, projects=projects, tokens=0),
        *beside.goals,
    )
    runs = (*by_rest, *with_tokens, *without, *beside.runs)
    return Finding(runs=runs, goals=goals, left_out=beside.left_out)


def _both(fleet: Fleet, name: str) -> tuple[Measurement, Measurement]:
    return undisturbed(fleet, name, latency_s=0), undisturbed(fleet, name, latency_s=LATENCY_S)


def _aws(folder: Path, *, sets: int, threads: int, is_quick: bool) -> Finding:
    with serve(serve_aws) as server:
        fleet = make_aws_fleet(server, folder / "checkout", sets=sets, threads=threads)
        print(f"making {sets} sets on AWS", file=sys.stderr)
        fleet.apply()
        run = counted(fleet)
    goals = judge_sets(run, sets=sets)
    if is_quick:
        return Finding(runs=(run,), goals=goals, left_out=(Skipped(name=TERRAFORM, reason="--quick"),))
    with serve(serve_aws) as server:
        fleet = make_aws_fleet(server, folder / "beside", sets=min(sets, SETS_BESIDE), threads=threads)
        beside = beside_terraform(fleet, folder / "terraform", latency_s=LATENCY_S)
    return Finding(runs=(run, *beside.runs), goals=(*goals, *beside.goals), left_out=beside.left_out)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./dev bench provisioning", description=__doc__)
    parser.add_argument("-p", "--provider", action="append", choices=CLOUDS, help="only this cloud (default: both)")
    parser.add_argument(
        "--quick", action="store_true", help=f"{PROJECTS_QUICK} projects and {SETS_QUICK} sets, beside no other program"
    )
    parser.add_argument("--projects", type=_count, help=f"how many on GitLab (default: {PROJECTS})")
    parser.add_argument("--sets", type=_count, help=f"how many on AWS (default: {SETS})")
    parser.add_argument("--threads", type=_count, default=16, help="how many at once (default: 16)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the findings there, too")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1")
    return int(text)
