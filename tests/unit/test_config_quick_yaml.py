"""sledge.yaml as libyaml reads it: the same as ruamel.yaml does, which reads it wherever that is not sure."""

import pytest
import yaml

from sledgehammer.config.document import Section, read_document
from sledgehammer.config.quick_yaml import compose_quickly
from sledgehammer.errors import ConfigurationError

READ_QUICKLY = {
    "words that YAML 1.1 takes for something else": "a: [on, yes, No, off, y, 1:30, 0b1]\n",
    "numbers": "a: [012, 0o14, 0x1F, 1_000, 1.5, 1e3, .inf, -.INF, +7, 60.0, 1.]\nb: -1\n",
    "words of both": "a: [true, False, null, ~, '', \"\"]\nb:\nc: ~\n",
    "dates": "a: 2024-01-02\nb: 2024-01-02 10:00:00\nc: 2024-1-2\n",
    "quoted": "a: '012'\nb: \"on\\n\\x41\\/\\u263a\"\nc: 'it''s'\nd: \"v*\"\n",
    "text over several lines": "a: one\n  two\n\n  three\nb: 'one\n\n  two'\nc: d\n",
    "lists and sections in each other": "a:\n  b:\n  - c: 1\n    d:\n\n    # nothing\n  -\n  - - e\nf: {}\n",
    "marks within words": "a: b#c\nd: http://host:80/x?y=z&w#v  # and a remark\n-e: f:g\n",
    "JSON": '{"a": {"b": [1, true, null, "c"]}, "d":"e"}\n',
    "a document's begin": "--- # here\na: b\n",
    "letters beyond ASCII": "ä: ☺\n",
}

READ_EXACTLY = {
    "a tab between tokens": "a:\t\nb: c\n",
    "an anchor with a colon in it": "a: &b:c|- d\n",
    "an alias": "a: &x [1]\nb: *x\n",
    "a remark behind a block scalar's mark": "a: |#b\n  c\n",
    "a block scalar": "a: >-\n  b\n  c\n",
    "a tag": "a: !!str 1\n",
    "YAML 1.1": "%YAML 1.1\n---\na: on\n",
    "a document that ends twice": "a: b\n...\n...\n",
    "a line break of YAML 1.1": "a: \x85b: c\n",
    "a byte order mark": "a: b\n\ufeff",
}


@pytest.mark.parametrize("text", READ_QUICKLY.values(), ids=READ_QUICKLY)
def test_what_libyaml_reads_is_the_same_without_it(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Values, how they are written, and lines are those of YAML 1.2."""
    quick = read_document(text, file="f")
    assert (compose_quickly(text) is not None) == yaml.__with_libyaml__
    monkeypatch.setattr(yaml, "__with_libyaml__", False)

    assert repr(quick) == repr(read_document(text, file="f"))


@pytest.mark.parametrize("text", READ_EXACTLY.values(), ids=READ_EXACTLY)
def test_what_libyaml_might_read_another_way_is_not_left_to_it(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file gives, or is refused with, what it was before libyaml was asked."""
    found = _read(text)
    monkeypatch.setattr(yaml, "__with_libyaml__", False)

    assert found == _read(text)


def _read(text: str) -> Section | str:
    try:
        return read_document(text, file="f")
    except ConfigurationError as error:
        return str(error)
