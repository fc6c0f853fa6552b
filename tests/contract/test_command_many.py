"""plan, drift and apply with `--all`: many projects below a folder, against the local GitLab."""

import json
import re
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest
from gitlab_rehearsal import ROOT_TOKEN, Rehearsal, rehearse

from sledgehammer import fleet
from sledgehammer.cli.main import main
from sledgehammer.errors import RemoteError, UnreachableError
from sledgehammer.fleet import workers
from sledgehammer_gitlab.api import Api
from sledgehammer_gitlab.objects.content import Content

NAMES = ("one", "three", "two")
"""In the order of their paths."""


@pytest.fixture
def here(gitlab_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rehearsal]:
    """A repository with three projects, a fourth that is for AWS, and a hidden copy; it is the current folder."""
    with rehearse(gitlab_url, tmp_path) as made:
        for name in NAMES:
            project(made, Path(name))
        project(made, Path(".copies/one"))
        project(made, Path("shop/cloud"), section="aws: {region: eu-central-1}")
        made.git("add", ".")
        made.git("commit", "-q", "-m", "projects")
        monkeypatch.chdir(made.work)
        for name, value in {"GITLAB_URL": gitlab_url, "GITLAB_TOKEN": ROOT_TOKEN}.items():
            monkeypatch.setenv(name, value)
        yield made


def project(here: Rehearsal, folder: Path, *, section: str = "") -> None:
    place = here.work / folder
    place.mkdir(parents=True)
    (place / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    section = section or f"gitlab: {{project: {here.group}/{folder.name}, ci: {{timeout_minutes: 90}}}}"
    (place / "sledge.yaml").write_text(f"version: 1\nname: {folder.name}\ncache: {{strategy: none}}\n{section}\n")


def run(command: str, *argv: str) -> int:
    return main([command, "-p", "gitlab", "--all", ".", *argv])


def test_many_projects_are_planned_applied_and_looked_after(
    here: Rehearsal, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each that has something to do is shown, and none that has not; what is of another provider is left out."""
    assert run("plan") == 2
    said = capsys.readouterr().out
    assert [line for line in said.splitlines() if line.startswith("==")] == [f"== {name}" for name in NAMES]
    assert "gitlab: 3 projects: 0 with nothing to do; 3 with 12 to add, 0 to change, 0 to destroy.\n" in said
    assert here.api("GET", f"/projects/{here.group}%2Fone") is None

    assert run("apply") == 0
    said = capsys.readouterr().out
    assert sorted(line for line in said.splitlines() if line.startswith("==")) == [f"== {name}" for name in NAMES]
    assert re.search(r"gitlab: 3 projects: 0 with nothing to do; 3 with 1\d added, 0 changed, 0 destroyed.\n$", said)
    assert (run("plan"), run("apply"), run("drift")) == (0, 0, 0)
    assert capsys.readouterr().out == 3 * "gitlab: 3 projects: 3 with nothing to do.\n"

    here.api("PUT", f"/projects/{here.group}%2Ftwo", {"build_timeout": 61})
    assert run("drift") == 2
    said = capsys.readouterr().out
    assert said.startswith("== two\n~ gitlab_project ")
    assert said.endswith("gitlab: 3 projects: 2 with nothing to do; 1 with 0 to add, 1 to change, 0 to destroy.\n")


def test_what_is_wrong_with_one_project_stops_no_other(here: Rehearsal, capsys: pytest.CaptureFixture[str]) -> None:
    """It is told in the end, with its folder, and its code is the command's."""
    (here.work / "one" / "sledge.yaml").write_text("version: 1\n")

    assert run("plan") == 3
    said = capsys.readouterr()
    assert "gitlab: 3 projects: 0 with nothing to do; 2 with 8 to add, 0 to change, 0 to destroy; 1 failed." in said.out
    assert said.err.startswith('sledge: one: one/sledge.yaml:1: the project lacks the key "name"')
    assert run("apply") == 3
    assert here.api("GET", f"/projects/{here.group}%2Fthree") is not None
    capsys.readouterr()

    assert run("plan", "--json") == 3
    told = json.loads(capsys.readouterr().out)
    assert [row["folder"] for row in told["projects"]] == ["one", "three", "two"]
    assert told["projects"][0]["error"]["exit_code"] == 3
    assert told["projects"][1]["plan"]["summary"]["add"] == 0


def test_folders_that_are_one_project_are_refused(here: Rehearsal, capsys: pytest.CaptureFixture[str]) -> None:
    """They would undo each other's work each time."""
    settings = here.work / "two" / "sledge.yaml"
    settings.write_text(settings.read_text().replace("/two", "/ONE"))

    assert run("apply") == 3
    said = capsys.readouterr()
    assert said.err.startswith(f"sledge: one and 1 other: one and two are all GitLab's project {here.group}/one\n")
    assert "1 with 4 added" in said.out
    assert here.api("GET", f"/projects/{here.group}%2Fone") is None


def test_a_bug_that_one_project_meets_stops_no_other(
    here: Rehearsal, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told where it is, without words that may hold anything."""
    create = Content.create

    def fail_for_two(content: Content) -> Collection[str]:
        if content.name.startswith(f"{here.group}/two"):
            raise RuntimeError("s3cret")
        return create(content)

    monkeypatch.setattr(Content, "create", fail_for_two)
    assert run("apply") == 1
    said = capsys.readouterr()
    assert "sledge: two: unexpected RuntimeError in test_command_many.py:" in said.err
    assert "s3cret" not in said.err
    assert "3 projects: 0 with nothing to do; 2 with " in said.out


def test_an_interrupted_apply_tells_what_was_made(
    here: Rehearsal, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that had begun are finished and shown."""
    create = Content.create

    def interrupt_for_two(content: Content) -> Collection[str]:
        if content.name.startswith(f"{here.group}/two"):
            raise KeyboardInterrupt
        return create(content)

    monkeypatch.setattr(Content, "create", interrupt_for_two)
    assert run("apply") == 130
    said = capsys.readouterr()
    assert sorted(line for line in said.out.splitlines() if line.startswith("==")) == ["== one", "== three"]
    assert "gitlab: 2 projects: 0 with nothing to do; 2 with " in said.out
    assert said.err.endswith("sledge: interrupted\n")


def test_a_provider_that_does_not_read_many_together_plans_them_one_by_one(
    here: Rehearsal, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same is shown."""
    (here.work / "one" / "sledge.yaml").write_text("version: 1\n")
    assert run("plan") == 3
    together = capsys.readouterr()
    monkeypatch.setattr(fleet, "find_provider", lambda *_: object())
    assert run("plan") == 3
    assert capsys.readouterr() == together


def test_what_is_wrong_with_all_is_told_once(
    here: Rehearsal, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand projects and no token are one sentence."""
    monkeypatch.delenv("GITLAB_TOKEN")

    assert run("apply") == 4
    said = capsys.readouterr().err
    assert said.startswith("sledge: one and 2 others: no GitLab token")
    assert said.count("sledge:") == 1


def test_an_apply_that_fails_in_the_middle_tells_what_it_made(
    here: Rehearsal, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are made whole, and the next run goes on where it ended."""
    create = Content.create

    def fail_for_two(content: Content) -> Collection[str]:
        if content.name.startswith(f"{here.group}/two"):
            raise RemoteError("git push: the remote end hung up", hint="run again")
        return create(content)

    with monkeypatch.context() as patch:
        patch.setattr(Content, "create", fail_for_two)
        assert run("apply") == 7
    said = capsys.readouterr()
    assert re.search(rf"\+ gitlab_project {here.group}/two\n(    .*\n)*failed after \d change", said.out)
    assert "gitlab: 3 projects: 0 with nothing to do; 2 with " in said.out
    assert said.out.endswith("; 1 failed.\n")
    assert said.err == "sledge: two: git push: the remote end hung up\n  hint: run again\n"
    assert run("apply") == 0
    assert "3 projects: 2 with nothing to do; 1 with 2 added" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["plan", "-p", "gitlab", "--all", "one", "--out", "f"], "a saved plan is of one project"),
        (["plan", "-p", "nobody", "--all", "."], 'unknown provider "nobody"'),
        (["plan", "-p", "gitlab", "--all", "shop"], "none of the 1 projects below shop has a section for gitlab"),
        (["plan", "-p", "gitlab", "--all", ".copies/none"], "there is no sledge.yaml in .copies/none or below"),
    ],
)
def test_what_cannot_be_asked_of_many_is_said(
    here: Rehearsal, capsys: pytest.CaptureFixture[str], argv: list[str], sentence: str
) -> None:
    """In one sentence, before anything is read."""
    assert main(argv) in (3, 5)
    assert sentence in capsys.readouterr().err


def test_a_gitlab_that_gives_no_answer_is_waited_for_once(
    here: Rehearsal, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where strategy `auto` asks while projects are opened, too: the others have the same error."""
    for folder in ("one", "three", "two"):
        settings = here.work / folder / "sledge.yaml"
        settings.write_text(settings.read_text().replace("none", "auto"))
    asked: list[str] = []

    def silent(api: Api, path: str) -> None:
        asked.append(path)
        raise UnreachableError(f"GET {path}: no answer", hint="check the network")

    monkeypatch.setattr(Api, "find", silent)
    monkeypatch.setattr(fleet, "workers", lambda *_: workers(1))
    assert run("apply") == 7
    assert len(asked) == 1
    assert capsys.readouterr().err.startswith("sledge: one and 2 others: GET /projects/")


def test_drift_that_only_a_person_can_mend_is_drift_of_many(
    here: Rehearsal, capsys: pytest.CaptureFixture[str]
) -> None:
    """A protected branch that somebody has opened; a plan has nothing to do for it."""
    settings = here.work / "two" / "sledge.yaml"
    protected = "protected_branches: {main: {push: maintainer}}, ci:"
    settings.write_text(settings.read_text().replace("ci:", protected))
    assert run("apply") == 0
    place = f"/projects/{here.group}%2Ftwo/protected_branches"
    here.api("DELETE", f"{place}/main")
    here.api("POST", place, {"name": "main", "push_access_level": 30})
    capsys.readouterr()
    assert (run("plan"), run("drift")) == (0, 2)
    told = "2 with nothing to do; 1 with 0 to add, 0 to change, 0 to destroy; 1 with steps for a person.\n"
    assert capsys.readouterr().out.endswith(f"gitlab: 3 projects: {told}")
