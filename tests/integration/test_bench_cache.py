"""`./dev bench cache` for real: fresh engines, the stack's registry, table, JSON and exit code."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sledgehammer_localstack.config import StackConfig

pytestmark = [pytest.mark.engine, pytest.mark.on_request]

REPOSITORY = Path(__file__).parents[2]
FILES = {
    "Dockerfile": """FROM debian:trixie-slim AS build
COPY package.json package-lock.json /app/
RUN echo installed >/app/installed
COPY server.js /app/
FROM debian:trixie-slim AS package
COPY --from=build /app /app
""",
    "server.js": "Hello, world!\n",
    "package.json": '{"version": "0.1.0"}\n',
    "package-lock.json": '{\n  "name": "node-web",\n  "version": "0.1.0"\n}\n',
    "sledge.yaml": 'version: 1\nname: node-web\ndocker: "26.1"\nimages: [{name: node-web, target: package}]\n',
}


def test_two_variants_are_measured_side_by_side_and_goals_are_judged(stack: StackConfig, tmp_path: Path) -> None:
    """A source change keeps the dependency steps of strategy `registry`; what was not run makes its goals missed."""
    folder = tmp_path / "examples" / "node-web"  # a small one under the name of a known one
    folder.mkdir(parents=True)
    for name, content in FILES.items():
        (folder / name).write_text(content)
    argv = [sys.executable, str(REPOSITORY / "benchmarks" / "bench.py"), "cache", "--quick", "--keep"]
    argv += ["--state-dir", str(stack.state_dir), "--name", stack.name, "--examples", str(folder.parent)]
    argv += ["--variant", "none", "--variant", "registry", "--json", str(tmp_path / "cache.json")]

    done = subprocess.run(argv, capture_output=True, text=True, check=False)

    assert done.returncode == 3, done.stdout + done.stderr
    document = json.loads((tmp_path / "cache.json").read_text())
    cells = {(cell["variant"], cell["scenario"]): cell for cell in document["cells"]}
    assert set(cells) == {
        ("none", "cold"),
        ("registry", "cold"),
        ("registry", "nothing changed"),
        ("registry", "source change"),
    }
    assert not any(cell["failed"] for cell in cells.values())
    source = cells["registry", "source change"]
    assert (source["cached_steps"], source["total_steps"]) == (2, 4)
    assert (cells["registry", "cold"]["cached_steps"], cells["none", "cold"]["total_steps"]) == (0, 4)
    (row,) = [line for line in done.stdout.splitlines() if line.startswith("registry ")]
    assert " 2/4" in row
    verdicts = {goal["name"]: goal["verdict"] for goal in document["goals"]}
    assert verdicts["source change / the article's script as written"] == "missed"
    assert "worst of auto / none" in done.stdout
