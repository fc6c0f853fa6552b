"""One instruction of a Dockerfile."""

import csv
import difflib
import io
import re
from dataclasses import dataclass

from sledgehammer.dockerfile.words import Flag, read_json_form, split_flags, split_words
from sledgehammer.errors import ConfigurationError

KEYWORDS = frozenset(
    {
        "ADD",
        "ARG",
        "CMD",
        "COPY",
        "ENTRYPOINT",
        "ENV",
        "EXPOSE",
        "FROM",
        "HEALTHCHECK",
        "LABEL",
        "MAINTAINER",
        "ONBUILD",
        "RUN",
        "SHELL",
        "STOPSIGNAL",
        "USER",
        "VOLUME",
        "WORKDIR",
    }
)
_WITH_JSON_FORM = frozenset({"ADD", "CMD", "COPY", "ENTRYPOINT", "RUN", "SHELL", "VOLUME"})
_WITH_HEREDOC = frozenset({"ADD", "COPY", "RUN"})
_MAY_BE_EMPTY = frozenset({"CMD", "ENTRYPOINT", "RUN"})


@dataclass(frozen=True, slots=True)
class StageSource:
    """Another stage of the same Dockerfile."""

    index: int


@dataclass(frozen=True, slots=True)
class ImageSource:
    """An image of a registry, or a named build context."""

    reference: str


@dataclass(frozen=True, slots=True)
class ScratchSource:
    """The empty image."""


Source = StageSource | ImageSource | ScratchSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Heredoc:
    """A here-document; `content` is as written, line ends included."""

    name: str
    content: str
    strips_tabs: bool
    expands: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One instruction, continuation lines joined, comments gone.

    `text` is what follows the flags; `exec_form` is that text read as JSON, None in the shell form. `trigger` is
    ONBUILD's inner instruction. `sources` are what `COPY --from` and `RUN --mount=from` name, in that order.
    """

    keyword: str  # upper case
    text: str
    line: int
    flags: tuple[Flag, ...] = ()
    heredocs: tuple[Heredoc, ...] = ()
    exec_form: tuple[str, ...] | None = None
    trigger: "Instruction | None" = None
    sources: tuple[Source, ...] = ()

    def flag(self, name: str) -> str | None:
        """The value of the first flag of that name."""
        return next((flag.value for flag in self.flags if flag.name == name), None)


def parse_instruction(text: str, *, line: int) -> Instruction:
    """Parse one joined line. Raises ConfigurationError without a place: the caller knows it."""
    keyword, _, rest = re.sub(r"\s+", " ", text.strip(), count=1).partition(" ")
    word, keyword = keyword, keyword.upper()
    if keyword not in KEYWORDS:
        near = difflib.get_close_matches(keyword, KEYWORDS, n=1)
        guess = f"; did you mean {near[0]}?" if near else ""
        raise ConfigurationError(f'unknown instruction "{word}"{guess}')
    flags, arguments = split_flags(rest)
    if arguments == "" and keyword not in _MAY_BE_EMPTY:
        raise ConfigurationError(f"{keyword} needs an argument")
    instruction = Instruction(
        keyword=keyword,
        text=arguments,
        line=line,
        flags=flags,
        exec_form=read_json_form(arguments) if keyword in _WITH_JSON_FORM else None,
        trigger=_parse_trigger(arguments, line) if keyword == "ONBUILD" else None,
    )
    _demand_arguments(instruction)
    return instruction


def _parse_trigger(text: str, line: int) -> Instruction:
    trigger = parse_instruction(text, line=line)
    if trigger.keyword in ("FROM", "MAINTAINER", "ONBUILD"):
        raise ConfigurationError(f"{trigger.keyword} is not allowed as an ONBUILD trigger")
    return trigger


def _demand_arguments(instruction: Instruction) -> None:
    keyword, form = instruction.keyword, instruction.exec_form
    if keyword == "SHELL" and form is None:
        raise ConfigurationError('SHELL needs the JSON form: SHELL ["executable", "parameter"]')
    if keyword in ("ADD", "COPY") and len(form if form is not None else instruction.text.split()) < 2:
        raise ConfigurationError(f"{keyword} needs at least one source and a destination")


def may_open_heredoc(instruction: Instruction) -> bool:
    """Whether `<<NAME` in its text is a here-document: RUN, COPY and ADD in the shell form, also below ONBUILD."""
    inner = instruction.trigger or instruction
    return inner.keyword in _WITH_HEREDOC and inner.exec_form is None


def source_names(instruction: Instruction) -> tuple[str, ...]:
    """What `--from` of COPY and ADD, and `from` of RUN's mounts name.

    Raises ConfigurationError for a variable there, which BuildKit refuses as well.
    """
    if instruction.keyword in ("ADD", "COPY"):
        names = [flag.value for flag in instruction.flags if flag.name == "from"]
    elif instruction.keyword == "RUN":
        names = [_mount_source(flag.value or "") for flag in instruction.flags if flag.name == "mount"]
    else:
        names = []
    found = tuple(name for name in names if name)
    for name in found:
        if "$" in name:
            raise ConfigurationError(
                f"from={name}: variables are not expanded there",
                hint=f"name a stage instead: FROM {name} AS source, with the ARG before the first FROM",
            )
    return found


def _mount_source(value: str) -> str:
    """`from` of one mount, the last where there are several; its value is a line of comma-separated values."""
    found = ""
    for field in next(csv.reader(io.StringIO(value)), []):
        key, _, content = field.partition("=")
        if key.strip().lower() == "from":
            found = content.strip()
    return found


def arguments_of(text: str) -> tuple[tuple[str, str | None], ...]:
    """The `name=value` words of an ARG; a word without `=` has no default. Values keep their quotes."""
    pairs = []
    for word in split_words(text):
        name, equals, value = word.partition("=")
        if name == "":
            raise ConfigurationError(f"ARG {word} lacks a name")
        pairs.append((name, value if equals else None))
    return tuple(pairs)
