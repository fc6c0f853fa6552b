"""The project's settings, its cleanup, schedules, job token scope and protected images, against the local GitLab."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from call_faults import FAULTS
from gitlab_rehearsal import Recorder, Rehearsal, rehearse

from sledgehammer.changes import Action
from sledgehammer.errors import ConfigurationError, ConflictError, NotFoundError
from sledgehammer_gitlab.access_settings import ImageTagProtection, RegistryLevel, RegistryProtection
from sledgehammer_gitlab.settings import Settings
from sledgehammer_gitlab.upkeep_settings import (
    Age,
    Cadence,
    CiSettings,
    Cleanup,
    Registry,
    Schedule,
)

NIGHTLY = Schedule(cron="H 3 * * *")
GUARDED = RegistryProtection(push=RegistryLevel.MAINTAINER)
ALL = Settings(
    project="team/sub/web",
    ci=CiSettings(registry=Registry.PRIVATE, timeout_minutes=90, auto_cancel=False, git_depth=5),
    cleanup=Cleanup(keep=25, spare="v.*"),
    schedules={"nightly": NIGHTLY},
    registry_protection={".": GUARDED, "/cache": replace(GUARDED, delete=RegistryLevel.OWNER)},
    image_tag_protection={"^v[0-9]": ImageTagProtection()},
    job_token_allowlist=(),
)


@pytest.fixture
def here(gitlab_url: str, tmp_path: Path) -> Iterator[Rehearsal]:
    with rehearse(gitlab_url, tmp_path, ALL) as made:
        yield made


def pending(here: Rehearsal) -> list[tuple[Action, str, list[str]]]:
    return [
        (change.action, change.kind, [item.name for item in change.attributes])
        for change in here.connect().plan().pending
    ]


def schedules(here: Rehearsal) -> Any:
    return here.api("GET", f"{here.project}/pipeline_schedules")


def test_a_new_project_is_as_asked_and_a_second_apply_sends_nothing(here: Rehearsal, recorder: Recorder) -> None:
    """Settings, cleanup, schedule, rules and list, each as GitLab describes it."""
    here.apply()
    assert pending(here) == []
    row = here.api("GET", here.project)
    assert (row["container_registry_access_level"], row["build_timeout"]) == ("private", 5400)
    assert (row["auto_cancel_pending_pipelines"], row["ci_default_git_depth"]) == ("disabled", 5)
    policy = row["container_expiration_policy"]
    assert (policy["enabled"], policy["keep_n"], policy["name_regex_keep"]) == (True, 25, "(?:v.*)")
    (nightly,) = schedules(here)
    assert (nightly["description"], nightly["cron"]) == ("nightly [sledge]", f"{row['id'] % 60} 3 * * *")
    rules = here.api("GET", f"{here.project}/registry/protection/repository/rules")
    assert {rule["repository_path_pattern"]: rule["minimum_access_level_for_delete"] for rule in rules} == {
        here.path: None,
        f"{here.path}/cache": "owner",
    }
    (protected,) = here.api("GET", f"{here.project}/registry/protection/tag/rules")
    assert (protected["tag_name_pattern"], protected["minimum_access_level_for_push"]) == ("^v[0-9]", "maintainer")
    recorder.check()
    recorder.exchanges.clear()
    here.apply()
    assert recorder.writes == []


CHANGED: list[tuple[dict[str, Any], str, list[str]]] = [
    ({"ci": replace(ALL.ci, registry=Registry.ENABLED)}, "gitlab_project", ["container_registry_access_level"]),
    ({"ci": replace(ALL.ci, timeout_minutes=30)}, "gitlab_project", ["build_timeout"]),
    ({"ci": replace(ALL.ci, auto_cancel=True)}, "gitlab_project", ["auto_cancel_pending_pipelines"]),
    ({"ci": replace(ALL.ci, git_depth=0)}, "gitlab_project", ["ci_default_git_depth"]),
    ({"cleanup": Cleanup(keep=5, spare="v.*")}, "gitlab_project", ["cleanup.keep_n"]),
    ({"cleanup": Cleanup(keep=25, spare="v.*", older_than=Age.WEEK)}, "gitlab_project", ["cleanup.older_than"]),
    ({"cleanup": Cleanup(keep=25, spare="v.*", cadence=Cadence.WEEK)}, "gitlab_project", ["cleanup.cadence"]),
    ({"cleanup": Cleanup(keep=25)}, "gitlab_project", ["cleanup.name_regex_keep"]),
    ({"schedules": {"nightly": replace(NIGHTLY, cron="5 4 * * 1")}}, "gitlab_schedule", ["cron"]),
    ({"schedules": {"nightly": replace(NIGHTLY, ref="other")}}, "gitlab_schedule", ["ref"]),
    ({"schedules": {"nightly": replace(NIGHTLY, timezone="Europe/Berlin")}}, "gitlab_schedule", ["timezone"]),
    ({"schedules": {"nightly": replace(NIGHTLY, active=False)}}, "gitlab_schedule", ["active"]),
    (
        {"registry_protection": {".": RegistryProtection(delete=RegistryLevel.OWNER)}},
        "gitlab_registry_protection",
        ["push", "delete"],
    ),
    (
        {"image_tag_protection": {"^v[0-9]": ImageTagProtection(delete=RegistryLevel.OWNER)}},
        "gitlab_registry_tag_protection",
        ["delete"],
    ),
]


@pytest.mark.parametrize(("settings", "kind", "attributes"), CHANGED)
def test_each_attribute_is_brought_to_what_is_asked(
    here: Rehearsal, recorder: Recorder, settings: dict[str, Any], kind: str, attributes: list[str]
) -> None:
    """One change of one object by one request, and after it nothing to do."""
    here.apply()
    here.settings = replace(here.settings, **settings)
    assert pending(here) == [(Action.UPDATE, kind, attributes)]
    recorder.exchanges.clear()
    here.apply()
    assert len(recorder.writes) == 1
    assert pending(here) == []
    recorder.check()


def test_a_cleanup_whose_pattern_takes_parts_of_tags_is_brought_to_whole_ones(here: Rehearsal) -> None:
    """As an update of a project that has the pattern without a group, which others wrote or an earlier sledge."""
    here.apply()
    policy = {"name_regex": "[0-9a-f]{40}|key-[0-9a-f]{32}.*", "name_regex_keep": "v.*"}
    here.api("PUT", here.project, {"container_expiration_policy_attributes": policy})
    named = ["cleanup.name_regex", "cleanup.name_regex_keep"]
    assert pending(here) == [(Action.UPDATE, "gitlab_project", named)]
    here.apply()
    assert pending(here) == []


def test_what_was_changed_by_hand_is_seen_and_taken_back(here: Rehearsal) -> None:
    """Every kind of object is named, with both values."""
    here.apply()
    policy = {"enabled": False, "keep_n": 1}
    here.api("PUT", here.project, {"build_timeout": 600, "container_expiration_policy_attributes": policy})
    here.api("PUT", f"{here.project}/pipeline_schedules/{schedules(here)[0]['id']}", {"active": False})
    here.api("PATCH", f"{here.project}/job_token_scope", {"enabled": False})
    (first, second) = here.api("GET", f"{here.project}/registry/protection/repository/rules")
    rules = f"{here.project}/registry/protection/repository/rules"
    here.api("DELETE", f"{rules}/{first['id']}")
    here.api("PATCH", f"{rules}/{second['id']}", {"minimum_access_level_for_push": "admin"})
    (protected,) = here.api("GET", f"{here.project}/registry/protection/tag/rules")
    path = f"{here.project}/registry/protection/tag/rules/{protected['id']}"
    here.api("PATCH", path, {"minimum_access_level_for_push": "owner"})
    drift = {
        (change.kind, item.name): (item.before, item.after)
        for change in here.connect().plan().pending
        for item in change.attributes
        if change.action is Action.UPDATE
    }
    assert drift == {
        ("gitlab_project", "build_timeout"): ("600", "5400"),
        ("gitlab_project", "cleanup.enabled"): ("false", "true"),
        ("gitlab_project", "cleanup.keep_n"): ("1", "25"),
        ("gitlab_schedule", "active"): ("false", "true"),
        ("gitlab_job_token_scope", "limited to the list"): ("false", "true"),
        ("gitlab_registry_protection", "push"): ("admin", "maintainer"),
        ("gitlab_registry_tag_protection", "push"): ("owner", "maintainer"),
    }
    here.apply()
    assert pending(here) == []


def test_a_schedule_of_ours_that_is_named_no_more_goes_and_a_copy_too(here: Rehearsal, recorder: Recorder) -> None:
    """A person's schedule stays."""
    here.apply()
    body = {"description": "theirs", "ref": "main", "cron": "0 1 * * *"}
    here.api("POST", f"{here.project}/pipeline_schedules", body)
    here.api("POST", f"{here.project}/pipeline_schedules", {**body, "description": "nightly [sledge]"})
    assert [names for *_, names in pending(here)] == [["copies"]]
    here.apply()
    assert sorted(row["description"] for row in schedules(here)) == ["nightly [sledge]", "theirs"]
    assert pending(here) == []
    here.settings = replace(here.settings, schedules={})
    assert pending(here) == [(Action.DELETE, "gitlab_schedule", [])]
    here.apply()
    assert [row["description"] for row in schedules(here)] == ["theirs"]
    recorder.check()


def test_projects_are_let_in_and_put_out_by_their_paths(here: Rehearsal, recorder: Recorder) -> None:
    """The list is what sledge.yaml says; a path that leads nowhere is named before anything is let in."""
    here.apply()
    for name in ("one", "two"):
        here.api("POST", "/projects", {"name": f"{here.group}-{name}"})
    one, two = (f"root/{here.group}-{name}" for name in ("one", "two"))
    here.settings = replace(here.settings, job_token_allowlist=(one, two))
    here.apply()
    assert pending(here) == []
    here.settings = replace(here.settings, job_token_allowlist=(two,))
    assert pending(here) == [(Action.UPDATE, "gitlab_job_token_scope", ["projects"])]
    here.apply()
    listed = here.api("GET", f"{here.project}/job_token_scope/allowlist")
    assert [row["path_with_namespace"] for row in listed] == [here.path, two]
    here.settings = replace(here.settings, job_token_allowlist=(two, "root/nowhere"))
    with pytest.raises(NotFoundError, match="names root/nowhere"):
        here.apply()
    recorder.check()


def test_a_group_that_was_let_in_by_hand_is_put_out(here: Rehearsal, recorder: Recorder) -> None:
    """All of its projects could come in: the list is of projects, and of no others."""
    here.apply()
    group = here.api("GET", f"/groups/{here.group}")
    groups = f"{here.project}/job_token_scope/groups_allowlist"
    here.api("POST", groups, {"target_group_id": group["id"]})
    (change,) = here.connect().plan().pending
    shown = [(item.name, item.before, item.after) for item in change.attributes]
    assert (change.kind, shown) == ("gitlab_job_token_scope", [("groups", here.group, "")])
    here.apply()
    assert here.api("GET", groups) == []
    assert pending(here) == []
    recorder.check()


def test_in_a_project_of_others_settings_are_a_conflict_that_names_the_project(here: Rehearsal) -> None:
    """All that differs is told at once; adopting the project lets all of it be changed."""
    here.apply()
    here.api("PUT", here.project, {"topics": [], "build_timeout": 600})
    here.api("PATCH", f"{here.project}/job_token_scope", {"enabled": False})
    with pytest.raises(ConflictError, match=r"gitlab_project .*build_timeout.*; gitlab_job_token_scope") as caught:
        here.apply()
    assert caught.value.hint.count("gitlab_project") == 1
    here.connect().adopt([f"gitlab_project {here.path}"])
    here.apply()
    assert pending(here) == []


def test_a_destruction_in_a_project_of_others_takes_our_schedules_alone(here: Rehearsal) -> None:
    """Settings stay as they are."""
    here.apply()
    here.api("PUT", here.project, {"topics": []})
    here.api(
        "POST", f"{here.project}/pipeline_schedules", {"description": "theirs", "ref": "main", "cron": "0 1 * * *"}
    )
    here.connect().destroy(on_change=lambda change: None)
    assert [row["description"] for row in schedules(here)] == ["theirs"]
    assert here.api("GET", here.project)["build_timeout"] == 5400


@pytest.mark.parametrize("fault", FAULTS)
def test_each_is_made_once_whatever_happens_to_the_answer(here: Rehearsal, fault: str) -> None:
    """429, 500 before and after the effect, a lost connection, at every call that makes or changes something."""
    here.api("POST", "/projects", {"name": f"{here.group}-one"})
    here.settings = replace(here.settings, job_token_allowlist=(f"root/{here.group}-one",))
    calls = [
        ("POST", "/pipeline_schedules$"),
        ("POST", "/protection/repository/rules$"),
        ("POST", "/allowlist$"),
        ("PATCH", "/job_token_scope$"),
    ]
    rules = [{"fault": fault, "method": method, "path": path, "calls": [1]} for method, path in calls]
    here.ask("POST", "/-/faults", {"rules": rules})
    here.apply()
    assert len(here.ask("GET", "/-/faults")["injected"]) == len(calls)
    assert pending(here) == []
    assert len(schedules(here)) == 1
    assert len(here.api("GET", f"{here.project}/registry/protection/repository/rules")) == 2


def test_a_number_of_tags_that_gitlab_does_not_offer_is_refused() -> None:
    """With those that it does."""
    with pytest.raises(ConfigurationError, match="GitLab keeps 1, 5, 10, 25, 50, 100 tags, not 7"):
        Cleanup(keep=7)
