from collections.abc import Callable

import pytest

from sledgehammer.errors import TimedOutError
from sledgehammer.polling import poll_until
from sledgehammer.testing import FakeClock


def counting(states: list[str]) -> Callable[[], str]:
    return lambda: states.pop(0) if len(states) > 1 else states[0]


def is_over(state: str) -> bool:
    return state == "success"


def test_polling_gives_the_final_value_without_a_last_sleep() -> None:
    """Reading stops at the first final value, with one pause per value that was not."""
    clock = FakeClock()
    states = ["pending", "running", "success"]
    found = poll_until(counting(states), what="pipeline 7", is_final=is_over, interval_s=2, deadline_s=60, clock=clock)
    assert found == "success"
    assert clock.sleeps == [2, 2]


def test_polling_slows_down_up_to_its_bound() -> None:
    """A long wait asks less and less often, but never more seldom than the longest interval."""
    clock = FakeClock()
    with pytest.raises(TimedOutError):
        poll_until(
            counting(["running"]),
            what="pipeline 7",
            is_final=is_over,
            interval_s=2,
            longest_interval_s=10,
            deadline_s=300,
            clock=clock,
        )
    assert clock.sleeps[0] == 2
    assert clock.sleeps[:10] == sorted(clock.sleeps[:10])
    assert max(clock.sleeps) == 10


def test_polling_reads_once_more_at_the_deadline_then_names_what_it_waited_for() -> None:
    """The deadline is kept to the second and the error says that the thing may still run."""
    clock = FakeClock()
    with pytest.raises(TimedOutError, match=r"pipeline 7 was not finished within 5 s\n.*may still"):
        poll_until(
            counting(["running"]),
            what="pipeline 7",
            is_final=is_over,
            interval_s=2,
            deadline_s=5,
            clock=clock,
        )
    assert clock.sleeps == [2, 2, 1]
