"""Random build contexts: trees with awkward names, ignore files and Dockerfiles, the same for the same seed."""

import random
from pathlib import Path

NAMES = (
    "a",
    "b",
    "ab",
    "abc",
    "a.c",
    "b.txt",
    "x y",
    "it's",
    'q"q',
    "back\\slash",
    "ünï",
    "-dash",
    "*star",
    "[b]",
    "é",
)
PATTERNS = (
    *"a a/b * ** **/a **/*.c *.txt a* ? ?? a/** **/b/** a** [a-b] [^a]b [a-c]* */a */* /b a/ ./ab a/../b".split(),  # noqa: SIM905 - read at a glance
    *("it's", 'q"q', "back\\\\slash", "ünï", "\\*star", "x y", "**b", "?n?", "**/é"),
)
SOURCES = (".", "a", "a/b", "*", "a*", "*.txt", "*/b", "./", "/ab", "?", "[a-b]", "a/*", "b.txt", "é", "[^a]*")


def make_tree(root: Path, seed: int, *, files: int = 40) -> None:
    """Files, executables and links in folders up to four deep; at least one file of each name that a source takes."""
    choose = random.Random(seed)  # noqa: S311 - repeatable on purpose
    for _ in range(files):
        folder = root.joinpath(*(choose.choice(NAMES) for _ in range(choose.randrange(4))))
        place = folder / choose.choice(NAMES)
        if (
            any(parent.is_file() or parent.is_symlink() for parent in (place, *folder.parents, folder))
            or place.is_dir()
        ):
            continue
        folder.mkdir(parents=True, exist_ok=True)
        if choose.random() < 0.08:
            place.symlink_to(choose.choice(("a", "../b", "nowhere", "x y/q")))
            continue
        place.write_bytes(choose.randbytes(choose.randrange(20)))
        place.chmod(choose.choice((0o644, 0o666, 0o600, 0o755, 0o777, 0o700)))


def ignore_text(seed: int) -> str:
    """Up to six rules, some of them exceptions, with a comment and an empty line."""
    choose = random.Random(seed)  # noqa: S311 - repeatable on purpose
    lines = ["# a comment", ""]
    for _ in range(choose.randrange(1, 7)):
        lines.append(choose.choice(("", "", "!")) + choose.choice(PATTERNS))
    return "".join(f"{line}\n" for line in (*lines, ".git"))


def dockerfile_text(seed: int) -> str:
    """One or two stages that copy something."""
    choose = random.Random(seed)  # noqa: S311 - repeatable on purpose
    lines = ["FROM scratch AS one"]
    for _ in range(choose.randrange(1, 3)):
        lines.append(f'COPY ["{choose.choice(SOURCES)}", "/x/"]')
    if choose.random() < 0.5:
        lines += ["FROM scratch", "COPY --from=one / /", f'COPY ["{choose.choice(SOURCES)}", "/y/"]']
    return "".join(f"{line}\n" for line in lines)
