"""Terraform with its AWS provider, in a folder that holds a configuration. Where the provider comes from, Terraform's
own settings say: a mirror in the file that TF_CLI_CONFIG_FILE names, TF_PLUGIN_CACHE_DIR, else its registry."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sledgehammer.errors import MissingToolError, TimedOutError
from sledgehammer.process import Command, ProcessRunner, run_checked
from sledgehammer_bench.provisioning.peers import Skipped
from sledgehammer_bench.provisioning.terraform_config import PROVIDER

NAME = "Terraform"
INIT_S = 300
RUN_S = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class Terraform:
    """The program with its provider at hand; `environment` has the keys of AWS."""

    name: str
    folder: Path
    processes: ProcessRunner
    environment: Mapping[str, str] = field(repr=False)

    def apply(self) -> None:
        """Make what the configuration has."""
        argv = ("terraform", "apply", "-auto-approve", "-input=false", "-no-color")
        run_checked(self.processes, self._command(*argv), timeout_s=RUN_S)

    def plan(self) -> int:
        """How many changes it finds, everything read anew, ten at once as it does by itself."""
        done = run_checked(self.processes, self._command("terraform", "plan", "-input=false", "-json"), timeout_s=RUN_S)
        return planned_changes(done.text)

    def _command(self, *argv: str) -> Command:
        return Command(argv=argv, cwd=self.folder, env=self.environment)


def find_terraform(folder: Path, processes: ProcessRunner, environment: Mapping[str, str]) -> Terraform | Skipped:
    """Make the folder, which has its configuration, ready for it."""
    environment = {**environment, "CHECKPOINT_DISABLE": "1"}  # it does not look for a newer version of itself

    def ask(*argv: str) -> Command:
        return Command(argv=("terraform", *argv), cwd=folder, env=environment)

    try:
        ready = processes.run(ask("init", "-input=false", "-no-color"), timeout_s=INIT_S)
    except MissingToolError:
        return Skipped(name=NAME, reason="there is no terraform on PATH")
    except TimedOutError:
        return Skipped(name=NAME, reason=f"terraform init did not end within {INIT_S} s")
    if ready.exit_code != 0:
        return Skipped(name=NAME, reason=f"terraform init did not get the provider {PROVIDER}; see TF_CLI_CONFIG_FILE")
    versions = json.loads(run_checked(processes, ask("version", "-json")).text)
    return Terraform(name=_name(versions), folder=folder, processes=processes, environment=environment)


def planned_changes(messages: str) -> int:
    """Of `terraform plan -json`, a message a line
    (https://developer.hashicorp.com/terraform/internals/machine-readable-ui)."""
    kinds = (json.loads(line).get("type") for line in messages.splitlines() if line.startswith("{"))
    return sum(kind == "planned_change" for kind in kinds)


def _name(versions: Mapping[str, Any]) -> str:
    providers = [
        f"{place.rpartition('/')[2]} {version}" for place, version in versions.get("provider_selections", {}).items()
    ]
    return f"{NAME} {versions['terraform_version']} with {', '.join(providers)}"
