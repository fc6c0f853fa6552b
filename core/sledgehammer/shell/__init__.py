"""Operations as one POSIX sh script, the same for every CI and for this machine."""

from sledgehammer.shell.render import render_script

__all__ = ["render_script"]
