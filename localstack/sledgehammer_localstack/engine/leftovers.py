"""What a dockerd leaves on the host when it is killed, and its bridge: made and cleared here."""

import ipaddress
import shutil
from pathlib import Path

from sledgehammer.polling import SystemClock
from sledgehammer.process import Command, ProcessRunner, run_checked
from sledgehammer_localstack import supervise
from sledgehammer_localstack.engine.addresses import choose_subnet, read_routes
from sledgehammer_localstack.engine.install import which
from sledgehammer_localstack.engine.paths import EnginePaths

_HELPER_GRACE_S = 5.0


def make_bridge(paths: EnginePaths, runner: ProcessRunner) -> None:
    """A bridge of the engine's own: two engines on one host would fight about docker0."""
    if _has_interface(paths.bridge):
        return
    subnet = choose_subnet(read_routes(runner), from_top=True)
    address = ipaddress.ip_interface(f"{subnet.network_address + 1}/{subnet.prefixlen}")
    for words in (
        ("link", "add", paths.bridge, "type", "bridge"),
        ("address", "add", str(address), "dev", paths.bridge),
        ("link", "set", paths.bridge, "up"),
    ):
        run_checked(runner, Command(argv=(which("ip") or "ip", *words)))


def remove_bridge(paths: EnginePaths, runner: ProcessRunner) -> None:
    """Take the bridge away; one that is gone is fine."""
    if _has_interface(paths.bridge):
        run_checked(runner, Command(argv=(which("ip") or "ip", "link", "delete", paths.bridge)))


def clear_leftovers(paths: EnginePaths, runner: ProcessRunner) -> None:
    """End helpers (containerd, shims) that a killed dockerd left behind, undo its mounts, remove stale files."""
    for identity in supervise.processes_naming(paths.exec_root):
        supervise.stop_process(identity, clock=SystemClock(), grace_s=_HELPER_GRACE_S)
    unmount_below(paths.exec_root, runner)
    unmount_below(paths.data_root, runner)
    for path in (paths.pid_file, paths.socket):
        path.unlink(missing_ok=True)
    if paths.exec_root.exists():
        shutil.rmtree(paths.exec_root)


def unmount_below(folder: Path, runner: ProcessRunner) -> None:
    """Undo all mounts below a folder, innermost first."""
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for mount in sorted((m for m in mounts if m.startswith(f"{folder}/")), reverse=True):
        run_checked(runner, Command(argv=("umount", mount)))


def _has_interface(name: str) -> bool:
    return Path("/sys/class/net", name).exists()
