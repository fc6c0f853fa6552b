"""What the builds of all tools have in common as words of a shell command."""

import itertools
from collections.abc import Iterable

from sledgehammer.operations import Build, CacheExport, CacheWriter, EnvVar, Text, text
from sledgehammer.shell.quote import quote


def common_arguments(build: Build) -> list[str]:
    """Lines that append Dockerfile and build arguments to the positional parameters."""
    words = [("--file", (build.dockerfile,))]
    words += [("--build-arg", (f"{name}={value}",)) for name, value in build.args]
    return [f'set -- "$@" {flag} {quote(value)}' for flag, value in words]


def function(name: str, body: Iterable[str]) -> list[str]:
    """A shell function."""
    return [f"{name}() {{", *(f"  {line}" for line in body), "}"]


def flags(build: Build) -> str:
    """Target, labels and tags of the image itself, with a leading blank."""
    words: list[tuple[str, Text]] = [("--target", (build.target,))] if build.target else []
    words += [("--label", text(f"{name}=", *value)) for name, value in build.labels]
    words += [("--tag", tag) for tag in build.tags]
    return "".join(f" {flag} {quote(value)}" for flag, value in words)


def target_flag(build: Build, export: CacheExport) -> str:
    """`--target` of an export, with a leading blank."""
    target = export.target or build.target
    return f" --target {quote((target,))}" if target else ""


def guarded(build: Build, what: str, writer: CacheWriter | None, command: str) -> list[str]:
    """A command that writes beside the image, below the question who may."""
    if writer is None:
        return [command]
    words = ((build.image,), (what,), writer.ref, writer.shared, writer.is_protected, writer.here, writer.home)
    return [f"if sledge_may_write {' '.join(quote(word) for word in words)}; then", f"  {command}", "fi"]


def unless_equal(values: Iterable[tuple[Text, str]]) -> list[str]:
    """Each line unless its value turns out equal to an earlier one: the default branch's own ref is read once."""
    lines: list[str] = []
    earlier: list[Text] = []
    for value, line in values:
        same = [f"[ {quote(value)} = {quote(other)} ]" for other in earlier if _may_be_equal(value, other)]
        lines.append(" || ".join([*same, line]))
        earlier.append(value)
    return lines


def repository(tag: Text) -> Text:
    """A reference without its tag: all parts before the part that brings the last colon."""
    end = max(index for index, part in enumerate(tag) if isinstance(part, str) and ":" in part)
    last = str(tag[end])
    return text(*tag[:end], last[: last.rindex(":")])


def _may_be_equal(one: Text, other: Text) -> bool:
    """What literals alone decide is not asked in the job: two texts without variables, or with ends that differ."""
    if not any(isinstance(part, EnvVar) for part in (*one, *other)):
        return "".join(map(str, one)) == "".join(map(str, other))
    left, right = list(one), list(other)
    while left and right and left[-1] == right[-1]:
        left.pop()
        right.pop()
    ends = _literal_end(left), _literal_end(right)
    return ends[0].endswith(ends[1]) or ends[1].endswith(ends[0])


def _literal_end(parts: list[str | EnvVar]) -> str:
    """The literals behind the last variable."""
    literals = itertools.takewhile(lambda part: isinstance(part, str), reversed(parts))
    return "".join(reversed([str(part) for part in literals]))
