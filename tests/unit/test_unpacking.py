"""Archives land below their folder, by Python's own filters and without them."""

import io
import tarfile
from pathlib import Path

import pytest

from sledgehammer_localstack.unpacking import unpack


@pytest.fixture(params=["own filters", "none, as in Python 3.11.2"], autouse=True)
def filters(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param != "own filters":
        monkeypatch.delattr(tarfile, "data_filter", raising=False)


def archive(*members: tuple[str, bytes, str]) -> tarfile.TarFile:
    """Of names, types, and contents or targets."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name, kind, text in members:
            member = tarfile.TarInfo(name)
            member.type, member.mode, member.uid = kind, 0o755, 12345
            if kind == tarfile.REGTYPE:
                member.size = len(text)
            else:
                member.linkname = text
            tar.addfile(member, io.BytesIO(text.encode()))
    file.seek(0)
    return tarfile.open(fileobj=file)


def test_files_programs_and_links_are_unpacked(tmp_path: Path) -> None:
    """With their modes, as files of whoever unpacks."""
    unpack(
        archive(
            ("bin", tarfile.DIRTYPE, ""),
            ("bin/run", tarfile.REGTYPE, "#!/bin/sh"),
            ("run", tarfile.SYMTYPE, "bin/run"),
            ("bin/same", tarfile.LNKTYPE, "bin/run"),
        ),
        tmp_path,
    )

    assert (tmp_path / "run").read_text() == (tmp_path / "bin/same").read_text() == "#!/bin/sh"
    found = (tmp_path / "bin/run").stat()
    assert (found.st_mode & 0o777, found.st_uid) == (0o755, tmp_path.stat().st_uid)


@pytest.mark.parametrize(
    "members",
    [
        [("../out", tarfile.REGTYPE, "x")],
        [("sub/../../out", tarfile.REGTYPE, "x")],
        [("device", tarfile.FIFOTYPE, "")],
        [("link", tarfile.SYMTYPE, "../out")],
        [("link", tarfile.SYMTYPE, "/etc")],
        [("hard", tarfile.LNKTYPE, "../out")],
    ],
    ids=str,
)
def test_what_leads_out_of_the_folder_is_refused(tmp_path: Path, members: list[tuple[str, bytes, str]]) -> None:
    """Nothing is written there."""
    folder = tmp_path / "in"
    folder.mkdir()
    (tmp_path / "out").write_text("theirs")

    with pytest.raises(tarfile.TarError):
        unpack(archive(*members), folder)

    assert (tmp_path / "out").read_text() == "theirs"
    assert list(folder.iterdir()) == []


def test_links_of_a_repository_are_kept_and_not_written_through(tmp_path: Path) -> None:
    """One may lead anywhere, but no file lands behind it."""
    folder = tmp_path / "in"
    folder.mkdir()

    with pytest.raises(tarfile.TarError):
        unpack(
            archive(("away", tarfile.SYMTYPE, str(tmp_path)), ("away/out", tarfile.REGTYPE, "x")),
            folder,
            any_links=True,
        )

    assert (folder / "away").readlink() == tmp_path
    assert not (tmp_path / "out").exists()
