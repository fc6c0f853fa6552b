import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

import pytest
from werkzeug.test import Client
from werkzeug.wrappers import Response

from sledgehammer.errors import ConfigurationError
from sledgehammer_localstack.fault_middleware import FaultMiddleware, GitLabDialect
from sledgehammer_localstack.faults import Fault, FaultCall, FaultRule, FaultScript, parse_rule

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class CountingApp:
    """Answers 201 and counts how often a call took effect."""

    def __init__(self) -> None:
        self.effects = 0

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        self.effects += 1
        return Response("made", 201)(environ, start_response)


def client(app: CountingApp, *rules: FaultRule) -> Client:
    return Client(FaultMiddleware(app, FaultScript(rules=rules), GitLabDialect()))


def test_numbered_calls_fail() -> None:
    """Only the calls a rule numbers are throttled, and they say when to come back."""
    app = CountingApp()
    door = client(app, FaultRule(fault=Fault.THROTTLE, method="POST", path="^/api", calls=(2,), retry_after_s=7))
    answers = [door.post("/api/v4/projects") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 429, 201]
    assert answers[1].headers["Retry-After"] == "7"
    assert app.effects == 2


def test_error_after_the_effect() -> None:
    """A 500 after the effect hides a call that did happen; one before it hides nothing."""
    app = CountingApp()
    door = client(app, FaultRule(fault=Fault.ERROR_AFTER, calls=(1,)), FaultRule(fault=Fault.ERROR_BEFORE, calls=(2,)))
    assert door.post("/x").status_code == 500
    assert app.effects == 1
    assert door.post("/x").status_code == 500
    assert app.effects == 1


def test_reset_ends_the_connection() -> None:
    """A reset gives no answer at all, whether or not the call took effect."""
    app = CountingApp()
    door = client(app, FaultRule(fault=Fault.RESET_BEFORE, calls=(1,)), FaultRule(fault=Fault.RESET_AFTER, calls=(2,)))
    with pytest.raises(ConnectionResetError):
        door.post("/x")
    with pytest.raises(ConnectionResetError):
        door.post("/x")
    assert app.effects == 1


def test_a_delay_changes_only_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real answer comes, after as long as the rule says."""
    waited: list[float] = []

    class Clockwork:
        def wait(self, timeout: float) -> None:
            waited.append(timeout)

    monkeypatch.setattr("sledgehammer_localstack.fault_middleware.threading.Event", Clockwork)
    app = CountingApp()
    door = client(app, FaultRule(fault=Fault.DELAY, calls=(1,), delay_s=2.5))
    assert [door.post("/x").status_code for _ in range(2)] == [201, 201]
    assert (app.effects, waited) == (2, [2.5])


def test_every_nth_and_filters() -> None:
    """`every` counts only the calls that fit the rule's method, path and operation."""
    script = FaultScript(rules=(FaultRule(fault=Fault.THROTTLE, operation="StartBuild", every=2),))
    start = FaultCall(method="POST", path="/", operation="StartBuild")
    other = FaultCall(method="POST", path="/", operation="BatchGetBuilds")
    picked = [script.next_fault(call) is not None for call in (start, other, start, other, start, start)]
    assert picked == [False, False, True, False, False, True]
    assert [done.number for done in script.injected] == [2, 4]


def test_probability_repeats_with_its_seed() -> None:
    """The same seed gives the same faults, another seed others."""

    def draw(seed: int) -> list[bool]:
        script = FaultScript(rules=(FaultRule(fault=Fault.THROTTLE, probability=0.5),), seed=seed)
        return [script.next_fault(FaultCall(method="GET", path="/")) is not None for _ in range(40)]

    assert draw(1) == draw(1)
    assert draw(1) != draw(2)


def test_control_path() -> None:
    """Rules are loaded, their record read and everything dropped over HTTP."""
    app = CountingApp()
    door = client(app)
    script = {"seed": 3, "rules": [{"fault": "throttle", "path": "/x", "calls": [1]}]}
    assert door.post("/-/faults", data=json.dumps(script)).status_code == 200
    assert door.get("/x").status_code == 429
    injected = door.get("/-/faults").get_json()["injected"]
    assert injected == [{"fault": "throttle", "number": 1, "method": "GET", "path": "/x", "operation": ""}]
    assert door.delete("/-/faults").get_json() == {"rules": 0, "injected": []}
    assert door.get("/x").status_code == 201


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"fault": "flood"}, "one of throttle"),
        ({"fault": "throttle", "pth": "/"}, "no field pth"),
        ({"fault": "throttle", "calls": [0]}, "numbers from 1"),
        ({"fault": "throttle", "path": "("}, "no regular expression"),
        ({"fault": "delay", "delay_s": -1}, "0 or more"),
    ],
)
def test_wrong_rules_are_refused(entry: dict[str, object], words: str) -> None:
    """A rule that cannot mean anything is refused with the field that is wrong."""
    with pytest.raises(ConfigurationError, match=words):
        parse_rule(entry)
