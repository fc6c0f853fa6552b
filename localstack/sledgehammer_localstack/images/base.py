"""The base image from Debian packages, for machines that cannot reach Docker Hub."""

import contextlib
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from sledgehammer.errors import RemoteError
from sledgehammer.process import Command, ProcessRunner, run_checked
from sledgehammer_localstack.engine.install import ensure_programs
from sledgehammer_localstack.images.recipes import Recipe
from sledgehammer_localstack.progress import Say

_PACKAGES = ("mmdebstrap", "debian-archive-keyring")
RELEASED = frozenset({"bookworm", "trixie"})
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def make_base(
    docker_host: str, *, recipe: Recipe, label: str, certificates: Sequence[str], runner: ProcessRunner, say: Say
) -> None:
    """Make the root of the recipe's suite that trusts `certificates`, and hand it to the engine under its name.
    Raises RemoteError with the last words of mmdebstrap or docker."""
    ensure_programs(runner, ("mmdebstrap",), packages=_PACKAGES, say=say)
    with tempfile.TemporaryDirectory(prefix="sledgehammer-base-") as folder:
        options = _mmdebstrap_options(recipe, _write_certificates(Path(folder), certificates))
        argv = ["mmdebstrap", *options, recipe.suite, "-"]  # without a mirror: Debian's own, updates included
        docker = ("docker", "--host", docker_host)
        imported = (*docker, "import", "--change", 'CMD ["bash"]', "--change", f"LABEL {label}", "-")
        image_id = _pipe(argv, imported)
        # Named only now: docker takes a root that was cut off for a whole one.
        run_checked(runner, Command(argv=(*docker, "tag", image_id, recipe.image)))


def _mmdebstrap_options(recipe: Recipe, certificate_files: Sequence[Path]) -> list[str]:
    """apt.conf is copied at the end: apt, which works on the root from outside, must not act on it here."""
    files = recipe.source
    trust = [f"--customize-hook=copy-in {path} /usr/local/share/ca-certificates" for path in certificate_files]
    trust += ['--customize-hook=chroot "$1" update-ca-certificates'] if certificate_files else []
    # mmdebstrap's own cleaning goes by apt's configuration, which then names these no more.
    apt = ['--customize-hook=rm -f "$1"/var/cache/apt/*.bin']
    apt += [f"--customize-hook=copy-in {files / 'apt.conf'} /etc/apt/apt.conf.d"]
    keyring = [f"--keyring={_KEYRING}"] if _KEYRING.exists() else []
    # Given as a file, mmdebstrap would not heed path-exclude while it unpacks the essential packages.
    lines = [line for line in (files / "dpkg.cfg").read_text().splitlines() if not line.startswith("#")]
    # What is no release yet may stand still for longer than its lists say that they are valid.
    stale = [] if recipe.suite in RELEASED else ['--aptopt=Acquire::Check-Valid-Until "false"']
    options = [
        "--quiet",
        *stale,
        "--variant=minbase",
        "--include=ca-certificates",
        *(f"--dpkgopt={line}" for line in lines),
    ]
    return [*options, *trust, *apt, *keyring]


def _write_certificates(folder: Path, certificates: Sequence[str]) -> list[Path]:
    paths = [folder / f"host-{number}.crt" for number in range(len(certificates))]
    for path, text in zip(paths, certificates, strict=True):
        path.write_text(text)
    return paths


def _pipe(producer: Sequence[str], consumer: Sequence[str]) -> str:
    """What `producer | consumer` prints: a root of hundreds of megabytes need not lie on the disk in between."""
    with tempfile.TemporaryFile() as complaints, _started(producer, complaints.fileno()) as source:
        sink = subprocess.run(consumer, stdin=source.stdout, capture_output=True, check=False)
        if source.stdout is not None:
            source.stdout.close()
        exit_code = source.wait()
        complaints.seek(0)
        said = complaints.read().decode(errors="replace").strip()[-1500:]
    if exit_code != 0:
        raise RemoteError(f"making a Debian root with mmdebstrap ended with exit code {exit_code}: {said}")
    if sink.returncode != 0:
        raise RemoteError(f"docker import ended with exit code {sink.returncode}: {sink.stderr.decode().strip()}")
    return sink.stdout.decode().strip()


@contextlib.contextmanager
def _started(argv: Sequence[str], stderr: int) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
