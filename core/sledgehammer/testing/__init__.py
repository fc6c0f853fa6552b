"""For the tests of providers and plugins; `sledgehammer.testing.contract`, which needs pytest, is imported by name."""

from sledgehammer.testing.clock import FakeClock

__all__ = ["FakeClock"]
