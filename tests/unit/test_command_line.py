"""The command line on projects that need no cloud: output, exit codes, one clear sentence."""

import subprocess
from pathlib import Path

import pytest

from sledgehammer.changes import Action, AttributeChange, Change, ChangeSet
from sledgehammer.cli.changes_text import render_changes
from sledgehammer.cli.main import main

DOCKERFILE = "FROM rust:1 AS build\nRUN make\nFROM debian AS package\nCOPY --from=build /a /a\n"
SLEDGE = """\
version: 1
name: web
docker: "26.1"
images:
  - name: web
    target: package
gitlab:
  project: acme/web
aws:
  region: eu-central-1
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small committed project in the current folder, with no credential in sight."""
    (tmp_path / "sledge.yaml").write_text(SLEDGE)
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    for argv in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "first"]):
        identity = ["-c", "user.name=n", "-c", "user.email=e@example.com"]
        subprocess.run(["git", *identity, *argv], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("GITLAB_TOKEN", "CI_JOB_TOKEN", "PYTHON_GITLAB_CFG", "AWS_PROFILE", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    """Replace text that must be there."""
    content = path.read_text()
    assert old in content
    path.write_text(content.replace(old, new))


@pytest.mark.parametrize("provider", ["gitlab", "aws"])
def test_render_prints_a_file_that_embeds_the_script(
    provider: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Standard output holds the file and nothing else; it is the same twice."""
    assert main(["render", "-p", provider]) == 0
    first = capsys.readouterr()
    assert main(["render", "-p", provider]) == 0

    assert "docker buildx" in first.out
    assert first.err == ""
    assert capsys.readouterr().out == first.out


@pytest.mark.parametrize(
    ("argv", "old", "new", "sentence", "code"),
    [
        (["render", "-p", "gitlab"], "images:", "imagse:", 'sledge.yaml:4: unknown key "imagse"', 3),
        (["render", "-p", "gitlab"], "target: package", "target: packge", 'did you mean "package"', 3),
        (["render", "-p", "gitlab"], '"26.1"', '"20.10"\ncache: {strategy: registry}', "cannot hit: the builder of", 3),
        (["render", "-p", "aws"], "aws:", "cache: {strategy: regsitry}\naws:", 'did you mean "registry"?', 3),
        (["render", "-p", "aws"], "aws:", "cache: {strategy: regsitry}\naws:", "sledge.yaml:9: cache.strategy", 3),
        (
            ["render", "-p", "gitlab"],
            "    target",
            "  - name: cache\n    target",
            "web would lie in the repository of",
            3,
        ),
        (["render", "-p", "aws"], "web\n    target", "a\n  - name: a-cache\n    target", "a would lie in the", 3),
        (["render", "-p", "gitlub"], "web", "web", 'unknown provider "gitlub"; did you mean "gitlab"', 3),
        (["render", "-p", "aws"], "aws:\n  region: eu-central-1\n", "", "has no section for aws", 3),
        (["render", "-p", "gitlab", "-C", "no/such"], "web", "web", "no/such", 3),
        (["plan", "-p", "gitlab"], "web", "web", "GITLAB_TOKEN", 4),
        (["plan", "-p", "aws"], "web", "web", "credential", 4),
    ],
)
def test_bad_input_is_one_sentence_and_an_exit_code(
    argv: list[str], old: str, new: str, sentence: str, code: int, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the place and the nearest match; no traceback, nothing on standard output."""
    edit(project / "sledge.yaml", old, new)

    assert main(argv) == code

    said = capsys.readouterr()
    assert sentence in said.err
    assert "Traceback" not in said.err
    assert said.out == ""


def test_a_broken_dockerfile_is_named_with_its_line(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is sent anywhere."""
    edit(project / "Dockerfile", "RUN make", "RNU make")

    assert main(["render", "-p", "gitlab"]) == 3
    assert "Dockerfile:2" in capsys.readouterr().err


def test_a_plan_reads_like_a_diff_and_hides_nothing_that_changes() -> None:
    """Unchanged objects are counted, not listed."""
    changes = ChangeSet(
        provider="gitlab",
        changes=(
            Change(action=Action.NONE, kind="gitlab_group", name="acme"),
            Change(
                action=Action.UPDATE,
                kind="gitlab_project",
                name="acme/web",
                attributes=(AttributeChange(name="visibility", before="public", after="private"),),
            ),
            Change(action=Action.CREATE, kind="gitlab_variable", name="acme/web KEY"),
        ),
    )

    assert render_changes(changes) == (
        "~ gitlab_project acme/web\n"
        "    visibility: public -> private\n"
        "+ gitlab_variable acme/web KEY\n"
        "gitlab: Plan: 1 to add, 1 to change, 0 to destroy.\n"
    )


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path in which a test installs commands."""
    folder = tmp_path / "installed"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    return folder


def add_command(folder: Path, distribution: str, name: str) -> None:
    """Install a distribution that adds a command whose module is not there."""
    info = folder / f"{distribution}-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[sledgehammer.commands]\n{name} = no_such_module:COMMAND\n")


def test_a_command_that_lacks_a_module_says_so_only_when_it_is_called(
    added: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Other commands work on; our extra is not named for what another distribution lacks."""
    add_command(added, "acme", "fleet")

    assert main(["schema"]) == 0
    assert main(["fleet", "--all"]) == 10

    said = capsys.readouterr().err
    assert 'command "fleet" of acme needs the Python module no_such_module' in said
    assert "sledgehammer[" not in said


@pytest.mark.parametrize("argv", [["plan", "--bogus"], ["plan", "-p", "gitlab", "--al", "."], ["nonsense"], []])
def test_wrong_usage_is_not_taken_for_changes(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A scheduled job with a misspelt option finds no drift each hour; nor is an option guessed."""
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == 3
    assert capsys.readouterr().err.startswith("usage: sledge")


def test_our_commands_do_not_wait_for_what_others_import(added: Path) -> None:
    """A command that another distribution adds is imported where it may be meant."""
    add_command(added, "acme", "fleet")
    (added / "no_such_module.py").write_text("raise RuntimeError('imported')\n")

    assert main(["schema"]) == 0
    with pytest.raises(RuntimeError, match="imported"):
        main(["fleet"])


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("stack", 'command "stack" is claimed by two distributions'), ("plan", "acme adds a command `sledge plan`")],
)
def test_a_command_with_a_name_that_is_taken_is_refused(
    name: str, sentence: str, added: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence that names the other distribution, and no traceback."""
    add_command(added, "acme", name)

    assert main(["schema"]) == 3
    assert sentence in capsys.readouterr().err
