"""The AWS half of `./dev bench provisioning`, against the local AWS in a process of its own."""

from pathlib import Path

import pytest

from sledgehammer_bench.provisioning.aws_fleet import make_aws_fleet
from sledgehammer_bench.provisioning.aws_server import serve_aws
from sledgehammer_bench.provisioning.measure import counted
from sledgehammer_bench.provisioning.provisioning_goals import ASKED_ONCE
from sledgehammer_bench.provisioning.server import serve


@pytest.mark.parametrize("sets", [1, 3])
def test_a_plan_asks_what_is_asked_once_and_one_thing_of_each_set(tmp_path: Path, sets: int) -> None:
    """As the server counts, over a fleet in which there is nothing to do."""
    with serve(serve_aws) as server:
        fleet = make_aws_fleet(server, tmp_path / "checkout", sets=sets, threads=2)
        assert all(plan.pending for plan in fleet.plan())
        fleet.apply()
        plan = counted(fleet)
    assert (plan.requests, plan.pending) == (ASKED_ONCE + sets, 0)
