"""gitlabform and sledge over the same GitLab, each as a process of its own, from its start to its end."""

import sys
from collections.abc import Mapping
from pathlib import Path

from sledgehammer.session import open_session
from sledgehammer_bench.goals import Goal
from sledgehammer_bench.provisioning import plan_projects
from sledgehammer_bench.provisioning.gitlab_fleet import BRANCH, PROCESSES, VARIABLES, VISIBILITY, Fleet, path_of
from sledgehammer_bench.provisioning.gitlabform_config import gitlabform_config
from sledgehammer_bench.provisioning.gitlabform_program import NAME, Gitlabform, find_gitlabform
from sledgehammer_bench.provisioning.measure import API, Measurement, as_process, fastest
from sledgehammer_bench.provisioning.own_process import own_process
from sledgehammer_bench.provisioning.peers import Finding, Skipped
from sledgehammer_bench.provisioning.provisioning_goals import judge_beside

LEAST = 100
"""The goal is over so many projects: of fewer, the start of a process is too large a part."""


def beside_gitlabform(fleet: Fleet, folder: Path, *, kept: Path, times: Mapping[float, int]) -> Finding:
    """Nothing to do for either. `folder` is for gitlabform's configuration, `kept` for the program itself. Of so many
    `times` by latency in seconds, one program after the other, the fastest counts: others may use the machine."""
    if len(fleet.folders) < LEAST:
        return Finding(left_out=(Skipped(name=NAME, reason=f"its goal is over {LEAST} projects or more"),))
    peer = find_gitlabform(kept, PROCESSES, fleet.environment)
    if isinstance(peer, Skipped):
        return Finding(left_out=(peer,))
    config = _write_config(fleet, folder)
    print(f"letting {NAME} converge", file=sys.stderr)
    peer.run(config, plan_projects.GROUP)
    runs: list[Measurement] = []
    goals: list[Goal] = []
    for latency_s, count in times.items():
        rounds = [
            (
                _theirs(fleet, peer, config, latency_s=latency_s),
                _ours(fleet, "sledge by REST", latency_s=latency_s),
                _ours(fleet, "sledge by GraphQL", "--bulk", latency_s=latency_s),
            )
            for _ in range(count)
        ]
        theirs, by_rest, by_graphql = (fastest(same) for same in zip(*rounds, strict=True))
        runs += [theirs, by_rest, by_graphql]
        goals += judge_beside(by_graphql, by_rest, theirs, latency_s=latency_s)
    return Finding(runs=runs, goals=goals)


def _write_config(fleet: Fleet, folder: Path) -> Path:
    folder.mkdir()
    ci_files = {}
    for checkout in fleet.folders:
        file = folder / f"{checkout.name}.yml"
        session = open_session(checkout, "gitlab", variables=fleet.environment)
        file.write_text(session.ci_file.text, encoding="utf-8", newline="")
        ci_files[path_of(checkout.name)] = str(file)
    config = folder / "config.yml"
    config.write_text(
        gitlabform_config(
            fleet.server.url,
            plan_projects.GROUP,
            visibility=VISIBILITY,
            variables=VARIABLES,
            branch=BRANCH,
            ci_files=ci_files,
        ),
        encoding="utf-8",
    )
    return config


def _theirs(fleet: Fleet, peer: Gitlabform, config: Path, *, latency_s: float) -> Measurement:
    def run() -> int:
        peer.run(config, plan_projects.GROUP)
        return fleet.server.written()

    return as_process(fleet.server, NAME, run, latency_s=latency_s, path=API)


def _ours(fleet: Fleet, name: str, *options: str, latency_s: float) -> Measurement:
    arguments = (*options, "--threads", str(fleet.threads), *(str(folder) for folder in fleet.folders))
    run = own_process(plan_projects, *arguments, processes=PROCESSES, environment=fleet.environment)
    return as_process(fleet.server, name, run, latency_s=latency_s, path=API)
