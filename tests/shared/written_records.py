"""Build records, written by POSIX sh as a job does."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from sledgehammer.context import KeyRecipe, NoKey
from sledgehammer.explain import BuildRecord, parse_record
from sledgehammer.operations import EnvVar
from sledgehammer.shell.build_record import build_record_functions, render_write_record
from sledgehammer.shell.content_key import content_key_functions, render_content_key


def written(
    shell: str, folder: Path, recipe: KeyRecipe | NoKey, *, progress: str, bases: str, machine: str = "x86_64"
) -> tuple[BuildRecord, Mapping[str, bytes]]:
    """Run the key's and the record's commands in a project's folder; gives the record and its files."""
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"no {shell} on this machine")
    with tempfile.TemporaryDirectory() as made:
        scratch, path = Path(made), os.environ["PATH"]
        if shell == "busybox":
            path = str(scratch / "tools")
            Path(path).mkdir()
            subprocess.run([found, "--install", "-s", path], check=True)
        (scratch / "progress").write_text(progress)
        call = render_write_record(
            recipe,
            image="app",
            commit=(EnvVar("COMMIT"),),
            folder='"$sledge_dir/record"',
            progress='"$sledge_dir/progress"',
            bases="bases",
        )
        script = f"""set -eu
sledge_say() {{ printf 'sledge: %s\\n' "$*"; }}
{content_key_functions()}
uname() {{ echo {machine}; }}
sledge_find_platform ""
{build_record_functions()}
{render_content_key(recipe, image="app", bases="bases")}
{call}
"""
        environment = {"PATH": path, "sledge_dir": str(scratch), "bases": bases, "COMMIT": "c" * 40}
        argv = [found, "sh"] if shell == "busybox" else [found]
        done = subprocess.run([*argv, "-c", script], cwd=folder, env=environment, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        files = {file.name: file.read_bytes() for file in (scratch / "record").iterdir()}
    return parse_record(files), files
