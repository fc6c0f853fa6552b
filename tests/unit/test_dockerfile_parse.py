"""Dockerfiles as people write them: what the parser reads, and what it refuses."""

from textwrap import dedent

import pytest

from sledgehammer.dockerfile import Instruction, parse_dockerfile
from sledgehammer.dockerfile.instruction import Heredoc
from sledgehammer.dockerfile.lines import Directives
from sledgehammer.dockerfile.words import Flag
from sledgehammer.errors import ConfigurationError


def instructions(text: str) -> tuple[Instruction, ...]:
    """The instructions of the last stage of a Dockerfile that starts with FROM scratch, or as given."""
    source = dedent(text)
    return parse_dockerfile(source if "FROM" in source else "FROM scratch\n" + source).stages[-1].instructions


def texts(text: str) -> list[tuple[str, str]]:
    return [(instruction.keyword, instruction.text) for instruction in instructions(text)]


def test_directives_stand_above_everything_else() -> None:
    """Syntax, escape and check are read in any case and with any spacing."""
    text = "#Syntax=docker/dockerfile:1\n# ESCAPE = `\n#check=skip=all;error=true\n# syntax=late\nFROM x\n"
    with pytest.raises(ConfigurationError, match="Dockerfile:1: only one syntax directive can be used"):
        parse_dockerfile(text)
    graph = parse_dockerfile(text.replace("# syntax=late\n", "# a comment ends them\n# syntax=late\n"))
    assert graph.directives == Directives(syntax="docker/dockerfile:1", escape="`", check="skip=all;error=true")


@pytest.mark.parametrize("top", ["\n", "# hello\n", "# unknown=1\n", "#!/usr/bin/env docker\n"])
def test_a_directive_below_anything_else_is_a_comment(top: str) -> None:
    """An empty line, a comment or an unknown directive ends the directives."""
    assert parse_dockerfile(top + "# escape=`\nFROM x\n").directives == Directives()


def test_an_escape_of_any_other_character_is_refused() -> None:
    """Only the backslash and the backtick can be the escape character."""
    with pytest.raises(ConfigurationError, match="neither"):
        parse_dockerfile("# escape=x\nFROM x\n")


def test_continuation_lines_are_joined_without_comments_and_empty_lines() -> None:
    """A long RUN with comments in the middle is one instruction that starts at its first line."""
    (run,) = instructions(
        """\
        FROM debian
        RUN apt-get update && \\
            # the compiler
            apt-get install -y gcc \\

            make \\
          # and away with the lists
            && rm -rf /var/lib/apt/lists/*
        """
    )
    assert run.line == 2
    words = " ".join(run.text.split())
    assert words == "apt-get update && apt-get install -y gcc make && rm -rf /var/lib/apt/lists/*"


def test_a_word_broken_over_lines_is_one_word() -> None:
    """Continuation adds nothing between the parts, and white space behind the mark does not matter."""
    assert texts("LABEL a=foo\\ \t\nbar\n") == [("LABEL", "a=foobar")]


def test_a_doubled_escape_continues_nothing() -> None:
    """A line that ends in an escaped backslash is complete."""
    assert texts("RUN echo a\\\\\nRUN echo b\n") == [("RUN", "echo a\\\\"), ("RUN", "echo b")]


def test_with_the_backtick_as_escape_a_path_may_end_in_a_backslash() -> None:
    """The Windows case that the directive exists for."""
    text = "# escape=`\nFROM windows\nCOPY a.txt C:\\\\\nRUN dir `\n  C:\\\n"
    assert [(i.keyword, i.text) for i in parse_dockerfile(text).stages[0].instructions] == [
        ("COPY", "a.txt C:\\\\"),
        ("RUN", "dir   C:\\"),
    ]


def test_windows_line_ends_and_a_byte_order_mark_do_not_matter() -> None:
    """A file that an editor on Windows wrote reads the same."""
    graph = parse_dockerfile("\ufeff# syntax=x\r\nFROM a AS b\r\nRUN one \\\r\n  two\r\n")
    assert graph.directives.syntax == "x"
    assert graph.stages[0].name == "b"
    assert graph.stages[0].instructions[0].text == "one   two"


def test_keywords_and_as_in_any_case() -> None:
    """Lower-case Dockerfiles are Dockerfiles; names of stages are lower case afterwards."""
    graph = parse_dockerfile("from a as Build\nrun x\nFrom build As package\n\tcopy --from=BUILD x y\n")
    assert [stage.name for stage in graph.stages] == ["build", "package"]
    assert graph.stages[0].instructions[0].keyword == "RUN"


def test_flags_are_read_off_and_kept_even_when_unknown() -> None:
    """A newer BuildKit's flag does not stop us; quotes in a flag go, a lone -- ends the flags."""
    copy, run, plain = instructions(
        """\
        COPY --link --chown=1000:1000 --some-new="a b" src /dst
        RUN --mount=type=cache,target=/root/.cargo --network=none cargo build --release
        RUN -- --version
        """
    )
    assert copy.flags == (
        Flag(name="link", value=None),
        Flag(name="chown", value="1000:1000"),
        Flag(name="some-new", value="a b"),
    )
    assert copy.text == "src /dst"
    assert run.flag("network") == "none"
    assert run.text == "cargo build --release"
    assert (plain.flags, plain.text) == ((), "--version")


def test_exec_form_is_json_and_anything_else_is_shell_form() -> None:
    """`["a"]` is a list of words; with single quotes it is a shell command, as BuildKit has it."""
    forms = [
        i.exec_form for i in instructions('CMD ["a", "b c"]\nCMD [\'a\']\nENTRYPOINT []\nRUN [ -f x ] && echo y\n')
    ]
    assert forms == [("a", "b c"), None, (), None]


def test_a_heredoc_is_no_instruction() -> None:
    """The body of a here-document is kept as it is, comments and keywords in it included."""
    (run, user) = instructions(
        """\
        FROM debian
        RUN <<EOF
        # not a comment
        FROM nowhere \\
        EOF
        USER nobody
        """
    )
    assert run.heredocs == (
        Heredoc(name="EOF", content="# not a comment\nFROM nowhere \\\n", strips_tabs=False, expands=True),
    )
    assert user.line == 6


def test_several_heredocs_in_one_instruction_follow_each_other() -> None:
    """COPY takes two files from two bodies; a quoted name means that nothing expands, <<- lets the end be indented."""
    (copy,) = instructions('COPY <<one.txt <<-"two.txt" /dst/\n$A\none.txt\n\t\tB\n\ttwo.txt\n')
    assert copy.heredocs == (
        Heredoc(name="one.txt", content="$A\n", strips_tabs=False, expands=True),
        Heredoc(name="two.txt", content="\t\tB\n", strips_tabs=True, expands=False),
    )


@pytest.mark.parametrize(
    "line",
    [
        "RUN python3 - <<'PY' && echo done",
        "RUN cat > /etc/conf <<PY",
        "RUN cat 3<<PY",
        "ONBUILD RUN <<PY",
        "RUN --mount=type=cache,target=/x <<PY",
        "RUN echo 'a b' \\\n <<PY",
    ],
)
def test_a_heredoc_may_stand_anywhere_in_the_line(line: str) -> None:
    """The body belongs to the instruction, whatever else its line holds."""
    first, last = instructions(f"{line}\nprint(1)\nPY\nUSER 1\n")
    assert [body.content for body in first.heredocs] == ["print(1)\n"]
    assert last.text == "1"


@pytest.mark.parametrize(
    "line",
    [
        "RUN cat <<<word",
        "RUN echo $((1<<4))",
        "RUN echo '<<EOF'",
        'RUN ["sh", "-c", "cat <<EOF"]',
        "ENV A=<<EOF",
        "RUN cat << EOF",
    ],
)
def test_what_only_looks_like_a_heredoc_opens_none(line: str) -> None:
    """Here-strings, shifts, quoted text and other instructions are left alone."""
    first, last = instructions(f"{line}\nUSER 1\n")
    assert first.heredocs == ()
    assert last.keyword == "USER"


def test_onbuild_holds_its_trigger() -> None:
    """The inner instruction is parsed like any other."""
    (onbuild,) = instructions('ONBUILD COPY --chown=1 ["a b", "/c"]\n')
    assert onbuild.trigger is not None
    assert (onbuild.trigger.keyword, onbuild.trigger.exec_form) == ("COPY", ("a b", "/c"))
    assert onbuild.trigger.flag("chown") == "1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Dockerfile:1: there is no FROM"),
        ("# only this\n", "Dockerfile:1: there is no FROM"),
        ("ARG A\n", "Dockerfile:1: there is no FROM"),
        ("ARG A\nRUN x\nFROM y\n", "Dockerfile:2: RUN before the first FROM; only ARG may stand there"),
        ("FROM x\n\nRNU y\n", 'Dockerfile:3: unknown instruction "RNU"; did you mean RUN?'),
        ("FROM x\n&& y\n", 'Dockerfile:2: unknown instruction "&&"'),
        ("FROM\n", "Dockerfile:1: FROM needs an argument"),
        ("FROM x\nUSER\n", "Dockerfile:2: USER needs an argument"),
        ("FROM x y\n", "Dockerfile:1: FROM x y is not of the form FROM image [AS name]"),
        ("FROM x IS y\n", "Dockerfile:1: FROM x IS y is not of the form"),
        ("FROM x AS 1st\n", 'Dockerfile:1: "1st" is no name for a stage'),
        ("FROM x\nCOPY a\n", "Dockerfile:2: COPY needs at least one source and a destination"),
        ("FROM x\nSHELL bash\n", "Dockerfile:2: SHELL needs the JSON form"),
        ('FROM x\nCMD ["a", 1]\n', "Dockerfile:2: a JSON array here holds strings only"),
        ("FROM x\nRUN <<EOF\nunended\n", "Dockerfile:2: the here-document EOF has no end"),
        ("FROM x\nRUN cat <<EOF>/y\nEOF\n", "Dockerfile:2: the here-document EOF>/y has no end"),
        ("FROM x\nONBUILD FROM y\n", "Dockerfile:2: FROM is not allowed as an ONBUILD trigger"),
        ("FROM x\nONBUILD ONBUILD RUN y\n", "Dockerfile:2: ONBUILD is not allowed as an ONBUILD trigger"),
        ('ARG A="x\nFROM y\n', 'Dockerfile:1: `A="x` has an open quote'),
        ("FROM x\n\\\n\n", "Dockerfile:2: a continuation mark with nothing to continue"),
    ],
)
def test_a_broken_dockerfile_is_refused_with_file_and_line(text: str, message: str) -> None:
    """Each mistake names its line; nothing ends in a traceback."""
    with pytest.raises(ConfigurationError) as caught:
        parse_dockerfile(text)
    assert str(caught.value).startswith(message)
