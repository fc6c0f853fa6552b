"""Whether this host can give a privileged container all that it asks for."""

from pathlib import Path

from sledgehammer_localstack.engine import runtime_wrapper


def missing_capabilities(status: str, *, last_capability: int) -> tuple[str, ...]:
    """CAP_… names that a process with this /proc/self/status can never have; `last_capability` is the kernel's
    highest number (/proc/sys/kernel/cap_last_cap). Capabilities newer than our table go by their number."""
    mask = runtime_wrapper.bounding_mask(status)
    absent = [bit for bit in range(last_capability + 1) if not mask >> bit & 1]
    names = runtime_wrapper.NAMES
    return tuple(f"CAP_{names[bit]}" if bit < len(names) else f"capability {bit}" for bit in absent)


def probe_missing_capabilities() -> tuple[str, ...]:
    """What this very process, and so an engine it starts, lacks."""
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    return missing_capabilities(Path("/proc/self/status").read_text(), last_capability=last)
