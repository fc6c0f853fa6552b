"""The ignore file as we read it against what BuildKit really sends."""

from pathlib import Path

import pytest
from buildkit_box import BuildKitBox
from context_trees import ignore_text, make_tree

from sledgehammer.context import WorkTree
from sledgehammer.context.ignore import read_ignore

pytestmark = pytest.mark.engine

SEEDS = range(1000, 1008)


def test_the_same_files_are_ignored(buildkit: BuildKitBox, tmp_path: Path) -> None:
    """Over random trees and rules with exceptions, `COPY . /` holds what our matcher lets through, nothing else."""
    cases = tmp_path / "cases"
    for seed in SEEDS:
        folder = cases / f"{seed}"
        folder.mkdir(parents=True)
        make_tree(folder, seed)
        (folder / ".dockerignore").write_text(ignore_text(seed))
        (folder / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    buildkit.send(cases, "cases")
    for seed in SEEDS:
        buildkit.shell(f"docker buildx build --output type=tar,dest=/cases/{seed}.tar /cases/{seed} 2>&1")
    for seed in SEEDS:
        listed = buildkit.shell(f"LC_ALL=C tar --quoting-style=escape -tf /cases/{seed}.tar | grep -v '/$' || true")
        assert sorted(listed.splitlines()) == sorted(map(escaped, let_through(cases / f"{seed}"))), seed


def let_through(folder: Path) -> list[str]:
    """What our matcher lets through."""
    is_ignored = read_ignore((folder / ".dockerignore").read_bytes()).matcher()
    return [file.path for file in WorkTree(folder).files(".", keep=lambda path: not is_ignored(path))]


def escaped(path: str) -> str:
    """As tar writes a name."""
    shown = "".join(chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03o}" for byte in path.encode())
    return shown.replace("back\\slash", "back\\\\slash")
