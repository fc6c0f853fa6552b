"""What each cache strategy may be expected to take, from what earlier builds recorded. Pure."""

from sledgehammer.expect.history import History, StepHistory, history_of
from sledgehammer.expect.seconds import Expectation, Link, expected_seconds

__all__ = ["Expectation", "History", "Link", "StepHistory", "expected_seconds", "history_of"]
