"""`sledge -p gitlab` as a process that is killed with SIGKILL at one write after another."""

import base64
import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from gitlab_rehearsal import ROOT_TOKEN, Rehearsal, call, rehearse, serve
from killed_runs import AFTER, BEFORE, RunsOfSledge

FULL = """\
version: 1
name: web
cache: {{strategy: registry}}
gitlab:
  project: {path}
  ci: {{git_depth: {depth}}}
  variables:
    API_KEY: {{from_env: MY_KEY, masked: true}}
    HIDDEN: {{from_env: MY_KEY, masked: true, hidden: true}}
    REGION: {{from_env: MY_KEY, group: {group}}}
  protected_branches: {{main: {{force_push: {force_push}}}}}
  protected_tags: {{"v*": {{create: maintainer}}}}
  registry_protection: {{"*": {{push: {push}}}}}
  image_tag_protection: {{"^v": {{push: {push}}}}}
  job_token_allowlist: ["root/{friend}"]
  deploy_tokens:
    pull: {{scopes: [read_repository], variable: PULL_TOKEN, username: {username}}}
  access_tokens:
    bot: {{scopes: [read_api], role: {role}, variable: BOT_TOKEN}}
    wide: {{scopes: [read_api], role: {role}, variable: WIDE_TOKEN, group: {group}}}
  schedules:
    nightly: {{cron: "{cron}", variables: {{MODE: {{from_env: MY_KEY}}, {mode}: {{value: x}}}}}}
"""
MOST_RUNS = 100
FIRST = {
    "depth": "5",
    "force_push": "false",
    "push": "maintainer",
    "username": "puller",
    "role": "reporter",
    "mode": "ONE",
}
OTHER = {"depth": "7", "force_push": "true", "push": "owner", "username": "fetcher", "role": "guest", "mode": "TWO"}
PROPOSED = """\
version: 1
name: web
cache: {{strategy: registry}}
gitlab:
  project: {path}
  ci_file: {{via: merge_request}}
  timeout_minutes: {minutes}
"""
EMPTY = """\
version: 1
name: web
cache: {{strategy: registry}}
gitlab:
  project: {path}
  variables:
    KEPT: {{value: x, group: {group}}}
  deploy_tokens: {{}}
  access_tokens: {{}}
  schedules: {{}}
  job_token_allowlist: []
"""


@dataclass(frozen=True, kw_only=True)
class World:
    """A project's checkout, its server's folder, and what runs `sledge` in it."""

    here: Rehearsal
    state: Path
    runs: RunsOfSledge

    def write(self, text: str, **words: str) -> None:
        path, group = self.here.path, self.here.group
        self.here.commit("sledge.yaml", text.format(path=path, group=group, **words))

    def full(self) -> None:
        self.write(FULL, **FIRST, friend=f"{self.here.group}-one", cron="H 3 * * *")

    def rows(self, tail: str) -> Any:
        return self.here.api("GET", f"{self.here.project}/{tail}")

    def text_of(self, key: str) -> str:
        """A hidden variable's value, which no API tells."""
        with closing(sqlite3.connect(self.state / "gitlab.sqlite3")) as database:
            query = "SELECT value FROM variables v JOIN projects p ON p.id = project_id WHERE key = ? AND full_path = ?"
            (row,) = database.execute(query, (key, self.here.path))
        return str(row[0])


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    state, work = tmp_path / "gitlab", tmp_path / "work"
    work.mkdir()
    with serve(state) as url, rehearse(url, work) as here:
        for name in ("one", "two"):
            here.api("POST", "/projects", {"name": f"{here.group}-{name}"})
        environment = {"GITLAB_URL": url, "GITLAB_TOKEN": ROOT_TOKEN, "SLEDGE_FINGERPRINT_KEY": "k"}
        with RunsOfSledge(work, {**environment, "MY_KEY": "the-first-value"}) as runs:
            yield World(here=here, state=state, runs=runs)


def kill_at_every_write(world: World, *argv: str, **values: str) -> frozenset[str]:
    """Runs until one comes to its end, each other killed at a write at which none was killed yet, in turns before and
    after its effect; gives those writes."""
    passing = {BEFORE: frozenset[str](), AFTER: frozenset[str]()}
    for when in itertools.islice(itertools.cycle((BEFORE, AFTER)), MOST_RUNS):
        ended = world.runs.run(*argv, "-p", "gitlab", when=when, passing=passing[when], values=values)
        if not ended.died_at:
            assert ended.exit_code == 0
            return passing[AFTER]
        assert ended.exit_code == -9
        passing[when] |= {ended.died_at}
    raise AssertionError(f"no run came to its end, the last one not beyond {ended.died_at}")


def assert_settled(world: World, **values: str) -> None:
    """Each object is there once, nothing is to do, and what the tokens' variables hold opens what it shall."""
    assert world.runs.run("plan", "-p", "gitlab", values=values).exit_code == 0
    counts = {"protected_branches": 1, "protected_tags": 1, "pipeline_schedules": 1, "deploy_tokens": 1}
    counts |= {f"registry/protection/{what}/rules": 1 for what in ("repository", "tag")}
    for tail, count in counts.items():
        assert (tail, len(world.rows(tail))) == (tail, count)
    keys = [row["key"] for row in world.rows("variables")]
    assert sorted(keys) == ["API_KEY", "BOT_TOKEN", "HIDDEN", "PULL_TOKEN", "WIDE_TOKEN"]
    here = world.here
    assert [row["name"] for row in world.rows("access_tokens") if row["active"]] == ["bot [sledge]"]
    assert living_tokens_of_the_group(here) == [f"wide [sledge by={here.path}]"]
    for key in ("BOT_TOKEN", "WIDE_TOKEN"):
        assert here.api("GET", here.project, token=world.text_of(key))["path_with_namespace"] == here.path
    login = f"{world.rows('deploy_tokens')[0]['username']}:{world.text_of('PULL_TOKEN')}"
    headers = {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"}
    call(here.url, "GET", f"/{here.path}.git/info/refs?service=git-upload-pack", None, headers)


def living_tokens_of_the_group(here: Rehearsal) -> list[str]:
    return [row["name"] for row in here.api("GET", f"/groups/{here.group}/access_tokens") if row["active"]]


def test_a_project_is_made_whatever_write_a_run_was_killed_at(world: World) -> None:
    """Groups, project, values, tokens, rules, content, schedule: each once, and the tokens work."""
    world.full()
    writes = kill_at_every_write(world, "apply")
    assert {write.split()[0] for write in writes} == {"POST", "PUT", "DELETE", "git"}
    assert len(writes) >= 24
    assert_settled(world)
    assert len(world.here.api("GET", f"/groups/{world.here.group}/projects?include_subgroups=true")) == 1
    assert len(world.rows("repository/commits?ref_name=main")) == 3
    assert world.text_of("HIDDEN") == "the-first-value"


def test_a_project_is_changed_whatever_write_a_run_was_killed_at(world: World) -> None:
    """All that can be changed, at once; a token's predecessor has gone."""
    world.full()
    assert world.runs.run("apply", "-p", "gitlab").exit_code == 0
    world.write(FULL, **OTHER, friend=f"{world.here.group}-two", cron="5 4 * * *")
    writes = kill_at_every_write(world, "apply", MY_KEY="the-second-value")
    assert len(writes) >= 21
    assert_settled(world, MY_KEY="the-second-value")
    assert {world.text_of("HIDDEN"), world.text_of("API_KEY")} == {"the-second-value"}


def test_a_ci_file_is_proposed_once_whatever_write_a_run_was_killed_at(world: World) -> None:
    """By one request, whose branch has the text that sledge.yaml comes to by now."""
    for minutes, least in (("20", 7), ("30", 3)):
        world.write(PROPOSED, minutes=minutes)
        writes = kill_at_every_write(world, "apply")
        assert len(writes) >= least
        assert world.runs.run("plan", "-p", "gitlab").exit_code == 0
        assert len(world.rows("merge_requests?state=opened")) == 1
        assert len(world.rows("repository/branches")) == 2
        text = world.rows("repository/files/.gitlab-ci.yml?ref=sledge%2Fci-file")["content"]
        assert f"timeout: {minutes} minutes" in base64.b64decode(text).decode()


def test_what_is_ours_goes_whatever_write_a_run_was_killed_at(world: World) -> None:
    """First what sledge.yaml names no more, then, by a destruction, the project."""
    world.full()
    assert world.runs.run("apply", "-p", "gitlab").exit_code == 0
    world.write(EMPTY)
    assert len(kill_at_every_write(world, "apply")) >= 11
    assert world.runs.run("plan", "-p", "gitlab").exit_code == 0
    for tail in ("variables", "pipeline_schedules", "deploy_tokens"):
        assert (tail, world.rows(tail)) == (tail, [])
    assert [row for row in world.rows("access_tokens") if row["active"]] == []
    assert living_tokens_of_the_group(world.here) == []
    assert len(kill_at_every_write(world, "destroy", "--yes")) == 2
    assert world.here.api("GET", world.here.project) is None
    assert world.here.api("GET", f"/groups/{world.here.group}/variables") == []
