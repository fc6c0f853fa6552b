"""The demo of the README, on the Rust example."""

import subprocess
import sys
from pathlib import Path

import pytest

from sledgehammer_localstack.config import StackConfig

pytestmark = pytest.mark.engine

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize("provider", ["gitlab", pytest.param("aws", marks=pytest.mark.on_request)])
def test_the_demo_builds_caches_and_serves_the_rocket(stack: StackConfig, provider: str) -> None:
    """Cold build, cached build after a change, and the changed page served from the pushed digest."""
    argv = [sys.executable, str(REPOSITORY / "examples" / "demo.py"), "--keep", "--example", "rust-rocket"]
    argv += ["--provider", provider, "--state-dir", str(stack.state_dir), "--name", stack.name]

    done = subprocess.run(argv, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    rows = [line for line in done.stdout.splitlines() if line.startswith(f"rust-rocket  {provider}")]
    assert any("build after the change" in row and " 0 of " not in row for row in rows)
    assert any("Hello again, world!" in row for row in rows)
