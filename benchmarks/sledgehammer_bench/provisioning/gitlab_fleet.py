"""Many small projects, each with ten variables, a protected branch, a deploy token and the CI file."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sledgehammer.changes import ChangeSet
from sledgehammer.checkout import read_checkout
from sledgehammer.plan import BuildPlan
from sledgehammer.polling import SystemClock
from sledgehammer.ports import CiFile, Environment
from sledgehammer.process import Command, LocalProcessRunner, run_checked
from sledgehammer.project import Image, Project
from sledgehammer.retry import RetryPolicy
from sledgehammer_bench.provisioning.gitlab_server import TOKEN
from sledgehammer_bench.provisioning.server import Server
from sledgehammer_gitlab.access_settings import BranchProtection
from sledgehammer_gitlab.bulk_reading import Target, read_in_bulk
from sledgehammer_gitlab.connection import GitLabConnection, open_connection
from sledgehammer_gitlab.destination import destination_of
from sledgehammer_gitlab.listing import list_projects
from sledgehammer_gitlab.render import CI_FILE, render_ci_text
from sledgehammer_gitlab.settings import Settings, Variable, Visibility
from sledgehammer_gitlab.token_settings import DeployScope, DeployToken

T = TypeVar("T")
GROUP = "fleet"
BRANCH = "main"
PROCESSES = LocalProcessRunner()
IDENTITY = {
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in (("NAME", "Bench"), ("EMAIL", "bench@example.com"))
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """Checkouts by project, and how many are worked on at once. `is_in_bulk`: plans read by GraphQL what it tells;
    `has_tokens`: sledge.yaml asks for the deploy tokens, which it does not tell."""

    server: Server
    folders: Mapping[str, Path]
    threads: int
    is_in_bulk: bool = False
    has_tokens: bool = True

    def apply(self) -> None:
        """Make everything: the first project makes the group."""
        first, *others = self.folders
        self._open(first).apply(on_change=lambda change: None)
        self._each(others, lambda path: self._open(path).apply(on_change=lambda change: None))

    def plan(self) -> Sequence[ChangeSet]:
        """Plan for all, with one list of the projects."""
        clock, policy = SystemClock(), RetryPolicy()
        known = list_projects(GROUP, self._environment, clock=clock, policy=policy)
        if self.is_in_bulk:
            targets = [Target(settings=self._settings(path), branch=BRANCH) for path in self.folders]
            known = read_in_bulk(known, targets, self._environment, clock=clock, policy=policy)
        return self._each(list(self.folders), lambda path: self._open(path).plan_knowing(known))

    def _each(self, paths: Sequence[str], work: Callable[[str], T]) -> Sequence[T]:
        with ThreadPoolExecutor(self.threads) as pool:
            return list(pool.map(work, paths))

    @property
    def _environment(self) -> Mapping[str, str]:
        return {"GITLAB_URL": self.server.url, "GITLAB_TOKEN": TOKEN}

    def _open(self, path: str) -> GitLabConnection:
        settings = self._settings(path)
        folder = self.folders[path]
        project = Project(name=folder.name, images=(Image(name=folder.name),), root=folder, providers={})
        plan = BuildPlan(operations=(destination_of(project, path).engine,))
        return open_connection(
            project,
            settings,
            CiFile(path=CI_FILE, text=render_ci_text(project, settings, plan)),
            read_checkout(folder, runner=PROCESSES),
            Environment(variables=self._environment, processes=PROCESSES),
        )

    def _settings(self, path: str) -> Settings:
        variables = {f"KEY_{number}": Variable(value=f"a-long-value-{number}", masked=True) for number in range(9)}
        token = DeployToken(scopes=(DeployScope.READ_REGISTRY,), variable="PULL_TOKEN")
        return Settings(
            project=path,
            visibility=Visibility.PRIVATE,
            variables=variables,  # and a tenth, which holds the token
            protected_branches={BRANCH: BranchProtection()},
            deploy_tokens={"pull": token} if self.has_tokens else None,
        )


def make_fleet(server: Server, folder: Path, *, projects: int, threads: int) -> Fleet:
    """The checkouts, with one commit each; nothing is on the server yet."""
    folders = {f"{GROUP}/p{number:04}": folder / f"p{number:04}" for number in range(projects)}
    for checkout in folders.values():
        checkout.mkdir(parents=True)
        (checkout / "Dockerfile").write_text("FROM scratch\n")
        for argv in (("init", "-q", "-b", BRANCH), ("add", "."), ("commit", "-q", "-m", "first")):
            run_checked(PROCESSES, Command(argv=("git", *argv), cwd=checkout, env=IDENTITY))
    return Fleet(server=server, folders=folders, threads=threads)
