"""A script in the CI file, as any reader of YAML takes it."""

from io import StringIO

import pytest
from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import LiteralScalarString

from sledgehammer_gitlab.script_block import literal_block


def by_ruamel(script: str) -> str:
    """The same lines as ruamel.yaml writes them."""
    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 4096
    out = StringIO()
    yaml.dump({"job": {"script": [LiteralScalarString(script)]}}, out)
    return out.getvalue()


@pytest.mark.parametrize(
    "script",
    [
        "true\n",
        "if true; then\n  echo 'x: #y'\nfi\n",
        "first\n\n\n  after blank lines\n",
        "# comment\n--- no document\n... no end\n",
        "- a\n? b\n: c\n% d\n@ e\n",
        "trailing space \n\\ backslash\n\"quotes\" 'both'\n",
        "Größe — naïve\n" + "x" * 5000 + "\n",
    ],
)
def test_a_script_is_written_as_a_yaml_library_writes_it(script: str) -> None:
    """And read as it was."""
    block = literal_block(script)
    assert block is not None
    text = f"job:\n  script:\n    - |\n{block}"
    assert text == by_ruamel(script)
    assert YAML(typ="safe").load(text) == {"job": {"script": [script]}}


@pytest.mark.parametrize(
    "script",
    [
        "",
        "\n",
        "no end",
        "two ends\n\n",
        "\nblank first\n",
        "  indented first\n",
        "a\n   \nb\n",
        "bell \a\n",
        "a\r\nb\n",
    ],
)
def test_a_script_that_needs_another_form_is_left_to_the_library(script: str) -> None:
    """Another indicator, or escapes."""
    assert literal_block(script) is None
