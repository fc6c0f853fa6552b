"""The rendered script, run by sh with a docker that does as its environment tells it."""

import json
import os
import subprocess
from pathlib import Path

from sledgehammer.context import NoKey
from sledgehammer.operations import Build, CacheExport, CacheWriter, Operation, Reuse
from sledgehammer.plan import BuildPlan
from sledgehammer.shell import render_script

DOCKER = """#!/usr/bin/env python3
import json, os, pathlib, sys
here = pathlib.Path(__file__).parent
argv = sys.argv[1:]
sys.stdout.reconfigure(line_buffering=True)
with (here / "calls").open("a") as file:
    file.write(json.dumps(argv) + "\\n")
if argv[0] == "info":
    print("28.5.2", os.environ.get("STORE", '[["driver-type","io.containerd.snapshotter.v1"]]'))
if argv[:2] == ["buildx", "create"] and "--driver" in argv and "NO_BUILDER" in os.environ:
    sys.exit(os.environ["NO_BUILDER"])
if argv[0] == "buildx" and "NO_BUILDX" in os.environ:
    sys.exit("unknown flag: --builder\\nSee 'docker --help'.")
if argv[0] == "push":
    sys.exit(os.environ.get("SAYS", ""))
if "inspect" in argv:
    if "--raw" not in argv:
        sys.exit("reads every layer of a cache")
    print(os.environ.get("MANIFEST") or (here / "ref").read_text(), flush=True)
    (here / "asked").touch()
if "build" in argv:
    print("#3 importing cache manifest from r/c:main", os.environ.get("IMPORT", "#3 DONE 0.1s"), sep="\\n")
    print(*(f"#{n} [a {n}/{os.environ.get('STEPS', '9')}] RUN x\\n#{n} DONE 0.1s" for n in range(10, 13)), sep="\\n")
    print(*(f"#{n} [a {n}/400] RUN x" for n in range(20, 20 + int(os.environ.get("MORE", "0")))), sep="\\n")
    if "--metadata-file" in argv:
        metadata = pathlib.Path(argv[argv.index("--metadata-file") + 1])
        metadata.write_text(json.dumps({"containerimage.digest": "sha256:ab"}, indent=2))
    if "WRITTEN_MEANWHILE" in os.environ:
        for _ in range(1_000_000):
            if (here / "asked").exists():
                break
        (here / "ref").write_text("theirs")
    fails, says = os.environ.get("FAILS"), os.environ.get("SAYS", "")
    is_failing = fails == "always" or (fails == "with a cache" and "--cache-from" in argv) or (fails in argv)
    if not is_failing or "failed to push" in says:
        print("#4 exporting to image")
    if is_failing:
        print(says, file=sys.stderr)
        sys.exit(1)
    print("#4 pushing manifest for r/web:1@sha256:ab")
"""


def run(folder: Path, *operations: Operation, **variables: str) -> tuple[int, str, list[list[str]]]:
    """Exit code, both outputs, and the builds that docker was asked for."""
    docker = folder / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    (folder / "ref").write_text("before")
    for name in ("asked", "calls"):
        (folder / name).unlink(missing_ok=True)
    script = render_script(BuildPlan(operations=operations))
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(folder), **variables}
    done = subprocess.run(
        ["sh", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    recorded = folder / "calls"
    calls = [json.loads(line) for line in recorded.read_text().splitlines()] if recorded.exists() else []
    return done.returncode, done.stdout + done.stderr, [call for call in calls if "build" in call]


WRITER = CacheWriter(ref=("r/c:main",), shared=("r/c:main",), is_protected=("true",), here=("h",), home=("h",))
REUSE = Reuse(
    recipe=NoKey(reason="none"),
    steps=(),
    repository=("r/web",),
    tag=("1",),
    branch=("main",),
    is_protected=("true",),
    here=("h",),
    home=("h",),
    is_immutable=False,
)


def build(**changes: object) -> Build:
    """A pushed build with a registry cache."""
    export = CacheExport(
        what="registry cache", timeout_s=60, attributes=("type=registry,ref=", "r/c:main", ",mode=max"), writer=WRITER
    )
    fields: dict[str, object] = {
        "image": "web",
        "context": ".",
        "dockerfile": "Dockerfile",
        "target": "",
        "args": (("WORD", "--cache-from"),),
        "tags": (("r/web:1",),),
        "push": True,
        "cache_from": (("type=registry,ref=", "r/c:main"),),
        "exports": (export,),
        **changes,
    }
    return Build(**fields)  # type: ignore[arg-type]
