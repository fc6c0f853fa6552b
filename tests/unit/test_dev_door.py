"""`./dev`, run for real on a copy with an environment whose programs only say how they were called."""

import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PROGRAMS = ("python", "pytest", "ruff", "mypy", "lint-imports", "sledge")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """`dev` beside a virtual environment that is up to date."""
    shutil.copy(REPOSITORY / "dev", tmp_path)
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name in PROGRAMS:
        (programs / name).write_text(f'#!/bin/sh\necho {name} "$@"\n')
        (programs / name).chmod(0o755)
    stamp = subprocess.run(["cksum", "pyproject.toml"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    (programs.parent / "made-from").write_text(stamp)
    return tmp_path


def dev(copy: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run it from elsewhere, as from an editor."""
    return subprocess.run([copy / "dev", *argv], cwd="/", capture_output=True, text=True, check=False)


@pytest.mark.parametrize("argv", [("demo", "--keep"), ("bench", "cache", "--quick")])
def test_a_door_may_lead_to_a_program_of_this_repository(copy: Path, argv: tuple[str, ...]) -> None:
    """`./dev demo` and `./dev bench NAME` hand their options over to a file that is there."""
    done = dev(copy, *argv)

    program, file, *options = done.stdout.split()
    assert (program, options) == ("python", list(argv[1:]))
    assert (REPOSITORY / file).is_file()


@pytest.mark.parametrize(
    ("argv", "called"),
    [
        (("sledge", "-C", "a b", "schema"), ["sledge -C a b schema"]),
        (("lint",), ["ruff check .", "ruff format --check .", "mypy", "lint-imports"]),
    ],
)
def test_each_door_leads_to_its_program(copy: Path, argv: tuple[str, ...], called: list[str]) -> None:
    """Arguments arrive as they were given, and an environment that is up to date is not made again."""
    done = dev(copy, *argv)

    assert (done.returncode, done.stdout.splitlines(), done.stderr) == (0, called, "")


def test_options_of_pytest_arrive_as_they_were_given(copy: Path) -> None:
    """`./dev test -m "not engine"` is the quick part of the suite."""
    words = dev(copy, "test", "-m", "not engine").stdout.strip()

    assert words.startswith("pytest ")
    assert words.endswith(" -m not engine")


def test_an_unknown_door_shows_the_known_ones(copy: Path) -> None:
    """Asking for help succeeds, a typing error does not; both list the commands."""
    helped, mistyped = dev(copy), dev(copy, "dmeo")

    assert (helped.returncode, mistyped.returncode) == (0, 1)
    for door in ("./dev demo", "./dev test", "./dev lint", "./dev bench", "./dev sledge"):
        assert door in helped.stdout
        assert door in mistyped.stdout
