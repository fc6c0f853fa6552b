"""An OCI runtime for hosts that themselves lack a capability: asks runc only for what the host can give.

Docker's `--privileged` names every capability it knows; on such a host runc then ends with `unable to apply
caps`. This program takes the missing ones out of the bundle's config.json (`create`, `run`) or of the file
given with `--process` (`exec`), and becomes runc. Copied into an engine's state directory it runs by itself there.
Formats: OCI runtime specification, config.json `process.capabilities`; runc(8).
"""

# Every container waits for this program: it loads no more modules than it must.
# ruff: noqa: PTH118, PTH123
import json
import os
import sys
from collections.abc import Sequence, Set
from typing import Any

# In the kernel's order, include/uapi/linux/capability.h: the name's place is its bit.
NAMES: tuple[str, ...] = (
    *("CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP"),
    *("LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER"),
    *("SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE"),
    *("SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP"),
    *("MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF"),
    "CHECKPOINT_RESTORE",
)


def names_of(mask: int) -> set[str]:
    """The capabilities in a bit mask, such as CapBnd of /proc/self/status, as CAP_… names."""
    return {f"CAP_{name}" for bit, name in enumerate(NAMES) if mask >> bit & 1}


def keep_only(process: dict[str, Any], available: Set[str]) -> None:
    """Take what is not `available` out of all capability sets of an OCI process object, in place."""
    sets = process.get("capabilities") or {}
    for kind, names in sets.items():
        sets[kind] = [name for name in names or [] if name in available]


def option(arguments: Sequence[str], *names: str) -> str | None:
    """The value of `--name value` or `--name=value`; None when it is not there."""
    for place, argument in enumerate(arguments):
        if argument in names and place + 1 < len(arguments):
            return arguments[place + 1]
        for name in names:
            if argument.startswith(f"{name}="):
                return argument[len(name) + 1 :]
    return None


def rewrite(path: str, *, is_bundle: bool, available: Set[str]) -> None:
    """Apply `keep_only` to a config.json (`is_bundle`) or to a process file."""
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    keep_only(document.get("process") or {} if is_bundle else document, available)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document, file)


def bounding_mask(status: str) -> int:
    """The bounding set in the text of /proc/<pid>/status."""
    return next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapBnd:"))


def main(arguments: Sequence[str]) -> None:
    """Make the bundle or the process file fit this host, and become runc."""
    with open("/proc/self/status", encoding="ascii") as file:
        available = names_of(bounding_mask(file.read()))
    if "create" in arguments or "run" in arguments:
        bundle = option(arguments, "--bundle", "-b") or "."
        rewrite(os.path.join(bundle, "config.json"), is_bundle=True, available=available)
    elif "exec" in arguments:
        path = option(arguments, "--process", "-p")
        if path is not None:
            rewrite(path, is_bundle=False, available=available)
    os.execvp("runc", ["runc", *arguments])  # noqa: S606 - this process becomes runc, no shell wanted


if __name__ == "__main__":
    main(sys.argv[1:])
