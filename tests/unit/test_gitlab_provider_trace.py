from sledgehammer_gitlab.trace import TraceReader, clean


def test_gitlab_trace_shows_each_line_once() -> None:
    """Every read brings the whole trace, of which only the part that is new is shown."""
    reader = TraceReader()
    assert reader.read(b"one\ntw", is_complete=False) == ["one"]
    assert reader.read(b"one\ntwo\n", is_complete=False) == ["two"]
    assert reader.read(b"one\ntwo\n", is_complete=False) == []
    assert reader.read(b"one\ntwo\nend", is_complete=True) == ["end"]


def test_gitlab_trace_keeps_characters_that_arrive_in_pieces() -> None:
    """A read that ends within a character of a line does not garble it."""
    reader = TraceReader()
    text = "grün\n".encode()
    assert reader.read(text[:3], is_complete=False) == []
    assert reader.read(text, is_complete=False) == ["grün"]


def test_gitlab_trace_without_the_web_pages_marks() -> None:
    """Section marks, colours, timestamps and progress bars' earlier states are not for a terminal log."""
    assert clean("section_start:1700000000:build[collapsed=true]\r\x1b[0K\x1b[32;1mBuilding\x1b[0;m") == "Building"
    assert clean("section_end:1700000000:build\r\x1b[0K") is None
    assert clean("10%\r55%\r100%") == "100%"
    assert clean("2026-05-22T12:43:46.962646Z 01O  indented") == " indented"
    assert clean("") == ""
    assert clean("text\r") == "text"


def test_gitlab_trace_that_was_erased_shows_nothing_more() -> None:
    """An erased job's shorter trace repeats no line."""
    reader = TraceReader()
    reader.read(b"one\ntwo\n", is_complete=False)
    assert reader.read(b"gone\n", is_complete=True) == []
