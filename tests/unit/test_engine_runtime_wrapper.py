"""The OCI runtime wrapper: privileged containers on a host that itself lacks a capability."""

import json
import os
import subprocess
import sys
from pathlib import Path

from sledgehammer_localstack.engine import runtime_wrapper
from sledgehammer_localstack.engine.capabilities import missing_capabilities

STATUS = "Name:\tx\nCapEff:\t{mask}\nCapBnd:\t{mask}\n"
WITHOUT_SYS_RESOURCE = STATUS.format(mask="000001fffeffffff")
COMPLETE = STATUS.format(mask="000001ffffffffff")


def process() -> dict[str, object]:
    """A process object of a bundle, as dockerd writes it for a privileged container."""
    sets = {kind: ["CAP_CHOWN", "CAP_SYS_RESOURCE"] for kind in ("bounding", "effective", "permitted")}
    return {"args": ["sh"], "capabilities": {**sets, "ambient": None}}


def test_a_host_with_all_capabilities_needs_no_wrapper() -> None:
    """Nothing is missing when the bounding set is full up to the kernel's last capability."""
    assert missing_capabilities(COMPLETE, last_capability=40) == ()


def test_the_missing_capability_is_named() -> None:
    """The one absent bit becomes its name; a bit beyond our table its number."""
    assert missing_capabilities(WITHOUT_SYS_RESOURCE, last_capability=40) == ("CAP_SYS_RESOURCE",)
    assert missing_capabilities(COMPLETE, last_capability=41) == ("capability 41",)


def test_every_set_of_a_process_loses_what_the_host_lacks() -> None:
    """What the host can give stays, in order; an absent set is an empty one."""
    sample = process()

    runtime_wrapper.keep_only(sample, {"CAP_CHOWN", "CAP_KILL"})

    assert sample["capabilities"] == {
        "bounding": ["CAP_CHOWN"],
        "effective": ["CAP_CHOWN"],
        "permitted": ["CAP_CHOWN"],
        "ambient": [],
    }


def test_option_values_are_found_in_both_spellings() -> None:
    """`--bundle DIR` and `--bundle=DIR` name the same bundle; without one there is none."""
    names = ("--bundle", "-b")

    assert runtime_wrapper.option(["create", "--bundle", "/b", "id"], *names) == "/b"
    assert runtime_wrapper.option(["create", "--bundle=/b", "id"], *names) == "/b"
    assert runtime_wrapper.option(["create", "-b", "/b", "id"], *names) == "/b"
    assert runtime_wrapper.option(["create", "id"], *names) is None


def run_wrapper(folder: Path, *arguments: str) -> str:
    """Run the program itself with a runc that says how it was called."""
    runc = folder / "bin" / "runc"
    runc.parent.mkdir()
    runc.write_text('#!/bin/sh\necho "runc $*"\n')
    runc.chmod(0o755)
    argv = [sys.executable, "-IS", str(runtime_wrapper.__file__), *arguments]
    environment = {**os.environ, "PATH": f"{runc.parent}:{os.environ['PATH']}"}
    return subprocess.run(argv, env=environment, capture_output=True, text=True, check=True).stdout


def available_here() -> set[str]:
    """What this test's own process could have."""
    return runtime_wrapper.names_of(runtime_wrapper.bounding_mask(Path("/proc/self/status").read_text()))


def test_create_rewrites_the_bundle_and_becomes_runc(tmp_path: Path) -> None:
    """runc gets every argument unchanged, and a config.json that asks for nothing the host cannot give."""
    config = tmp_path / "config.json"
    everything = [f"CAP_{name}" for name in runtime_wrapper.NAMES]
    config.write_text(json.dumps({"process": {"capabilities": {"bounding": everything}}, "hostname": "h"}))

    said = run_wrapper(tmp_path, "--root", "/r", "create", "--bundle", str(tmp_path), "id")

    assert said == f"runc --root /r create --bundle {tmp_path} id\n"
    written = json.loads(config.read_text())
    assert set(written["process"]["capabilities"]["bounding"]) == available_here()
    assert written["hostname"] == "h"


def test_exec_rewrites_the_process_file(tmp_path: Path) -> None:
    """`docker exec --privileged` hands its process over in a file of its own."""
    path = tmp_path / "process.json"
    path.write_text(json.dumps({"args": ["sh"], "capabilities": {"effective": ["CAP_CHOWN", "CAP_NEVER_HEARD_OF"]}}))

    run_wrapper(tmp_path, "exec", "--process", str(path), "id")

    assert "CAP_NEVER_HEARD_OF" not in json.loads(path.read_text())["capabilities"]["effective"]


def test_other_commands_pass_through(tmp_path: Path) -> None:
    """`state` and the like need no bundle."""
    assert run_wrapper(tmp_path, "state", "id") == "runc state id\n"
