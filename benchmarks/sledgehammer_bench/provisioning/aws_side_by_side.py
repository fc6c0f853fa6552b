"""Terraform and sledge over the same sets on the same AWS, each as a process of its own, from its start to its end."""

import sys
from pathlib import Path

from sledgehammer.checkout import archive_zip
from sledgehammer.polling import SystemClock
from sledgehammer_aws.account import read_account
from sledgehammer_aws.client import Calls
from sledgehammer_bench.provisioning import plan_sets
from sledgehammer_bench.provisioning.aws_fleet import AwsFleet, aws_environment
from sledgehammer_bench.provisioning.gitlab_fleet import PROCESSES
from sledgehammer_bench.provisioning.measure import as_process
from sledgehammer_bench.provisioning.own_process import own_process
from sledgehammer_bench.provisioning.peers import Finding, Skipped
from sledgehammer_bench.provisioning.provisioning_goals import judge_same
from sledgehammer_bench.provisioning.terraform_config import terraform_config
from sledgehammer_bench.provisioning.terraform_program import find_terraform

ARCHIVE = "source.zip"
NOT_AT_ONCE_S = 0.005
"""Where answers come sooner, the provider's HTTP client now and then closes a connection after a whole answer and asks
again, which is a refusal where something was made."""


def beside_terraform(fleet: AwsFleet, folder: Path, *, latency_s: float) -> Finding:
    """Terraform makes the sets of a fleet that is not there yet: names, settings and tags are those that sledge gives
    them, so both plan over the same. `folder` is for its configuration."""
    folder.mkdir()
    first, server, environment = fleet.connections[0], fleet.server, aws_environment(fleet.server)
    account = read_account(first.clients, Calls(clock=SystemClock()))
    (folder / ARCHIVE).write_bytes(archive_zip(first.checkout, runner=PROCESSES))
    (folder / "main.tf.json").write_text(
        terraform_config(fleet.connections, account, archive=ARCHIVE), encoding="utf-8"
    )
    peer = find_terraform(folder, PROCESSES, environment)
    if isinstance(peer, Skipped):
        return Finding(left_out=(peer,))
    sets = len(fleet.connections)
    print(f"letting {peer.name} make {sets} sets", file=sys.stderr)
    server.load({"fault": "delay", "delay_s": NOT_AT_ONCE_S})
    peer.apply()
    theirs = as_process(server, f"{peer.name}, {sets} sets", peer.plan, latency_s=latency_s)
    options = ("--sets", str(sets), "--threads", str(fleet.threads), str(fleet.folder))
    run = own_process(plan_sets, *options, processes=PROCESSES, environment=environment)
    ours = as_process(server, f"sledge, {sets} sets", run, latency_s=latency_s)
    return Finding(runs=(theirs, ours), goals=judge_same(ours, theirs, sets=sets))
