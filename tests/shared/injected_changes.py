"""Changes of all kinds that a repository goes through, to be injected into copies of the examples."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "\nFROM base:1 AS package"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One injected change. `arg` is NAME=VALUE for the build; `base` what the name base:1 stands for. `told` is a
    regular expression for what is to name it, "" where no step runs because of it."""

    name: str
    told: str = ""
    edit: Callable[[Path], object] = lambda folder: None
    arg: str = ""
    base: str = "base:1"


def write(path: str, text: str) -> Callable[[Path], object]:
    """A new file, or another content."""

    def edit(folder: Path) -> None:
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text)

    return edit


def append(path: str, text: str) -> Callable[[Path], object]:
    """More at the end of a file."""
    return lambda folder: (folder / path).write_text((folder / path).read_text() + text)


def swap(old: str, new: str, path: str = "Dockerfile") -> Callable[[Path], object]:
    """Another text in a file, which must be there."""

    def edit(folder: Path) -> None:
        text = (folder / path).read_text()
        assert old in text, (path, old)
        (folder / path).write_text(text.replace(old, new))

    return edit


def both(*edits: Callable[[Path], object]) -> Callable[[Path], object]:
    """Several edits as one change."""
    return lambda folder: [edit(folder) for edit in edits]


def rename(old: str, new: str) -> Callable[[Path], object]:
    """A file under another name."""
    return lambda folder: (folder / old).rename(folder / new)


def mode(path: str, bits: int) -> Callable[[Path], object]:
    """Other permissions."""
    return lambda folder: (folder / path).chmod(bits)


def prepend(path: str, text: str) -> Callable[[Path], object]:
    """More at the top of a file."""
    return lambda folder: (folder / path).write_text(text + (folder / path).read_text())


EVERYWHERE = (
    Change(name="nothing"),
    Change(name="README", edit=append("README.md", "more\n")),
    Change(name="ignored new file", edit=write("notes.txt", "words")),
    Change(name="ignored folder", edit=write("log/today", "words")),
    Change(name="comment in Dockerfile", edit=append("Dockerfile", "# the end\n")),
    Change(name="comment on top", edit=prepend("Dockerfile", "# top\n")),
    Change(name="empty lines", edit=swap(PACKAGE, f"\n\n{PACKAGE}")),
    Change(name="lower-case keyword", edit=swap("\nCMD ", "\ncmd ")),
    Change(name="CMD", edit=append("Dockerfile", 'CMD ["true"]\n')),
    Change(name="EXPOSE", edit=append("Dockerfile", "EXPOSE 9\n")),
    Change(name="LABEL", edit=append("Dockerfile", "LABEL a=b\n")),
    Change(name="USER at the end", edit=append("Dockerfile", "USER 1\n")),
    Change(name="ARG unused, above FROM", edit=prepend("Dockerfile", "ARG UNUSED=1\n")),
    Change(name="ARG undeclared", arg="NOBODY=1"),
    Change(name="ARG declared in build", told="ARG LEVEL .added", edit=swap("AS build\n", "AS build\nARG LEVEL=1\n")),
    Change(
        name="ARG declared in package", told="ARG LEVEL .added", edit=swap("AS package\n", "AS package\nARG LEVEL=1\n")
    ),
    Change(name="ENV in package", edit=append("Dockerfile", "ENV A=b\n")),
    Change(name="ignore file comment", edit=append(".dockerignore", "# words\n")),
    Change(name="ignore file lets README in", edit=append(".dockerignore", "!README.md\n")),
    Change(
        name="base reference",
        told="the base image, now base:2",
        edit=swap("FROM base:1 AS package", "FROM base:2 AS package"),
    ),
    Change(name="base digest", told="the base image base:1 ", base="base:3"),
    Change(name="stage renamed", edit=both(swap("AS build", "AS make"), swap("--from=build", "--from=make"))),
    Change(name="unused stage in between", edit=swap(PACKAGE, f"\nFROM base:1 AS idle\nRUN false{PACKAGE}")),
    Change(name="new RUN at the end", told="RUN true <- a new step", edit=append("Dockerfile", "RUN true\n")),
    Change(
        name="new RUN on top of package",
        told="RUN echo hi .* <- a new step",
        edit=swap("AS package\n", "AS package\nRUN echo hi > /hi\n"),
    ),
)

NODE = (
    *EVERYWHERE,
    Change(name="source", told="server.js .content", edit=append("server.js", "// one\n")),
    Change(name="source mode 755", told="server.js 644 → 755 .mode", edit=mode("server.js", 0o755)),
    Change(name="source mode 600", told="server.js 644 → 600 .mode", edit=mode("server.js", 0o600)),
    Change(name="lock file", told="package-lock.json .content", edit=append("package-lock.json", "\n")),
    Change(name="package.json", told="package.json .content", edit=append("package.json", "\n")),
    Change(name=".npmrc", told=".npmrc .content", edit=append(".npmrc", "fund=false\n")),
    Change(
        name="lock and source",
        told="(package-lock.json|server.js) .content",
        edit=both(append("package-lock.json", " \n"), append("server.js", "// two\n")),
    ),
    Change(
        name="renamed source",
        told="main.js .added",
        edit=both(
            rename("server.js", "main.js"),
            swap("package.json server.js ./", "package.json main.js ./"),
            append(".dockerignore", "!main.js\n"),
        ),
    ),
    Change(
        name="destination",
        told="the instruction's text|where it writes to",
        edit=swap("server.js ./", "server.js ./lib/"),
    ),
    Change(
        name="WORKDIR",
        told="WORKDIR /srv <- the instruction's text|where it writes to ./app/.* → /srv/",
        edit=swap("production\nWORKDIR /app", "production\nWORKDIR /srv"),
    ),
    Change(
        name="order of instructions",
        told="RUN true <- a new step",
        edit=swap("COPY --link package.json", "RUN true\nCOPY --link package.json"),
    ),
    Change(
        name="source before install",
        told="server.js .added",
        edit=swap("package-lock.json .npmrc ./", "package-lock.json .npmrc server.js ./"),
    ),
    Change(
        name="chown",
        told="--chown.* the instruction's text",
        edit=swap("COPY --link --from=build", "COPY --link --chown=1:1 --from=build"),
    ),
    Change(
        name="no longer linked",
        told="COPY package.json .* the instruction's text",
        edit=swap("COPY --link package.json", "COPY package.json"),
    ),
)

RUST = (
    *EVERYWHERE,
    Change(name="source", told="main.rs .content", edit=append("src/main.rs", "// one\n")),
    Change(name="new source", told="more.rs .added", edit=write("src/more.rs", "fn more() {}\n")),
    Change(name="source mode", told="main.rs .*755 .mode", edit=mode("src/main.rs", 0o755)),
    Change(name="lock file", told="Cargo.lock .content", edit=append("Cargo.lock", "# two\n")),
    Change(name="Cargo.toml", told="Cargo.toml .content", edit=append("Cargo.toml", "# two\n")),
    Change(
        name="whitespace in RUN",
        told="RUN touch .* the instruction's text",
        edit=swap("RUN touch src/main.rs \\", "RUN touch  src/main.rs \\"),
    ),
    Change(name="comment in RUN", edit=swap("    && rm -r src", "    # away with it\n    && rm -r src")),
    Change(
        name="RUN edited",
        told="RUN echo x .* the instruction's text",
        edit=swap("RUN touch", "RUN echo x >> src/main.rs && touch"),
    ),
    Change(
        name="late COPY beside",
        told="COPY Cargo.toml /etc/kept <- a new step",
        edit=swap(PACKAGE, f"COPY Cargo.toml /etc/kept\n{PACKAGE}"),
    ),
    Change(name="ENV before RUN", told="ENV MODE .added", edit=swap("COPY src src", "ENV MODE=x\nCOPY src src")),
    Change(
        name="destination",
        told="the instruction's text|where it writes to",
        edit=swap("/usr/local/bin/rust-rocket\n", "/usr/bin/rust-rocket\n"),
    ),
    Change(name="ENV in package", edit=swap("ROCKET_ADDRESS=0.0.0.0", "ROCKET_ADDRESS=127.0.0.1")),
)
