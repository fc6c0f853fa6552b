"""The record that a build leaves beside its cache: a folder of small text files, written by sh in the job.

- `build`: `format 1`, then lines `image I`, `dockerfile PATH`, `target T`, `platform P`, `arg NAME SHA256`, `commit C`,
  `base REFERENCE DIGEST`, `before DIGEST`
- `Dockerfile`, `ignore`: as they were in the job; `ignore` is absent where there is none
- `files`: the used files as `KIND MODE SHA256 PATH`, sorted by bytes; absent where they were not listed
- `progress`: of BuildKit's progress only the lines that `parse_progress` reads, commands and outputs cut off

Values of arguments stand by their SHA-256, and no line of a RUN step's output gets in: a record holds no secret.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass

from sledgehammer.context.listing import ContextFile, FileKind
from sledgehammer.errors import ConfigurationError
from sledgehammer.explain.inputs import BuildInputs
from sledgehammer.explain.progress import Progress, parse_progress
from sledgehammer.shell.build_record import FORMAT_LINE

FILES = ("build", "Dockerfile", "ignore", "files", "progress")
"""All that a record's folder may hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRecord:
    """What one build was made of and how its steps went. `args` maps names to the SHA-256 of their values."""

    image: str
    commit: str
    before: str  # digest of the record that was the newest when this build began, "" without one
    dockerfile_name: str
    dockerfile: str
    ignore: str
    target: str
    platform: str
    args: Mapping[str, str]
    bases: Mapping[str, str]
    files: tuple[ContextFile, ...] | None  # None: not listed
    progress: Progress

    def inputs(self, known: Mapping[str, str] | None = None) -> BuildInputs:
        """The inputs of the cache keys. Of an argument whose value is not among the `known` ones (values by their
        SHA-256) the hash stands for the value: equal values are equal hashes."""
        values = known or {}
        return BuildInputs(
            dockerfile=self.dockerfile,
            name=self.dockerfile_name,
            files=self.files or (),
            target=self.target,
            platform=self.platform,
            args={name: values.get(digest, f"sha256-{digest}") for name, digest in self.args.items()},
            bases=self.bases,
        )


def values_by_hash(values: Mapping[str, str]) -> Mapping[str, str]:
    """For `BuildRecord.inputs`: the values that the caller knows, from sledge.yaml."""
    return {hashlib.sha256(value.encode()).hexdigest(): value for value in values.values()}


def parse_record(folder: Mapping[str, bytes]) -> BuildRecord:
    """Read a record from its files' bytes by name. Raises ConfigurationError for another format or a broken line."""
    lines = _text(folder, "build").splitlines()
    if lines[:1] != [FORMAT_LINE]:
        raise ConfigurationError(
            f"the build record is not of a form that is read here ({(lines or ['empty'])[0]})",
            hint="it was written by another version of sledge; the next build writes a new one",
        )
    fields = [line.partition(" ")[::2] for line in lines[1:]]
    single = dict(fields)
    return BuildRecord(
        image=single.get("image", ""),
        commit=single.get("commit", ""),
        before=single.get("before", ""),
        dockerfile_name=single.get("dockerfile", "Dockerfile"),
        dockerfile=_text(folder, "Dockerfile"),
        ignore=_text(folder, "ignore"),
        target=single.get("target", ""),
        platform=single.get("platform", ""),
        args=dict(_pair(value) for name, value in fields if name == "arg"),
        bases=dict(_pair(value) for name, value in fields if name == "base"),
        files=_files(folder),
        progress=parse_progress(_text(folder, "progress").splitlines()),
    )


def _text(folder: Mapping[str, bytes], name: str) -> str:
    return os.fsdecode(folder.get(name, b""))


def _files(folder: Mapping[str, bytes]) -> tuple[ContextFile, ...] | None:
    if "files" not in folder:
        return None
    return tuple(_file(line) for line in _text(folder, "files").split("\n") if line)


def _pair(value: str) -> tuple[str, str]:
    name, _, rest = value.partition(" ")
    return name, rest


def _file(line: str) -> ContextFile:
    try:
        kind, mode, digest, path = line.split(" ", 3)
        return ContextFile(path=path, kind=FileKind(kind), digest=digest, mode=int(mode, 8))
    except ValueError as error:
        raise ConfigurationError(
            f"the build record has a line that names no file: {line}", hint="the next build writes a new record"
        ) from error
