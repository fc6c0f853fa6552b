"""Variables of pipeline schedules, against the local GitLab."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from call_faults import FAULTS
from gitlab_rehearsal import Recorder, Rehearsal, rehearse

from sledgehammer.changes import Action
from sledgehammer.errors import ConfigurationError
from sledgehammer_gitlab.settings import Settings
from sledgehammer_gitlab.upkeep_settings import Schedule, ScheduleVariable

NIGHTLY = Schedule(cron="H 3 * * *")


@pytest.fixture
def here(gitlab_url: str, tmp_path: Path) -> Iterator[Rehearsal]:
    with rehearse(gitlab_url, tmp_path, Settings(project="team/sub/web")) as made:
        yield made


def pending(here: Rehearsal) -> list[tuple[Action, str, list[str]]]:
    return [
        (change.action, change.kind, [item.name for item in change.attributes])
        for change in here.connect().plan().pending
    ]


def detail(here: Rehearsal) -> Any:
    (nightly,) = here.api("GET", f"{here.project}/pipeline_schedules")
    return here.api("GET", f"{here.project}/pipeline_schedules/{nightly['id']}")


def values(here: Rehearsal) -> dict[str, str]:
    return {row["key"]: row["value"] for row in detail(here)["variables"]}


def with_variables(here: Rehearsal, **variables: str) -> None:
    named = {key: ScheduleVariable(value=value) for key, value in variables.items()}
    here.settings = replace(here.settings, schedules={"nightly": replace(NIGHTLY, variables=named)})


def test_variables_of_a_schedule_are_brought_to_what_is_asked(here: Rehearsal, recorder: Recorder) -> None:
    """Made with it, changed, and taken away, each by one request; without the key those of a person stay."""
    here.variables = {"TOKEN": "a-secret-value"}
    asked = {"MODE": ScheduleVariable(value="full"), "KEY": ScheduleVariable(from_env="TOKEN")}
    here.settings = replace(here.settings, schedules={"nightly": replace(NIGHTLY, variables=asked)})
    planned = here.connect().plan()
    assert "a-secret-value" not in repr(planned)
    here.apply()
    assert values(here) == {"MODE": "full", "KEY": "a-secret-value"}
    assert pending(here) == []
    with_variables(here, MODE="quick")
    assert pending(here) == [(Action.UPDATE, "gitlab_schedule", ["variable MODE", "variable KEY"])]
    recorder.exchanges.clear()
    here.apply()
    assert sorted(write.split()[0] for write in recorder.writes) == ["DELETE", "PUT"]
    assert (values(here), pending(here)) == ({"MODE": "quick"}, [])
    here.settings = replace(here.settings, schedules={"nightly": NIGHTLY})
    assert pending(here) == []
    with_variables(here)
    here.apply()
    assert values(here) == {}
    recorder.check()


def test_a_schedule_that_is_played_builds_with_its_variables(here: Rehearsal) -> None:
    """The pipeline says that a schedule started it."""
    with_variables(here, MODE="full")
    here.apply()
    here.api("POST", f"{here.project}/pipeline_schedules/{detail(here)['id']}/play")
    (pipeline,) = here.api("GET", f"{here.project}/pipelines?source=schedule")
    (variable,) = here.api("GET", f"{here.project}/pipelines/{pipeline['id']}/variables")
    assert (variable["key"], variable["value"]) == ("MODE", "full")


@pytest.mark.parametrize("fault", FAULTS)
def test_variables_of_a_schedule_are_made_once_whatever_happens_to_the_answer(here: Rehearsal, fault: str) -> None:
    """Made, changed and taken away."""
    tail = "/pipeline_schedules/[0-9]+/variables"

    def apply(*methods: str) -> None:
        rules = [{"fault": fault, "method": method, "path": tail, "calls": [1]} for method in methods]
        here.ask("POST", "/-/faults", {"rules": rules})
        here.apply()
        assert len(here.ask("GET", "/-/faults")["injected"]) == len(methods)
        here.ask("DELETE", "/-/faults")

    with_variables(here, MODE="full", GONE="x")
    apply("POST")
    with_variables(here, MODE="quick")
    apply("PUT", "DELETE")
    assert (values(here), pending(here)) == ({"MODE": "quick"}, [])


def test_an_empty_variable_of_a_schedule_is_refused(here: Rehearsal) -> None:
    """It could not be told from none."""
    with_variables(here, MODE="")
    with pytest.raises(ConfigurationError, match="MODE of schedule nightly is empty"):
        here.connect().plan()
