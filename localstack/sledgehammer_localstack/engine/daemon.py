"""An engine of our own: dockerd from Debian's packages on a private socket, with everything it keeps in the
state directory."""

import json
import os
import shutil
import sys
from pathlib import Path

from sledgehammer.errors import ConflictError, MissingToolError, RemoteError, TimedOutError
from sledgehammer.polling import SystemClock, poll_until
from sledgehammer.process import ProcessRunner
from sledgehammer_localstack import supervise
from sledgehammer_localstack.engine import runtime_wrapper
from sledgehammer_localstack.engine.addresses import JOB_POOL, STACK_POOL, outgoing_mtu
from sledgehammer_localstack.engine.capabilities import probe_missing_capabilities
from sledgehammer_localstack.engine.find import Engine, ask_version
from sledgehammer_localstack.engine.install import ensure_programs, which
from sledgehammer_localstack.engine.leftovers import clear_leftovers, make_bridge, remove_bridge, unmount_below
from sledgehammer_localstack.engine.paths import EnginePaths, engine_paths
from sledgehammer_localstack.progress import Say

_PACKAGES = ("docker.io", "iptables", "iproute2")
_START_TIMEOUT_S = 60.0
_RUNTIME = "sledgehammer"


def start_engine(state_dir: Path, *, runner: ProcessRunner, say: Say) -> Engine:
    """Start the state directory's own engine, or find it running. Installs packages where that is possible;
    raises MissingToolError when not, RemoteError with dockerd's own words when it does not come up."""
    paths = engine_paths(state_dir)
    if os.geteuid() != 0:
        raise MissingToolError(
            "no Docker engine is reachable, and only root can start one",
            hint="start Docker on this machine, or run the same command as root",
        )
    ensure_programs(runner, ("dockerd", "iptables", "ip"), packages=_PACKAGES, say=say)
    # From Debian 13 on the client is a package of its own, before it comes with docker.io.
    ensure_programs(runner, ("docker",), packages=("docker-cli",), say=say)
    version = ask_version(runner, paths.docker_host) if is_engine_running(state_dir) else ""
    if not version:
        stop_engine(state_dir, runner=runner)
        version = _start(paths, runner=runner, say=say)
    return Engine(docker_host=paths.docker_host, version=version, is_owned=True)


def stop_engine(state_dir: Path, *, runner: ProcessRunner) -> bool:
    """End the engine we started for this state directory with all of its helpers; says whether one ran. What it
    stored stays."""
    paths = engine_paths(state_dir)
    was_running = supervise.stop_recorded(paths.record, clock=SystemClock())
    clear_leftovers(paths, runner)
    remove_bridge(paths, runner)
    if paths.run != paths.home and paths.run.exists():
        shutil.rmtree(paths.run)
    return was_running


def delete_engine_data(state_dir: Path, *, runner: ProcessRunner) -> None:
    """Remove images, volumes and all else that a stopped engine of ours stored."""
    paths = engine_paths(state_dir)
    if is_engine_running(state_dir):
        raise ConflictError(f"the engine of {state_dir} still runs: its data cannot be deleted")
    unmount_below(paths.home, runner)
    if paths.home.exists():
        shutil.rmtree(paths.home)


def is_engine_running(state_dir: Path) -> bool:
    """Whether the process that we started for this state directory lives."""
    identity = supervise.read_record(engine_paths(state_dir).record)
    return identity is not None and supervise.is_running(identity)


def _start(paths: EnginePaths, *, runner: ProcessRunner, say: Say) -> str:
    for folder in (paths.exec_root, paths.data_root):
        folder.mkdir(parents=True, exist_ok=True)
    paths.home.chmod(0o711)
    say(f"starting a Docker engine on {paths.docker_host}")
    make_bridge(paths, runner)
    paths.configuration.write_text(json.dumps(_configuration(paths, say=say), indent=2))
    argv = (which("dockerd") or "dockerd", "--config-file", str(paths.configuration))
    program = supervise.Program(argv=argv, record=paths.record, log=paths.log, env=_environment())
    supervise.start_program(program)
    try:
        return poll_until(
            lambda: _version_or_failure(paths, runner),
            what=f"the start of dockerd on {paths.docker_host}",
            is_final=bool,
            interval_s=0.1,
            longest_interval_s=0.5,
            deadline_s=_START_TIMEOUT_S,
            clock=SystemClock(),
        )
    except TimedOutError as error:
        said = supervise.last_words(paths.log, lines=5)
        raise RemoteError(f"{error.message}: {said}", hint=f"its whole log is {paths.log}") from error


def _version_or_failure(paths: EnginePaths, runner: ProcessRunner) -> str:
    identity = supervise.read_record(paths.record)
    if identity is None or not supervise.is_running(identity):
        said = supervise.last_words(paths.log, lines=5)
        raise RemoteError(f"dockerd ended right after its start: {said}", hint=f"its whole log is {paths.log}")
    return ask_version(runner, paths.docker_host) if paths.socket.exists() else ""


def _configuration(paths: EnginePaths, *, say: Say) -> dict[str, object]:
    """What dockerd's configuration file says (its keys: dockerd(8), "Daemon configuration file")."""
    return {
        "hosts": [paths.docker_host],
        "data-root": str(paths.data_root),
        "exec-root": str(paths.exec_root),
        "pidfile": str(paths.pid_file),
        "bridge": paths.bridge,
        "mtu": outgoing_mtu(),
        "default-address-pools": [{"base": JOB_POOL, "size": 24}],
        "insecure-registries": [STACK_POOL],
        **_runtime(paths, say=say),
    }


def _runtime(paths: EnginePaths, *, say: Say) -> dict[str, object]:
    """The wrapper as default runtime where this host lacks a capability; else nothing."""
    missing = probe_missing_capabilities()
    if not missing:
        return {}
    say(f"this host lacks {', '.join(missing)}: privileged containers start without it, by a runtime wrapper")
    program = paths.home / "runtime-wrapper"
    interpreter = f"#!{Path(sys.executable).resolve()} -IS\n"
    program.write_text(interpreter + Path(runtime_wrapper.__file__).read_text(encoding="utf-8"), encoding="utf-8")
    program.chmod(0o755)
    return {"runtimes": {_RUNTIME: {"path": str(program)}}, "default-runtime": _RUNTIME}


def _environment() -> dict[str, str]:
    """dockerd starts iptables, containerd and runc by name."""
    return {"PATH": os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])}
