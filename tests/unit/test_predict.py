"""Predictions from two sets of inputs; how well they do against BuildKit is measured in tests/integration."""

import subprocess
from pathlib import Path

import pytest

from sledgehammer.cli.main import main
from sledgehammer.context.listing import ContextFile, FileKind
from sledgehammer.explain import BuildInputs, predict
from sledgehammer.explain.text import render_predictions

DOCKERFILE = """ARG TAG=1
FROM base:${TAG} AS build
WORKDIR /app
COPY lock ./
RUN install
COPY src src
RUN make
COPY README /app/words/
FROM base:${TAG}
WORKDIR /app
COPY --from=build /app/bin /bin/
ENV LEVEL=1
RUN check
"""


def inputs(
    dockerfile: str = DOCKERFILE, *, args: dict[str, str] | None = None, contents: dict[str, str] | None = None
) -> BuildInputs:
    """Three files, one of them below a folder."""
    files = {"README": "r", "lock": "l", "src/main.c": "m", **(contents or {})}
    return BuildInputs(
        dockerfile=dockerfile,
        files=tuple(
            ContextFile(path=path, kind=FileKind.REGULAR, digest=content) for path, content in sorted(files.items())
        ),
        args=args or {},
        bases={"base:1": "sha256:one"},
    )


def missed(before: BuildInputs, after: BuildInputs) -> dict[str, str]:
    """The reason by the label of each step that is to run."""
    return {found.step.label: found.reason for found in predict(before, after) if not found.is_hit}


def test_nothing_changed_is_all_hits() -> None:
    """Comments, empty lines and what no step copies are in no key; equal steps of two stages are one."""
    after = inputs(
        "# words\n" + DOCKERFILE.replace("\nFROM base:${TAG}\n", "\n\nFROM base:${TAG}\n"), contents={"other": "new"}
    )

    predictions = predict(inputs(), after)

    assert [found.labels for found in predictions if not found.is_hit] == []
    assert predictions[0].labels == ("[build 2/7]", "[stage-1 2/4]")


def test_a_step_is_called_as_it_is_written() -> None:
    """A flag without a value has none; a long line is cut."""
    dockerfile = f"FROM base:1\nCOPY  --link --chown=1:1 src/main.c /\nRUN {'x' * 200}\n"

    copy, run = predict(inputs(dockerfile), inputs(dockerfile))

    assert copy.step.title == "COPY --link --chown=1:1 src/main.c /"
    assert run.step.title.endswith("xxx…")


@pytest.mark.parametrize(
    ("after", "reasons"),
    [
        (
            inputs(contents={"src/main.c": "other"}),
            {
                "[build 5/7]": "src/main.c (content)",
                "[build 6/7]": "follows [build 5/7]",
                "[build 7/7]": "follows [build 5/7]",
                "[stage-1 3/4]": "follows [build 5/7]",
                "[stage-1 4/4]": "follows [build 5/7]",
            },
        ),
        (inputs(contents={"README": "other"}), {"[build 7/7]": "README (content)"}),
        (
            inputs(DOCKERFILE.replace("ENV LEVEL=1", "ENV LEVEL=2")),
            {"[stage-1 4/4]": "ENV LEVEL (value)"},
        ),
        (
            inputs(DOCKERFILE.replace("ENV LEVEL=1", "ENV LEVEL=1\nUSER 5")),
            {"[stage-1 4/4]": "USER"},
        ),
        (inputs(args={"NOBODY": "1"}), {}),
        (inputs(DOCKERFILE.replace("RUN make", "RUN  make")), {}),
        (
            inputs(DOCKERFILE.replace("RUN make", "ARG MODE=1\nRUN make")),
            {"[build 6/7]": "ARG MODE (added)", "[build 7/7]": "follows [build 6/7]"},
        ),
        (
            inputs(DOCKERFILE.replace("RUN make", "RUN make all")),
            {
                "[build 6/7]": "the instruction's text",
                "[build 7/7]": "follows [build 6/7]",
                "[stage-1 3/4]": "follows [build 6/7]",
                "[stage-1 4/4]": "follows [build 6/7]",
            },
        ),
        (
            inputs(DOCKERFILE.replace("RUN check", "RUN true\nRUN check")),
            {"[stage-1 4/5]": "a new step", "[stage-1 5/5]": "follows [stage-1 4/5]"},
        ),
        (
            inputs(DOCKERFILE.replace("COPY --from=build /app/bin /bin/\n", "")),
            {"[stage-1 3/3]": "it follows another step than before"},
        ),
    ],
)
def test_what_changed_is_named_at_its_step(after: BuildInputs, reasons: dict[str, str]) -> None:
    """A step's own change by name, what follows by the step where it began; a copy of what no changed step can have
    written hits."""
    assert missed(inputs(), after) == reasons


def test_a_base_image_is_all_that_stands_on_it() -> None:
    """By digest under the same reference, by reference, and by the ARG in it."""
    before = inputs()
    digest = BuildInputs(dockerfile=DOCKERFILE, files=before.files, bases={"base:1": "sha256:two"})

    assert missed(before, digest)["[build 2/7]"] == "the base image base:1 (sha256:one → sha256:two)"
    assert missed(before, inputs(args={"TAG": "2"}))["[build 2/7]"] == "the base image, now base:2"
    assert len(missed(before, digest)) == len(predict(before, digest))


def test_predictions_as_text() -> None:
    """A line per step, misses with their reason, and a sum."""
    text = render_predictions(predict(inputs(), inputs(contents={"README": "other"})))

    assert "miss [build 7/7] COPY README /app/words/  <- README (content)\n" in text
    assert text.endswith("\n7 of 8 steps will be cached\n")


def test_the_command_compares_commits_and_the_work_tree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """HEAD against the work tree, a commit against another, sledge.yaml's arguments included, and the repository
    where an image takes it in; an unknown commit is told, and so are three dots."""

    def git(*argv: str) -> None:
        identity = ("-c", "user.name=n", "-c", "user.email=e@example.com")
        subprocess.run(["git", *identity, *argv], cwd=tmp_path, check=True, capture_output=True)

    (tmp_path / "Dockerfile").write_text("FROM base\nARG LEVEL\nCOPY a /a\nRUN make\n")
    (tmp_path / "sledge.yaml").write_text("version: 1\nname: app\n")
    (tmp_path / "a").write_text("one")
    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-q", "-m", "first")
    (tmp_path / "sledge.yaml").write_text("version: 1\nname: app\nimages: [{name: app, args: {LEVEL: '2'}}]\n")
    git("commit", "-q", "-a", "-m", "second")
    (tmp_path / "a").write_text("two")

    assert main(["predict", "-C", str(tmp_path)]) == 0
    assert "miss [stage-0 2/3] COPY a /a  <- a (content)\nmiss" in capsys.readouterr().out
    assert main(["predict", "-C", str(tmp_path), "HEAD~1..HEAD"]) == 0
    assert "miss [stage-0 3/3] RUN make  <- ARG LEVEL (added)\n1 of 2" in capsys.readouterr().out
    (tmp_path / "Dockerfile").write_text("FROM base\nCOPY . /app\n")
    git("commit", "-q", "-a", "-m", "third")
    git("commit", "-q", "--allow-empty", "-m", "fourth")
    assert main(["predict", "-C", str(tmp_path), "HEAD~1..HEAD"]) == 0
    assert "miss [stage-0 2/2] COPY . /app  <- .git/HEAD (content)" in capsys.readouterr().out
    (tmp_path / ".dockerignore").write_text(".git\n")
    assert main(["predict", "-C", str(tmp_path), "nowhere"]) == 3
    assert 'git knows no commit "nowhere"' in capsys.readouterr().err
    assert main(["predict", "-C", str(tmp_path), "HEAD~1...HEAD"]) == 3
    said = capsys.readouterr().err
    assert "HEAD~1...HEAD has three dots" in said
    assert "write HEAD~1..HEAD, or" in said
