"""Settings dataclasses that no file could hold."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from sledgehammer.config.schema import json_schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A field of a type that YAML cannot say."""

    path: Path


def test_a_field_type_outside_the_convention_is_the_plugin_authors_error() -> None:
    """The author of a provider learns at once, with the type's name, that a field cannot be configured."""
    with pytest.raises(TypeError, match="Path"):
        json_schema(Unreadable)
