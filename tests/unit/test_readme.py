"""What the README and the other pages say is so."""

import argparse
import re
from pathlib import Path

import pytest

from sledgehammer import session
from sledgehammer.changes import Action, Change, ChangeSet
from sledgehammer.cli.main import EPILOG, main
from sledgehammer.config import parse_project
from sledgehammer.errors import SledgehammerError
from sledgehammer.outcome import BuiltImage, FailureClass, Outcome, Run, Status
from sledgehammer.ports import OnLog
from sledgehammer.providers import load_providers

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "CONTRIBUTING.md", *(str(page.relative_to(ROOT)) for page in (ROOT / "docs").glob("*.md")))
README = (ROOT / "README.md").read_text()


def block(language: str) -> str:
    """The README's one block in that language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    assert isinstance(found, str)
    return found


class Rehearsed:
    """A session that has one change to make and whose build succeeds."""

    changes = ChangeSet(provider="gitlab", changes=(Change(action=Action.CREATE, kind="gitlab_project", name="a/b"),))

    def plan(self) -> ChangeSet:
        return self.changes

    def apply(self) -> ChangeSet:
        return self.changes

    def run(self, *, on_log: OnLog) -> Outcome:
        on_log("building")
        image = BuiltImage(image="web", reference="host/web@sha256:1", cached_steps=3, total_steps=5)
        run = Run(provider="gitlab", id="1", url="", commit="c")
        return Outcome(
            run=run, status=Status.SUCCEEDED, failure=FailureClass.NONE, reason="", duration_s=1, images=(image,)
        )


def test_the_python_example_runs_in_under_fifteen_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Plan, apply, run and the cached steps, with the names that the library has."""
    opened: list[tuple[str, str]] = []

    def open_session(folder: str, provider: str) -> Rehearsed:
        opened.append((folder, provider))
        return Rehearsed()

    monkeypatch.setattr(session, "open_session", open_session)
    code = block("python")
    exec(compile(code, "README.md", "exec"), {})  # noqa: S102 - our own page

    assert len(code.splitlines()) < 15
    (folder, provider), *_ = opened
    assert (ROOT / folder / "sledge.yaml").exists()
    assert provider in load_providers()
    assert capsys.readouterr().out.splitlines() == [
        "CREATE gitlab_project a/b",
        "building",
        "host/web@sha256:1 3 of 5 steps cached",
    ]


def test_the_project_file_of_the_readme_is_legal() -> None:
    """Every key and value."""
    project = parse_project(block("yaml"), file="README.md", root=ROOT, providers=load_providers())

    assert set(project.providers) == {"gitlab", "aws"}


def test_the_project_file_of_the_provisioning_page_is_legal() -> None:
    """Every key and value, those of GitLab among them."""
    page = (ROOT / "docs" / "provisioning.md").read_text()
    (example,) = re.findall(r"```yaml\n(version: 1\nname: .*?)```", page, re.DOTALL)
    project = parse_project(example, file="provisioning.md", root=ROOT, providers=load_providers())

    assert set(project.providers) == {"gitlab"}


def test_every_exit_code_is_documented_alike() -> None:
    """By the README and by `sledge --help`: the code of every error class, and no other."""
    codes = {error.exit_code for error in SledgehammerError.__subclasses__()}
    (sentence,) = re.findall(r"Exit codes: (.*?)\n\n", README, re.DOTALL)

    for text in (sentence, EPILOG.split(":", 1)[1]):
        assert {int(code) for code in re.findall(r"(?:^|[·;]\s)\s*(\d+)", text)} == codes | {0, 1, 2, 130}


def test_every_command_of_the_readme_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of its table, and those of its blocks with all their options, as the command line reads them."""
    rows = [row.split("[")[0].strip() for row in re.findall(r"^\| `sledge (.*?)`", README, re.MULTILINE)]
    calls = re.findall(r"(?:^|\$\()(?:\./dev )?sledge (.*?)(?:\s*#.*|\).*)?$", "\n".join(shell_blocks()), re.MULTILINE)
    read: list[list[str]] = []
    parse = argparse.ArgumentParser.parse_args

    def only_parse(self: argparse.ArgumentParser, argv: list[str]) -> argparse.Namespace:
        arguments = parse(self, argv)
        read.append(argv)
        arguments.run = lambda given: 0
        return arguments

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", only_parse)
    wanted = [call.split() for call in calls]
    wanted += [alternative.replace("-p P", "-p gitlab").split() for row in rows for alternative in expanded(row)]
    assert [main(argv) for argv in wanted] == [0] * len(wanted)
    assert {"render", "plan", "apply", "run", "build", "schema", "stack"} <= {argv[0] for argv in read}


def shell_blocks() -> list[str]:
    """All of the README's blocks for a shell."""
    return re.findall(r"```sh\n(.*?)```", README, re.DOTALL)


def expanded(row: str) -> list[str]:
    """`stack up\\|down` is `stack up` and `stack down`."""
    head, _, last = row.rpartition(" ")
    return [f"{head} {word}".strip() for word in last.split("\\|")]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    """Links and file names of each page exist in this repository."""
    path = ROOT / page
    text = path.read_text()
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    files = re.findall(r"`((?:tests|docs|examples|core|providers|localstack)/[\w/.-]+)`", text)

    assert [link for link in links if not (path.parent / link).exists()] == []
    assert [file for file in files if not (ROOT / file).exists()] == []
