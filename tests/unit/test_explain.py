"""Records of builds and the reasons that they give, with progress captured from BuildKit 0.13."""

import hashlib
from pathlib import Path

import pytest

from sledgehammer.errors import ConfigurationError
from sledgehammer.explain import BuildRecord, StepReason, explain, parse_record
from sledgehammer.explain.progress import parse_progress
from sledgehammer.explain.record import values_by_hash
from sledgehammer.explain.text import render_reasons

LOGS = Path(__file__).parent / "progress"
REF = "registry.example/library/nothing:z"
SAME_KEY = "same key, yet it ran: the cache did not hold it"
BASE = "sha256:" + "a" * 64
FILES = {"a": "regular 644", "b1": "regular 644", "d/e": "executable 755"}
DOCKERFILE = """FROM debian:trixie-slim AS base
ARG V=1
WORKDIR /app
COPY a b* ./
RUN --mount=type=bind,target=/ctx echo "hello  $V" && cat a > c
RUN <<EOF
echo hi
echo ho
EOF
ENV E=x Y=${V}
ADD d /d
FROM base AS mid
COPY --chmod=755 --chown=1:1 a /z
FROM scratch
WORKDIR /q
COPY --from=mid /app/c /c
COPY <<EOF /h
x
EOF
"""


def digest(text: str) -> str:
    """As a record holds it."""
    return hashlib.sha256(text.encode()).hexdigest()


def log(name: str) -> str:
    """Progress as BuildKit wrote it."""
    return (LOGS / f"{name}.txt").read_text()


def all_ran() -> str:
    """The log of the cached build, as if every step had run and no cache been asked for."""
    lines = log("nothing-changed").replace(" CACHED", " DONE 1.5s").splitlines()
    return "\n".join(line for line in lines if "import" not in line)


def record(
    progress: str = "",
    *,
    dockerfile: str = DOCKERFILE,
    files: dict[str, str] | None = None,
    contents: dict[str, str] | None = None,
    args: dict[str, str] | None = None,
    base: str = BASE,
) -> BuildRecord:
    """A record as a job writes it."""
    build = ["format 1", "image app", "dockerfile Dockerfile", "platform linux/amd64", "commit " + "c" * 40]
    build += [f"arg {name} {digest(value)}" for name, value in (args or {}).items()]
    build += [f"base debian:trixie-slim {base}", ""]
    lines = [f"{form} {digest((contents or {}).get(path, path))} {path}\n" for path, form in (files or FILES).items()]
    folder = {"build": "\n".join(build), "Dockerfile": dockerfile, "files": "".join(lines), "progress": progress}
    return parse_record({name: text.encode() for name, text in folder.items()})


def told(reasons: tuple[StepReason, ...]) -> dict[str, str]:
    """The reason by the step's label."""
    return {reason.step.label: reason.reason for reason in reasons}


def test_progress_names_steps_seconds_and_caches() -> None:
    """From the real log: which steps were cached, which cache was not there."""
    progress = parse_progress(log("nothing-changed").splitlines())

    assert [step.label for step in progress.steps if not step.is_cached] == ["[stage-2 1/3]"]
    assert len(progress.steps) == 9
    (asked,) = progress.imports
    assert asked.ref == REF
    assert asked.error.endswith("not found")


def test_the_file_the_argument_and_the_step_above_are_named() -> None:
    """A real second build: one file and one ARG were changed; what only follows names the step where it began."""
    now = record(log("file-and-argument"), contents={"a": "9"}, args={"V": "secret-value"})

    reasons = told(explain(record(), now))

    assert reasons["[base 3/6]"] == "a (content)"
    assert reasons["[base 4/6]"] == "a (content); ARG V (value)"
    assert reasons["[base 5/6]"] == "ARG V (value)"
    assert reasons["[base 6/6]"] == "follows [base 5/6]"
    assert reasons["[mid 1/1]"] == "a (content)"
    assert "[base 2/6]" not in reasons


def test_what_follows_a_step_that_two_stages_have_names_it_as_it_was_told() -> None:
    """BuildKit builds equal steps once, under one name: no step that ran is missing from the text for it."""
    dockerfile = """FROM debian:trixie-slim AS one
WORKDIR /app
FROM debian:trixie-slim
WORKDIR /app
COPY --from=one /app /one
"""
    ran = "#5 [one 2/2] WORKDIR\n#5 DONE 0.1s\n#6 [stage-1 3/3] COPY\n#6 DONE 0.2s\n"
    now = record(ran, dockerfile=dockerfile, base="sha256:" + "b" * 64)

    reasons = explain(record(dockerfile=dockerfile), now)

    assert told(reasons) == {"[one 2/2]": BASE_CHANGE, "[stage-1 3/3]": "follows [one 2/2]"}
    assert "and so did [stage-1 3/3]" in render_reasons(now, reasons)


def test_a_copy_that_another_folder_moves_is_told_so() -> None:
    """Its own text is the same: where it writes to is what changed."""
    dockerfile = "FROM debian:trixie-slim\nWORKDIR /{0}\nCOPY a ./\n"
    now = record("#6 [stage-0 3/3] COPY\n#6 DONE 0.2s\n", dockerfile=dockerfile.format("r"))

    reasons = told(explain(record(dockerfile=dockerfile.format("q")), now))

    assert reasons == {"[stage-0 3/3]": "where it writes to (/q/ → /r/)"}


BASE_CHANGE = "the base image debian:trixie-slim (sha256:aaaaaaaaaaaa → sha256:bbbbbbbbbbbb)"


@pytest.mark.parametrize(
    ("now", "label", "reason"),
    [
        (record(all_ran(), files={**FILES, "a": "regular 666"}), "[base 3/6]", "a 644 → 666 (mode)"),
        (record(all_ran(), files={**FILES, "b2": "regular 644"}), "[base 3/6]", "b2 (added)"),
        (record(all_ran(), files={"a": FILES["a"], "d/e": FILES["d/e"]}), "[base 3/6]", "b1 (removed)"),
        (record(all_ran(), base="sha256:" + "b" * 64), "[base 2/6]", BASE_CHANGE),
        (
            record(all_ran(), dockerfile=DOCKERFILE.replace("echo ho", "echo hu")),
            "[base 5/6]",
            "the instruction's text",
        ),
        (
            record(all_ran(), dockerfile=DOCKERFILE.replace("DIR /q", "DIR /r")),
            "[stage-2 1/3]",
            "the instruction's text",
        ),
        (
            record(all_ran(), dockerfile=DOCKERFILE.replace("ADD d /d", "ADD d /e")),
            "[base 6/6]",
            "the instruction's text",
        ),
        (
            record(all_ran(), dockerfile=DOCKERFILE.replace("ARG V=1", "ARG V=2")),
            "[base 4/6]",
            "ARG V (value)",
        ),
        (record(all_ran(), dockerfile=DOCKERFILE.replace("ARG V", "#\nARG V")), "[base 2/6]", SAME_KEY),
    ],
)
def test_each_part_of_a_key_has_its_reason(now: BuildRecord, label: str, reason: str) -> None:
    """Files by content, mode and presence, base image, text, variables; what is in no key is no reason."""
    assert told(explain(record(), now))[label] == reason


def test_without_a_cache_or_a_record_the_imports_tell() -> None:
    """Every cache that was asked for failed: that is the reason, whatever else changed."""
    now = record(log("nothing-changed").replace(" CACHED", " DONE 1.5s"), contents={"a": "9"})

    assert set(told(explain(record(), now)).values()) == {f"no cache found (not found on {REF})"}
    assert set(told(explain(None, record(all_ran()))).values()) == {"no earlier build left a record"}


def test_a_step_that_should_have_hit_is_told_once() -> None:
    """The cache did not hold the first step; those after it follow it."""
    reasons = told(explain(record(), record(all_ran())))

    assert reasons["[base 2/6]"] == SAME_KEY
    assert reasons["[base 5/6]"] == "follows [base 2/6]"
    assert reasons["[mid 1/1]"] == "follows [base 2/6]"


def test_a_small_copy_that_no_cache_was_written_for_is_told() -> None:
    """A copy of the context into a layer of its own: the build that copied it first may have kept nothing."""
    progress = "#1 [base 2/2] COPY --link a /a\n#1 DONE 0.0s"
    linked = record(progress, dockerfile="FROM debian:trixie-slim AS base\nCOPY --link a /a\n")

    (reason,) = explain(linked, linked)

    assert reason.reason == "same key, yet it ran: a build that only copies little writes no cache"


def test_a_record_holds_hashes_and_known_values_take_their_place() -> None:
    """A value that sledge.yaml knows stands where its hash stood; another is told apart by its hash."""
    now = record(args={"V": "a"})

    assert now.inputs().args == {"V": f"sha256-{digest('a')}"}
    assert now.inputs(values_by_hash({"V": "a"})).args == {"V": "a"}


def test_reasons_as_text() -> None:
    """One line per root cause, with what follows it and the seconds."""
    now = record(log("file-and-argument"), contents={"a": "9"}, args={"V": "secret-value"})

    text = render_reasons(now, explain(record(), now))

    assert text.startswith("image app at cccccccccccc: ")
    assert "ran [base 3/6] COPY a b* ./ (" in text
    assert "  <- ARG V (value)\n    and so did [base 6/6], [stage-2 2/3], [stage-2 3/3] (" in text
    assert "secret-value" not in text


def test_a_record_of_another_form_is_refused() -> None:
    """By its first line; a broken line of files is named."""
    with pytest.raises(ConfigurationError, match=r"not of a form that is read here \(format 9\)"):
        parse_record({"build": b"format 9\n"})
    with pytest.raises(ConfigurationError, match="names no file: what"):
        parse_record({"build": b"format 1\n", "files": b"what\n"})


def test_files_that_were_not_listed_are_not_said_to_be_equal() -> None:
    """Without a list of files a COPY from the context may have changed."""
    build = f"format 1\nplatform linux/amd64\nbase debian:trixie-slim {BASE}\n"
    bare = {"build": build, "Dockerfile": DOCKERFILE.replace("*", ""), "progress": ""}
    now = parse_record({name: text.encode() for name, text in {**bare, "progress": all_ran()}.items()})

    reasons = told(explain(parse_record({name: text.encode() for name, text in bare.items()}), now))

    assert reasons["[base 2/6]"] == SAME_KEY
    assert reasons["[base 3/6]"] == "follows [base 2/6]"
