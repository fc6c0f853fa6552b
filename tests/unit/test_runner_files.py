"""Which files a pattern takes, and what survives the way through an archive."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from sledgehammer_localstack.runner.archives import Selection, join_files, unzip_into, zip_files
from sledgehammer_localstack.runner.patterns import PathPatterns
from sledgehammer_localstack.runner.shell_executor import ShellExecutor


@pytest.mark.parametrize(
    ("pattern", "path", "is_taken"),
    [
        ("out", "out/deep/file", True),
        ("out/", "out/file", True),
        ("out", "output", False),
        ("*.txt", "a.txt", True),
        ("*.txt", "deep/a.txt", False),
        ("**/*.txt", "a.txt", True),
        ("**/*.txt", "deep/er/a.txt", True),
        ("target/**/app", "target/release/x/app", True),
        ("target/**", "target/a/b", True),
        ("log?.[0-9]", "logs.7", True),
        ("log?.[!0-9]", "logs.7", False),
        ("bin/{app,tool}.exe", "bin/tool.exe", True),
        ("a+b.txt", "aab.txt", False),
        ("./out", "out/file", True),
        (".", "anything/at/all", True),
    ],
)
def test_pattern_takes(pattern: str, path: str, is_taken: bool) -> None:
    """Patterns of artifacts and caches match as on GitLab; a directory takes everything below it."""
    assert bool(PathPatterns([pattern]).matching(path)) is is_taken


def test_roots_are_the_smallest_part_to_read() -> None:
    """Only the directories that can hold a match are read, each once."""
    patterns = PathPatterns(["target/release/app", "target/release/app/x", "docs/**/*.md", "docs"])
    assert patterns.roots() == ("docs", "target/release/app")


@pytest.fixture
def job(tmp_path: Path) -> ShellExecutor:
    executor = ShellExecutor(tmp_path / "job", project_path="group/app")
    executor.prepare()
    return executor


def write(job: ShellExecutor, path: str, text: str = "x", mode: int = 0o644) -> Path:
    target = Path(job.project_dir) / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
    target.chmod(mode)
    return target


def test_archive_brings_modes_links_and_times_to_the_next_job(job: ShellExecutor, tmp_path: Path) -> None:
    """What one job leaves is the same in the next: programs stay programs, links links, times times."""
    program = write(job, "out/run.sh", "#!/bin/sh\n", 0o755)
    os.utime(program, (1_700_000_000, 1_700_000_000))
    (Path(job.project_dir) / "out/link").symlink_to("run.sh")
    (Path(job.project_dir) / "out/empty").mkdir()
    zip_files(job, Selection(paths=("out",)), tmp_path / "a.zip")

    later = ShellExecutor(tmp_path / "later", project_path="group/app")
    later.prepare()
    later.put(lambda tar: unzip_into(tmp_path / "a.zip", tar))
    out = Path(later.project_dir) / "out"
    assert (out / "run.sh").read_text() == "#!/bin/sh\n"
    assert (out / "run.sh").stat().st_mode & 0o777 == 0o755
    assert (out / "run.sh").stat().st_mtime == 1_700_000_000
    assert (out / "link").readlink() == Path("run.sh")
    assert (out / "empty").is_dir()


def test_exclude_untracked_and_unmatched(job: ShellExecutor, tmp_path: Path) -> None:
    """Excluded files stay out, untracked ones come in where asked, a pattern without a match is told."""
    for path in ("src/main.rs", "out/a.o", "out/app", "stray.log", ".git/config"):
        write(job, path)
    tracked = frozenset({"src/main.rs"})
    selection = Selection(paths=("out/*", "nowhere/"), exclude=("**/*.o",), tracked=tracked)
    collected = zip_files(job, selection, tmp_path / "a.zip")
    with tarfile.open(fileobj=io.BytesIO(), mode="w") as tar:
        unzip_into(tmp_path / "a.zip", tar)
        assert sorted(tar.getnames()) == ["out/app", "stray.log"]
    assert collected.unmatched == ("nowhere",)


def test_report_is_gzipped_text(job: ShellExecutor, tmp_path: Path) -> None:
    """A dotenv report arrives as gzip of its files, one after the other."""
    import gzip

    write(job, "a.env", "A=1\n")
    write(job, "b.env", "B=2\n")
    join_files(job, Selection(paths=("*.env",)), tmp_path / "report.gz", is_gzipped=True)
    assert gzip.decompress((tmp_path / "report.gz").read_bytes()) == b"A=1\nB=2\n"
