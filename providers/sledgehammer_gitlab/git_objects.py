"""Objects as `git cat-file --batch` prints them (git-cat-file, "BATCH OUTPUT"). Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sledgehammer_gitlab.render import CI_FILE


@dataclass(frozen=True, slots=True, kw_only=True)
class GitObject:
    """`id` is in hexadecimal digits; `kind` is blob, tree, commit or tag."""

    id: str
    kind: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The top of a tree: the id, with the mode, of each entry, and the CI file, None when there is none."""

    entries: Mapping[bytes, bytes]
    ci_text: str | None

    def has_same_files(self, other: "Snapshot") -> bool:
        """Whether all but the CI file is alike."""
        names = self.entries.keys() | other.entries.keys()
        differing = {name for name in names if self.entries.get(name) != other.entries.get(name)}
        return differing <= {CI_FILE.encode()}


def read_batch(output: bytes) -> Sequence[GitObject | None]:
    """One for each name that was asked; None for one that is missing."""
    found: list[GitObject | None] = []
    place = 0
    while place < len(output):
        end = output.index(b"\n", place)
        words = output[place:end].split(b" ")
        place = end + 1
        if len(words) != 3:  # `<name> missing`
            found.append(None)
            continue
        size = int(words[2])
        found.append(GitObject(id=words[0].decode(), kind=words[1].decode(), content=output[place : place + size]))
        place += size + 1
    return found


def snapshot(tree: GitObject, ci_file: GitObject | None) -> Snapshot:
    """Of a tree and what has the CI file's name in it."""
    is_file = ci_file is not None and ci_file.kind == "blob"
    return Snapshot(
        entries=_entries(tree),
        ci_text=ci_file.content.decode(errors="replace") if ci_file is not None and is_file else None,
    )


def _entries(tree: GitObject) -> Mapping[bytes, bytes]:
    """Each is `<mode> <name>`, a zero byte and the id in bytes, of which a tree's own id tells how many."""
    length, found, place = len(tree.id) // 2, dict[bytes, bytes](), 0
    while place < len(tree.content):
        end = tree.content.index(b"\0", place)
        mode, _, name = tree.content[place:end].partition(b" ")
        place = end + 1 + length
        found[name] = mode + b" " + tree.content[end + 1 : place]
    return found
