"""What is built: the repository's own examples, and the two changes that are made to each."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from sledgehammer.errors import NotFoundError
from sledgehammer_bench.cache.scenarios import Scenario

NAIVE = Path(__file__).parent / "naive"
"""`<example>.Dockerfile`: what people write first, `COPY . .` before the dependencies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Every `old` in a file becomes `new`."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A folder of `examples/`. `guess_s` is about what a cold build takes on two cores: only to plan by. `images`:
    recipes of its bases that no stack makes unasked."""

    name: str
    source: Edit
    dependency: tuple[Edit, ...]
    guess_s: float
    images: tuple[str, ...] = ()
    in_quick: bool = False

    def edits(self, scenario: Scenario) -> tuple[Edit, ...]:
        """What is edited before a build of that scenario."""
        if scenario is Scenario.SOURCE:
            return (self.source,)
        return self.dependency if scenario is Scenario.DEPENDENCY else ()


# A release changes a project's own version in the files that the dependency step reads (where there is none, a comment
# changes): all of that step runs anew, and the same packages come as before, so that it costs alike each time.
EXAMPLES = (
    Example(
        name="node-web",
        source=Edit(file="server.js", old="Hello, world!", new="Hello again, world!"),
        dependency=(
            Edit(file="package.json", old='"version": "0.1.0"', new='"version": "0.1.1"'),
            Edit(
                file="package-lock.json",
                old='"name": "node-web",\n  "version": "0.1.0"',
                new='"name": "node-web",\n  "version": "0.1.1"',
            ),
        ),
        guess_s=17,
        in_quick=True,
    ),
    Example(
        name="rust-rocket",
        source=Edit(file="src/main.rs", old="Hello, world!", new="Hello again, world!"),
        dependency=(
            Edit(file="Cargo.toml", old='version = "0.1.0"', new='version = "0.1.1"'),
            Edit(
                file="Cargo.lock",
                old='name = "rust-rocket"\nversion = "0.1.0"',
                new='name = "rust-rocket"\nversion = "0.1.1"',
            ),
        ),
        guess_s=150,
        in_quick=True,
    ),
    Example(
        name="python-api",
        source=Edit(file="service.py", old="Hello, world!", new="Hello again, world!"),
        dependency=(Edit(file="requirements.txt", old="# via fastapi\n", new="# via fastapi, still\n"),),
        guess_s=40,
        images=("python",),
    ),
    Example(
        name="java-maven",
        source=Edit(file="src/main/java/example/Service.java", old="Hello, world!", new="Hello again, world!"),
        dependency=(Edit(file="pom.xml", old="<version>0.1.0</version>", new="<version>0.1.1</version>"),),
        guess_s=90,
        images=("java", "maven"),
    ),
)


def present_examples(folder: Path) -> tuple[Example, ...]:
    """Those that this checkout has, in their order."""
    return tuple(example for example in EXAMPLES if (folder / example.name / "sledge.yaml").is_file())


def copy_example(example: Example, folder: Path, to: Path, *, naive: bool) -> None:
    """A fresh working copy; a naive one with its own Dockerfile in the place of the example's."""
    shutil.copytree(folder / example.name, to)
    if naive:
        shutil.copyfile(NAIVE / f"{example.name}.Dockerfile", to / "Dockerfile")


def apply_edits(edits: tuple[Edit, ...], folder: Path) -> None:
    """Raises NotFoundError when a file does not hold what an edit replaces: a build would measure nothing."""
    for edit in edits:
        path = folder / edit.file
        before = path.read_text(encoding="utf-8")
        if edit.old not in before:
            raise NotFoundError(f"{path} does not hold {edit.old!r}, which the benchmark would change")
        path.write_text(before.replace(edit.old, edit.new), encoding="utf-8")
