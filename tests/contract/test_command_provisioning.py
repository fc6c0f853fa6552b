"""plan, apply, drift, adopt and destroy as commands, against the local GitLab."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from gitlab_rehearsal import ROOT_TOKEN, Rehearsal, rehearse

from sledgehammer.cli.main import main

SLEDGE = """\
version: 1
name: web
gitlab:
  project: {path}
  variables:
    KEY: {{from_env: MY_KEY, masked: true}}
"""


@pytest.fixture
def here(gitlab_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rehearsal]:
    """A checkout with its sledge.yaml, which is the current folder."""
    with rehearse(gitlab_url, tmp_path) as made:
        made.commit("sledge.yaml", SLEDGE.format(path=made.path))
        monkeypatch.chdir(tmp_path)
        for name, value in {"GITLAB_URL": gitlab_url, "GITLAB_TOKEN": ROOT_TOKEN, "MY_KEY": "s3cret-value"}.items():
            monkeypatch.setenv(name, value)
        yield made


def run(*argv: str) -> int:
    return main([argv[0], "-p", "gitlab", *argv[1:]])


def test_a_saved_plan_is_applied_as_it_was_shown(here: Rehearsal, capsys: pytest.CaptureFixture[str]) -> None:
    """The file is the owner's alone and has no secret; -p is in it; afterwards there is nothing to do."""
    path = here.work.parent / f"{here.work.name}.plan"
    assert run("plan", "--out", str(path)) == 2
    assert "Plan: 6 to add, 0 to change, 0 to destroy. About " in capsys.readouterr().out
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "s3cret-value" not in path.read_text()
    assert main(["apply", str(path)]) == 0
    assert capsys.readouterr().out.endswith("gitlab: 6 added, 0 changed, 0 destroyed.\n")
    assert (run("plan"), run("drift")) == (0, 0)
    assert capsys.readouterr().out.count("nothing to do") == 2


def test_a_saved_plan_is_refused_once_the_world_has_moved(here: Rehearsal, capsys: pytest.CaptureFixture[str]) -> None:
    """The first difference is named, and nothing is made."""
    path = here.work.parent / f"{here.work.name}.plan"
    run("plan", "--out", str(path))
    here.commit("main.rs")
    assert main(["apply", str(path)]) == 6
    said = capsys.readouterr().err
    assert "the saved plan is out of date: commit of gitlab_repository_content" in said
    assert here.api("GET", here.project) is None


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["apply"], "apply needs a provider or a saved plan"),
        (["apply", "-p", "aws", "FILE"], "the saved plan is for gitlab, not for aws"),
        (["apply", "sledge.yaml"], "is not a plan that this sledge has saved"),
        (["apply", "no-such-file"], "the saved plan no-such-file cannot be read: No such file or directory\n"),
    ],
)
def test_an_apply_without_a_plan_of_its_own_says_what_is_missing(
    here: Rehearsal, capsys: pytest.CaptureFixture[str], argv: list[str], sentence: str
) -> None:
    """Wrong usage is a configuration error, not a traceback."""
    path = here.work.parent / f"{here.work.name}.plan"
    run("plan", "--out", str(path))
    assert main([str(path) if word == "FILE" else word for word in argv]) == 3
    assert sentence in capsys.readouterr().err


def test_a_saved_plan_is_for_one_project(here: Rehearsal, capsys: pytest.CaptureFixture[str]) -> None:
    """In another folder it is refused."""
    path = here.work.parent / f"{here.work.name}.plan"
    run("plan", "--out", str(path))
    here.commit("sledge.yaml", SLEDGE.format(path=here.path).replace("name: web", "name: shop"))
    assert main(["apply", str(path)]) == 3
    assert "the saved plan is for the project web, not for shop" in capsys.readouterr().err


def test_drift_tells_what_was_changed_and_changes_nothing(here: Rehearsal, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, both values, secrets hidden; as JSON too."""
    run("apply")
    here.api("PUT", f"{here.project}/variables/KEY", {"protected": True, "value": "another-value"})
    capsys.readouterr()
    assert run("drift") == 2
    assert capsys.readouterr().out == (
        f"~ gitlab_variable {here.path} KEY\n"
        "    value: *** -> ***\n"
        "    protected: true -> false\n"
        "gitlab: Drift: 0 missing, 1 different, 0 not asked for any more.\n"
    )
    assert run("drift", "--json") == 2
    assert json.loads(capsys.readouterr().out)["summary"]["change"] == 1
    assert here.api("GET", f"{here.project}/variables/KEY")["protected"] is True


def test_drift_ends_with_2_for_what_only_a_person_can_mend(here: Rehearsal, capsys: pytest.CaptureFixture[str]) -> None:
    """A branch that was opened by hand is named with both levels; for an apply there is nothing to do."""
    more = "  protected_branches: {main: {push: maintainer}}\ncache: {strategy: none}\n"
    here.commit("sledge.yaml", SLEDGE.format(path=here.path) + more)
    run("apply")
    here.api("DELETE", f"{here.project}/protected_branches/main")
    here.api("POST", f"{here.project}/protected_branches", {"name": "main", "push_access_level": 30})
    capsys.readouterr()
    assert run("drift") == 2
    said = capsys.readouterr().out
    assert f"! gitlab_protected_branch {here.path} main\n    push: developer -> maintainer\n" in said
    assert run("drift", "--json") == 2
    assert run("plan") == 0


def test_a_saved_plan_is_refused_once_a_secret_is_another(
    here: Rehearsal, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is made; it shows `***` at both times, and the key of fingerprints tells them apart."""
    path = here.work.parent / f"{here.work.name}.plan"
    monkeypatch.setenv("SLEDGE_FINGERPRINT_KEY", "k")
    run("plan", "--out", str(path))
    monkeypatch.setenv("MY_KEY", "an0ther-value")
    assert main(["apply", str(path)]) == 6
    said = capsys.readouterr().err
    assert f"the saved plan is out of date: gitlab_variable {here.path} KEY value: the secret" in said
    assert "an0ther-value" not in said + path.read_text()
    assert here.api("GET", here.project) is None
    monkeypatch.setenv("MY_KEY", "s3cret-value")
    assert main(["apply", str(path)]) == 0


def test_destroy_shows_and_deletes_only_with_yes(here: Rehearsal, capsys: pytest.CaptureFixture[str]) -> None:
    """Without the word it is a plan: exit code 2, nothing is gone; afterwards there is nothing to destroy."""
    run("apply")
    capsys.readouterr()
    assert run("destroy") == 2
    said = capsys.readouterr().out
    assert said.startswith(f"- gitlab_project {here.path}\n")
    assert said.endswith("nothing was deleted; to delete all of this: sledge destroy --yes\n")
    assert here.api("GET", here.project) is not None
    assert run("destroy", "--yes") == 0
    assert capsys.readouterr().out.endswith("gitlab: 0 added, 0 changed, 1 destroyed.\n")
    assert here.api("GET", here.project) is None
    assert (run("destroy"), run("destroy", "--yes")) == (0, 0)


def test_a_destruction_needs_no_secrets(here: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> None:
    """The values of variables may be gone from this machine by then."""
    run("apply")
    monkeypatch.delenv("MY_KEY")
    assert run("destroy", "--yes") == 0


def test_adopt_takes_over_what_the_conflict_named(here: Rehearsal, capsys: pytest.CaptureFixture[str]) -> None:
    """The hint's own words are the command to run; the plan that then holds is shown."""
    run("apply")
    here.api("PUT", f"{here.project}/variables/KEY", {"description": "mine", "value": "another-value"})
    capsys.readouterr()
    assert run("apply") == 6
    assert f"sledge adopt -p gitlab 'gitlab_variable {here.path} KEY'" in capsys.readouterr().err
    assert run("adopt", f"gitlab_variable {here.path} KEY") == 0
    assert "    value: *** -> ***\n" in capsys.readouterr().out
    assert run("apply") == 0
    assert run("adopt", "gitlab_variable nobody KEY") == 5
