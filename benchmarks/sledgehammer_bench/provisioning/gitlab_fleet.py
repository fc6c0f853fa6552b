"""Many small projects, each with ten variables, a protected branch, a deploy token and the CI file."""

import json
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from sledgehammer.changes import ChangeSet
from sledgehammer.process import Command, LocalProcessRunner, run_checked
from sledgehammer.session import CONFIG_FILE
from sledgehammer_bench.provisioning.gitlab_server import TOKEN
from sledgehammer_bench.provisioning.plan_projects import GROUP, open_project, plan_projects
from sledgehammer_bench.provisioning.server import Server

BRANCH = "main"
VISIBILITY = "private"
VARIABLES = {f"KEY_{number}": f"a-long-value-{number}" for number in range(9)}
"""And a tenth, which holds the deploy token."""

PROCESSES = LocalProcessRunner()
IDENTITY = {
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in (("NAME", "Bench"), ("EMAIL", "bench@example.com"))
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """Checkouts with their sledge.yaml, and how many are worked on at once. `is_in_bulk`: plans read by GraphQL what it
    tells."""

    server: Server
    folders: Sequence[Path]
    threads: int
    is_in_bulk: bool = False

    @property
    def environment(self) -> Mapping[str, str]:
        """Where the GitLab is, and the token for it."""
        return {"GITLAB_URL": self.server.url, "GITLAB_TOKEN": TOKEN}

    def apply(self) -> None:
        """Make everything: the first project makes the group."""
        first, *others = self.folders
        self._apply(first)
        with ThreadPoolExecutor(self.threads) as pool:
            list(pool.map(self._apply, others))

    def plan(self) -> Sequence[ChangeSet]:
        """Plan for all, with one list of the projects."""
        return plan_projects(self.folders, self.environment, is_in_bulk=self.is_in_bulk, threads=self.threads)

    def without_tokens(self, folder: Path) -> "Fleet":
        """The same projects, from copies of the checkouts whose sledge.yaml asks for no deploy tokens, which GraphQL
        does not tell."""
        copies = [Path(shutil.copytree(one, folder / one.name)) for one in self.folders]
        for copy in copies:
            (copy / CONFIG_FILE).write_text(configuration(copy.name, has_tokens=False))
        return replace(self, folders=copies)

    def _apply(self, folder: Path) -> None:
        open_project(folder, self.environment).apply(on_change=lambda change: None)


def make_fleet(server: Server, folder: Path, *, projects: int, threads: int) -> Fleet:
    """The checkouts, with one commit each; nothing is on the server yet. sledge.yaml is not committed, so that another
    one is no other content."""
    folders = [folder / f"p{number:04}" for number in range(projects)]
    for checkout in folders:
        checkout.mkdir(parents=True)
        (checkout / "Dockerfile").write_text("FROM scratch\n")
        (checkout / CONFIG_FILE).write_text(configuration(checkout.name, has_tokens=True))
        for argv in (("init", "-q", "-b", BRANCH), ("add", "Dockerfile"), ("commit", "-q", "-m", "first")):
            run_checked(PROCESSES, Command(argv=("git", *argv), cwd=checkout, env=IDENTITY))
        (checkout / ".git" / "info" / "exclude").write_text(f"{CONFIG_FILE}\n")
    return Fleet(server=server, folders=folders, threads=threads)


def path_of(name: str) -> str:
    """A project's path on GitLab."""
    return f"{GROUP}/{name}"


def configuration(name: str, *, has_tokens: bool) -> str:
    """A project's sledge.yaml."""
    token = {"deploy_tokens": {"pull": {"scopes": ["read_registry"], "variable": "PULL_TOKEN"}}}
    document = {
        "version": 1,
        "name": name,
        "cache": {"strategy": "registry"},  # `auto` would ask the registry, of which there is none
        "gitlab": {
            "project": path_of(name),
            "visibility": VISIBILITY,
            "variables": {key: {"value": value, "masked": True} for key, value in VARIABLES.items()},
            "protected_branches": {BRANCH: {}},
            **(token if has_tokens else {}),
        },
    }
    return json.dumps(document)  # which is YAML, too
