"""The parts of the AWS endpoint that are pure: its wire forms, its log batches, its patterns."""

from datetime import UTC, datetime

import pytest

from sledgehammer.secret import Secret
from sledgehammer_localstack.aws import cbor
from sledgehammer_localstack.aws.codebuild.artifacts import select
from sledgehammer_localstack.aws.codebuild.buildspec import ArtifactSpec
from sledgehammer_localstack.aws.codebuild.log_stream import BATCH_BYTES, BATCH_EVENTS, Line, SecretMask, batches


@pytest.mark.parametrize(
    "value",
    [
        {"a": [0, 23, 24, 255, 256, 65536, 2**40, -1, -300], "b": {"c": None, "d": True, "e": False}},
        ["", "ü" * 300, b"\x00\xff", 1.5],
        datetime(2026, 1, 2, 3, 4, 5, 500000, tzinfo=UTC),
    ],
)
def test_cbor_comes_back(value: object) -> None:
    """What is encoded is decoded to the same value."""
    assert cbor.decode(cbor.encode(value)) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("9f0102ff", [1, 2]),
        ("bf6161f5ff", {"a": True}),
        ("7f61616162ff", "ab"),
        ("f93c00", 1.0),
        ("fa47c35000", 100000.0),
        ("1903e8", 1000),
        ("3903e7", -1000),
    ],
)
def test_cbor_of_others(text: str, value: object) -> None:
    """Open-ended lists, maps and texts and short floats are read (RFC 8949, appendix A)."""
    assert cbor.decode(bytes.fromhex(text)) == value


@pytest.mark.parametrize("text", ["", "81", "6261", "ff", "0101", "f8ff", "61ff", "1c"])
def test_broken_cbor(text: str) -> None:
    """Bytes that are no CBOR are refused, not misread."""
    with pytest.raises(ValueError, match=r"CBOR|means nothing"):
        cbor.decode(bytes.fromhex(text))


def test_log_batches_keep_to_the_limits() -> None:
    """No batch has more events or bytes than PutLogEvents takes, and no line is lost or moved."""
    short = [Line(timestamp=number, text="x\n") for number in range(BATCH_EVENTS + 1)]
    assert [len(batch) for batch in batches(short)] == [BATCH_EVENTS, 1]
    long = [Line(timestamp=number, text="x" * 200_000) for number in range(12)]
    made = list(batches(long))
    assert [line for batch in made for line in batch] == long
    assert all(sum(line.size_bytes for line in batch) <= BATCH_BYTES for batch in made)
    assert list(batches([])) == []


def test_mask() -> None:
    """Secrets become `***`, the longer first, a secret of several lines line by line."""
    mask = SecretMask()
    mask.add(Secret("token"))
    mask.add(Secret("token-long"))
    mask.add(Secret("-----BEGIN\nabcdef\n}\n"))
    assert mask.apply("a token-long and a token }") == "a *** and a *** }"
    assert mask.apply("abcdef -----BEGIN") == "*** ***"


@pytest.mark.parametrize(
    ("files", "exclude", "chosen"),
    [
        (("**/*",), (), ["a.txt", "d/b.txt", "d/e/c.jar"]),
        (("*",), (), ["a.txt"]),
        (("d/**/*",), ("**/*.jar",), ["d/b.txt"]),
        (("d/*", "./a.???"), (), ["a.txt", "d/b.txt"]),
        (("none",), (), []),
    ],
)
def test_artifact_patterns(files: tuple[str, ...], exclude: tuple[str, ...], chosen: list[str]) -> None:
    """`*` stays within a directory, `**` does not, exclusions win."""
    spec = ArtifactSpec(files=files, exclude_paths=exclude)
    assert select(["d/e/c.jar", "a.txt", "d/b.txt"], spec) == chosen
