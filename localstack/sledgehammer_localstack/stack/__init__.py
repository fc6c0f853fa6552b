"""The stack as a whole: up, status, down, reset."""

from sledgehammer_localstack.stack.down import down, reset
from sledgehammer_localstack.stack.options import StackOptions, default_state_dir
from sledgehammer_localstack.stack.status import PartStatus, status
from sledgehammer_localstack.stack.up import up

__all__ = ["PartStatus", "StackOptions", "default_state_dir", "down", "reset", "status", "up"]
