"""How a settings dataclass describes its fields to the parser and to the JSON Schema.

A section of `sledge.yaml` is a frozen dataclass. A field's type says what may be written: str, int, float,
bool, an Enum (its values), `tuple[T, ...]` (a list), `Mapping[str, T]`, another frozen dataclass (a nested
section), `T | None`, and unions that a reader can tell apart (text or a section, sections with different
required keys). A field without a default is required; the key is the field's name. The rest comes from
`metadata=described(...)`:

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Settings:
        project: str = field(
            metadata=described("Path of the project", pattern=r"[^/]+(/[^/]+)+", expects="group/name")
        )
        timeout_minutes: int = field(
            default=60, metadata=described("Limit of one build", minimum=5, maximum=480)
        )

Checks across fields go into `__post_init__`, which raises ConfigurationError: the parser adds file and line.
"""

from collections.abc import Mapping
from dataclasses import Field, dataclass

_KEY = "sledgehammer.config"


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What is known of one field beyond its name, type and default.

    `pattern` must match a text as a whole (in a list or mapping: each of its texts), `key_pattern` each key of
    a mapping; `expects` and `key_expects` say the same to a person. `minimum` and `maximum` bound a number, or
    the length of a list. `key` replaces the field's name in the file; `unique` names the field that no two
    records of a list may share.
    """

    help: str
    key: str = ""
    pattern: str = ""
    expects: str = ""
    key_pattern: str = ""
    key_expects: str = ""
    minimum: int | None = None
    maximum: int | None = None
    unique: str = ""


def described(
    help: str,  # noqa: A002 - the word that a reader of a settings class expects
    *,
    key: str = "",
    pattern: str = "",
    expects: str = "",
    key_pattern: str = "",
    key_expects: str = "",
    minimum: int | None = None,
    maximum: int | None = None,
    unique: str = "",
) -> Mapping[str, object]:
    """Metadata for `dataclasses.field`, in the words of Description. `help` is one sentence for a person."""
    description = Description(
        help=help,
        key=key,
        pattern=pattern,
        expects=expects,
        key_pattern=key_pattern,
        key_expects=key_expects,
        minimum=minimum,
        maximum=maximum,
        unique=unique,
    )
    return {_KEY: description}


def description_of(declared: Field[object]) -> Description:
    """What `described` was told; an empty description for a field without it."""
    found = declared.metadata.get(_KEY)
    return found if isinstance(found, Description) else Description(help="")
