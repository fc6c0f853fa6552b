"""What a person may choose about a stack."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from sledgehammer.errors import ConfigurationError

LABEL = "sledgehammer.stack"
"""Carried by every container, network and volume of a stack; its value is the stack's name."""

STATE_DIR_LABEL = "sledgehammer.state-dir"
"""Carried by a stack's network and registries: which state directory it belongs to."""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,29}")


@dataclass(frozen=True, slots=True, kw_only=True)
class StackOptions:
    """Which stack, where its state lies, and whether our own runner takes its jobs."""

    state_dir: Path
    name: str = "default"
    with_runner: bool = True

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ConfigurationError(
                f"a stack cannot be named {self.name!r}", hint="use lower-case letters, digits and dashes, at most 30"
            )
        if not self.state_dir.is_absolute():
            raise ConfigurationError(f"the state directory {self.state_dir} is not an absolute path")


def default_state_dir(name: str) -> Path:
    """$XDG_STATE_HOME/sledgehammer/<name>, else below ~/.local/state (XDG Base Directory Specification)."""
    home = os.environ.get("XDG_STATE_HOME", "")
    base = Path(home) if home.startswith("/") else Path.home() / ".local" / "state"
    return base / "sledgehammer" / name
