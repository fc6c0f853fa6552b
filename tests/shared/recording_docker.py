"""The rendered script, run for real by sh against a docker that records how it was called."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from sledgehammer.operations import Build, CacheExport, CacheWriter, EnvVar, Operation, text
from sledgehammer.plan import BuildPlan
from sledgehammer.shell import render_script

DIGEST = "sha256:" + "a" * 64

DOCKER = """#!/usr/bin/env python3
import json, os, pathlib, sys, time
here = pathlib.Path(__file__).parent
argv = sys.argv[1:]
with (here / "calls").open("a") as file:
    file.write(json.dumps(argv) + "\\n")
if argv[0] == "login":
    (here / "password").write_text(sys.stdin.read())
    (here / "config").write_text(os.environ["DOCKER_CONFIG"])
if argv[:1] == ["info"]:
    if (here / "dead").exists():
        print("Cannot connect to the Docker daemon", file=sys.stderr)
        sys.exit(1)
    driver = os.environ.get("FAKE_DRIVER", '[["driver-type","io.containerd.snapshotter.v1"]]')
    print(os.environ.get("FAKE_VERSION", "26.1.5"), driver)
if "--cache-to" in argv and "FAKE_HANG" in os.environ:
    time.sleep(60)
if "--cache-to" in argv and "FAKE_EXPORT" in os.environ:
    print("denied", file=sys.stderr)
    sys.exit(1)
if "--cache-to" in argv:
    attributes = dict(pair.split("=", 1) for pair in argv[argv.index("--cache-to") + 1].split(","))
    if "dest" in attributes:
        pathlib.Path(attributes["dest"]).mkdir()
        (pathlib.Path(attributes["dest"]) / "index.json").touch()
    sys.exit()
if "FAKE_STEPS" in os.environ:
    print(os.environ["FAKE_STEPS"], file=sys.stderr)
elif "build" in argv:
    print("#5 [build 1/3] FROM docker.io/library/rust:1", "#5 DONE 1.0s", "#6 [build 2/3] COPY . .", "#6 CACHED",
          "#7 [build 3/3] RUN make", "#7 0.1 [x 1/2] not a step", "#7 DONE 2.0s", "#8 [stage-1 2/2] COPY a b",
          "#8 CACHED", "#5 sha256:ab 1MB / 2MB", "#9 [stage-1 3/3] RUN x", "#9 sha256:ab 1kB / 1kB 0.1s done",
          "#9 extracting sha256:ab 0.1s done", "#9 DONE 0.2s", "#10 [b 1/1] RUN sha256sum y", "#10 sha256:abcd",
          "#10 0.2 sha256:ab",
          "#10 DONE 0.2s", sep="\\n", file=sys.stderr)
if "build" in argv:
    if "FAKE_EXIT" in os.environ:
        sys.exit(int(os.environ["FAKE_EXIT"]))
    print("#11 exporting to image", flush=True, file=sys.stderr)
    ends = time.monotonic() + 30
    while os.environ.get("FAKE_PUSH") == "until exported" and "--cache-to" not in (here / "calls").read_text():
        if time.monotonic() > ends:
            sys.exit("there was no export")
    if os.environ.get("FAKE_PUSH") == "fails":
        sys.exit("ERROR: failed to push r/web:s: 503 Service Unavailable")
    metadata = argv[argv.index("--metadata-file") + 1]
    pathlib.Path(metadata).write_text(json.dumps({"containerimage.digest": "DIGEST"}, indent=2))
    if "FAKE_UNPUSHED" not in os.environ:
        print("#11 pushing manifest for r/web:s@DIGEST 0.1s done", file=sys.stderr)
""".replace("DIGEST", DIGEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a script did: its exit code, both outputs, and docker's calls."""

    exit_code: int
    output: str
    calls: list[list[str]]
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class RunScript:
    """Runs operations in `folder` with the recording docker first on the PATH."""

    folder: Path

    def __call__(self, *operations: Operation, **variables: str) -> Ran:
        script = render_script(BuildPlan(operations=operations))
        tools = self.folder / "bin"
        environment = {"PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(self.folder), **variables}
        done = subprocess.run(
            ["sh", "-c", script], cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )
        recorded = tools / "calls"
        calls = [json.loads(line) for line in recorded.read_text().splitlines()] if recorded.exists() else []
        return Ran(exit_code=done.returncode, output=done.stdout + done.stderr, calls=calls, folder=tools)


def script_runner(folder: Path) -> RunScript:
    """In a folder of its own."""
    project = folder / "project"
    (project / "bin").mkdir(parents=True)
    docker = project / "bin" / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    return RunScript(folder=project)


def build(**changes: object) -> Build:
    """A pushed build of one image."""
    fields: dict[str, object] = {
        "image": "web",
        "context": ".",
        "dockerfile": "Dockerfile",
        "target": "package",
        "args": (),
        "tags": (text(EnvVar("REPO"), ":", EnvVar("SHA")),),
        "push": True,
    }
    return Build(**{**fields, **changes})  # type: ignore[arg-type]


def export(**changes: object) -> CacheExport:
    """A registry cache that the job of a protected default branch writes."""
    writer = CacheWriter(ref=(EnvVar("A"),), shared=("c:main",), is_protected=(EnvVar("P"),), here=("x",), home=("x",))
    fields: dict[str, object] = {"what": "cache", "timeout_s": 60, "writer": writer}
    return CacheExport(**{**fields, "attributes": ("type=registry,ref=", EnvVar("A"), ",mode=max"), **changes})  # type: ignore[arg-type]


def sources(call: list[str]) -> list[str]:
    """What a build reads as cache."""
    return [call[index + 1] for index, word in enumerate(call) if word == "--cache-from"]


def pushes(call: list[str]) -> bool:
    """Whether a build delivers to a registry."""
    return "--output" in call and call[call.index("--output") + 1].startswith("type=image,push=")
