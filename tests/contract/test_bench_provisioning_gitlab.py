"""The GitLab half of `./dev bench provisioning`, against the local GitLab in a process of its own."""

from dataclasses import replace
from pathlib import Path

from sledgehammer_bench.provisioning import plan_projects
from sledgehammer_bench.provisioning.gitlab_fleet import PROCESSES, make_fleet
from sledgehammer_bench.provisioning.gitlab_server import serve_gitlab
from sledgehammer_bench.provisioning.measure import as_process, undisturbed
from sledgehammer_bench.provisioning.own_process import own_process
from sledgehammer_bench.provisioning.server import serve


def test_plans_find_nothing_to_do_in_this_process_and_in_one_of_their_own(tmp_path: Path) -> None:
    """By REST four requests a project and one list, by GraphQL two beside that list and one a project for its deploy
    tokens, or none."""
    with serve(serve_gitlab, tmp_path / "gitlab") as server:
        fleet = make_fleet(server, tmp_path / "checkouts", projects=2, threads=2)
        fleet.apply()
        by_rest = undisturbed(fleet, "REST", latency_s=0)
        folded = replace(fleet, is_in_bulk=True).without_tokens(tmp_path / "without")
        by_graphql = undisturbed(folded, "GraphQL", latency_s=0)
        folders = [str(folder) for folder in fleet.folders]
        run = own_process(
            plan_projects, "--bulk", "--threads", "2", *folders, processes=PROCESSES, environment=fleet.environment
        )
        alone = as_process(server, "alone", run, latency_s=0)
    assert [(one.requests, one.pending) for one in (by_rest, by_graphql, alone)] == [(9, 0), (3, 0), (5, 0)]
