import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from gitlab_rehearsal import Recorder, Rehearsal, rehearse

from sledgehammer.changes import Action, Change
from sledgehammer.errors import ConfigurationError, ConflictError, CredentialsError
from sledgehammer_gitlab.settings import Settings, Variable, Visibility

FULL = Settings(
    project="team/sub/web",
    variables={
        "API_KEY": Variable(from_env="MY_KEY", masked=True, description="for the shop"),
        "GREETING": Variable(value="hello $USER", environment_scope="prod/*"),
    },
)


@pytest.fixture
def here(gitlab_url: str, tmp_path: Path) -> Iterator[Rehearsal]:
    with rehearse(gitlab_url, tmp_path, FULL) as made:
        made.variables = {"MY_KEY": "s3cret-value"}
        yield made


def actions(changes: tuple[Change, ...]) -> list[tuple[str, str]]:
    return [(change.action.name, change.address) for change in changes]


def test_gitlab_plan_on_an_empty_server_shows_everything_and_makes_nothing(here: Rehearsal, recorder: Recorder) -> None:
    """A first plan names each object to create, secrets hidden, and sends only reads."""
    changes = here.connect().plan()
    assert actions(changes.changes) == [
        ("CREATE", f"gitlab_group {here.group}"),
        ("CREATE", f"gitlab_group {here.group}/sub"),
        ("CREATE", f"gitlab_project {here.group}/sub/web"),
        ("CREATE", f"gitlab_variable {here.group}/sub/web API_KEY"),
        ("CREATE", f"gitlab_variable {here.group}/sub/web GREETING [prod/*]"),
        ("CREATE", f"gitlab_repository_content {here.group}/sub/web@main"),
        ("CREATE", f"gitlab_ci_file {here.group}/sub/web@main .gitlab-ci.yml"),
    ]
    assert "s3cret-value" not in repr(changes)
    assert recorder.writes == []
    assert here.api("GET", here.project) is None


def test_gitlab_apply_makes_what_the_plan_showed(here: Rehearsal) -> None:
    """After an apply the objects are there as asked, and no pipeline has started."""
    planned = here.connect().plan()
    made: list[Change] = []
    applied = here.connect().apply(on_change=made.append)
    assert actions(tuple(made)) == actions(planned.changes) == actions(applied.changes)
    assert here.api("GET", here.project)["visibility"] == "private"
    variables = here.api("GET", f"{here.project}/variables")
    assert [(row["key"], row["value"], row["environment_scope"], row["masked"]) for row in variables] == [
        ("API_KEY", "s3cret-value", "*", True),
        ("GREETING", "hello $USER", "prod/*", False),
    ]
    tree = here.api("GET", f"{here.project}/repository/tree?ref=main")
    assert [row["name"] for row in tree] == [".gitlab-ci.yml", "Dockerfile"]
    assert [row["status"] for row in here.api("GET", f"{here.project}/pipelines")] in ([], ["skipped"])


def test_gitlab_apply_again_finds_nothing_to_do(here: Rehearsal, recorder: Recorder) -> None:
    """The second plan is empty, and the second apply sends no write and no commit."""
    here.apply()
    tip = here.tip()
    recorder.exchanges.clear()
    assert here.connect().plan().pending == ()
    assert here.connect().apply(on_change=lambda change: None).pending == ()
    assert recorder.writes == []
    assert here.tip() == tip
    assert len(recorder.exchanges) == 2 * 3


def test_gitlab_plan_sees_what_was_changed_by_hand(here: Rehearsal) -> None:
    """Drift of each managed attribute is shown with both values, and the next apply puts it right."""
    here.settings = replace(here.settings, visibility=Visibility.PUBLIC)
    here.apply()
    here.api("PUT", here.project, {"visibility": "private"})
    here.api("PUT", f"{here.project}/variables/API_KEY", {"value": "other-value", "masked": False})
    here.api("POST", f"{here.project}/variables", {"key": "THEIRS", "value": "x"})
    drift = {
        change.address: [(item.name, item.before, item.after) for item in change.attributes]
        for change in here.connect().plan().pending
    }
    assert drift == {
        f"gitlab_project {here.group}/sub/web": [("visibility", "private", "public")],
        f"gitlab_variable {here.group}/sub/web API_KEY": [("value", "***", "***"), ("masked", "false", "true")],
    }
    here.apply()
    assert here.connect().plan().pending == ()
    keys = [row["key"] for row in here.api("GET", f"{here.project}/variables")]
    assert keys == ["API_KEY", "GREETING", "THEIRS"]


def test_gitlab_apply_updates_the_variable_of_its_own_scope(here: Rehearsal) -> None:
    """With one key in two environment scopes, only the one of the settings is written."""
    here.apply()
    here.api("POST", f"{here.project}/variables", {"key": "GREETING", "value": "theirs"})
    here.settings = replace(here.settings, variables={"GREETING": Variable(value="new", environment_scope="prod/*")})
    here.apply()
    values = {
        row["environment_scope"]: row["value"]
        for row in here.api("GET", f"{here.project}/variables")
        if row["key"] == "GREETING"
    }
    assert values == {"*": "theirs", "prod/*": "new"}


def test_gitlab_apply_sends_new_commits(here: Rehearsal) -> None:
    """A new commit is one change of the plan, with both commits named, and only that."""
    here.apply()
    first = here.git("rev-parse", "--short=12", "HEAD")
    here.commit("main.rs")
    (change,) = here.connect().plan().pending
    assert (change.action, change.kind) == (Action.UPDATE, "gitlab_repository_content")
    second = here.git("rev-parse", "--short=12", "HEAD")
    assert [(item.before, item.after) for item in change.attributes] == [(first, second)]
    here.apply()
    assert here.connect().plan().pending == ()


def test_gitlab_apply_from_another_clone_fetches_what_it_lacks(here: Rehearsal, tmp_path: Path) -> None:
    """State lives on GitLab alone: a colleague's clone plans nothing, then carries on."""
    here.apply()
    clone = tmp_path / "clone"
    here.git("clone", "-q", str(here.work), str(clone))
    here.work = clone
    assert here.connect().plan().pending == ()
    here.commit("main.rs")
    here.apply()
    assert here.connect().plan().pending == ()


def test_gitlab_apply_uses_a_personal_namespace(here: Rehearsal) -> None:
    """The token's own user name is a namespace without groups to create; groups below it are refused."""
    here.settings = Settings(project="root/web")
    kinds = [change.kind for change in here.connect().plan().pending]
    assert kinds == ["gitlab_project", "gitlab_repository_content", "gitlab_ci_file"]
    here.apply()
    assert here.connect().plan().pending == ()
    here.settings = Settings(project="root/sub/web")
    with pytest.raises(ConfigurationError, match="person's namespace"):
        here.connect().plan()


def test_gitlab_apply_keeps_commits_made_on_gitlab(here: Rehearsal) -> None:
    """A commit made in GitLab's editor is named in a conflict, whose hint leads on."""
    here.apply()
    actions = [{"action": "create", "file_path": "hotfix", "content": "x"}]
    body = {"branch": "main", "commit_message": "urgent hotfix", "actions": actions}
    here.api("POST", f"{here.project}/repository/commits", body)
    tip = here.tip()
    here.commit("main.rs")
    with pytest.raises(ConflictError, match=r"commits that this checkout lacks: .*urgent hotfix") as caught:
        here.apply()
    assert "git pull first" in caught.value.hint
    assert here.tip() == tip
    here.git("pull", "-q", "--no-rebase", "--no-edit", f"{_with_token(here)}/{here.path}.git", "main")
    here.apply()
    assert here.connect().plan().pending == ()


def _with_token(here: Rehearsal) -> str:
    return here.url.replace("://", f"://oauth2:{here.token}@")


def test_gitlab_apply_does_not_replace_a_persons_ci_file(here: Rehearsal, recorder: Recorder) -> None:
    """A job of our job's name stops the apply before it makes anything; other jobs stay beside ours."""
    here.commit(".gitlab-ci.yml", "build: {script: [make]}\n")
    with pytest.raises(ConflictError, match='has a job "build" of its own'):
        here.apply()
    assert recorder.writes == []
    here.commit(".gitlab-ci.yml", "test: {script: [make]}\n")
    here.apply()
    assert here.connect().plan().pending == ()
    linted = here.api("GET", f"{here.project}/ci/lint?include_jobs=true")
    assert sorted(job["name"] for job in linted["jobs"]) == ["build", "test"]


def test_gitlab_looks_through_a_ci_file_before_it_is_pushed(here: Rehearsal) -> None:
    """A mistake beside our job is told in GitLab's words, and the branch stays as it was."""
    here.apply()
    tip = here.tip()
    here.commit(".gitlab-ci.yml", "test: {scirpt: [make]}\n")
    with pytest.raises(ConfigurationError, match=r"GitLab finds mistakes in \.gitlab-ci\.yml as it would be: .*scirpt"):
        here.apply()
    assert here.tip() == tip


def test_gitlab_looks_through_the_first_ci_file_too(here: Rehearsal) -> None:
    """The repository is empty then, and stays so."""
    here.commit(".gitlab-ci.yml", "test: {stage: nowhere, script: [make]}\n")
    with pytest.raises(ConfigurationError, match=r"as it would be: .*nowhere"):
        here.apply()
    assert here.api("GET", f"{here.project}/repository/branches") == []


def test_gitlab_looks_through_what_the_push_brought_where_the_ci_file_includes_it(here: Rehearsal) -> None:
    """A mistake in it is told, whether the CI file itself is another one or not; a right one passes."""
    here.commit(".gitlab-ci.yml", "include: jobs.yml\ntest: {script: [make]}\n")
    with pytest.raises(ConfigurationError, match=r"mistakes in \.gitlab-ci\.yml of main: .*jobs\.yml") as caught:
        here.apply()
    assert "it was pushed" in caught.value.hint
    here.commit("jobs.yml", "other: {script: [make]}\n")
    here.apply()
    here.commit("jobs.yml", "other: {stage: nowhere, script: [make]}\n")
    with pytest.raises(ConfigurationError, match="nowhere"):
        here.apply()


def test_gitlab_branch_that_the_token_may_not_push_to_is_a_step_for_a_person(here: Rehearsal) -> None:
    """The plan names the page; the apply unprotects nothing and sends nothing there."""
    here.apply()
    here.api("DELETE", f"{here.project}/protected_branches/main")
    here.api("POST", f"{here.project}/protected_branches", {"name": "main", "push_access_level": 0})
    here.commit("main.rs")
    tip = here.tip()
    changes = here.connect().plan()
    assert [change.kind for change in changes.manual] == ["gitlab_repository_content"]
    assert changes.manual[0].link.endswith("/-/settings/repository")
    here.apply()
    assert here.tip() == tip
    assert len(here.api("GET", f"{here.project}/protected_branches")) == 1


def test_gitlab_token_that_is_wrong_is_named_by_its_source(here: Rehearsal) -> None:
    """A refused token is told by where it came from, never by its text."""
    here.token = "glpat-wrong"
    with pytest.raises(CredentialsError, match="GITLAB_TOKEN is wrong, revoked or expired") as caught:
        here.connect().plan()
    assert "glpat-wrong" not in str(caught.value)


def test_gitlab_token_that_may_only_read_can_plan_but_not_apply(here: Rehearsal) -> None:
    """A scope too narrow for a write is a credentials error that says which scope is needed."""
    user = here.api("GET", "/user")["id"]
    tomorrow = str((datetime.now(UTC) + timedelta(days=1)).date())
    body = {"name": "reader", "scopes": ["read_api", "read_repository"], "expires_at": tomorrow}
    here.token = here.api("POST", f"/users/{user}/personal_access_tokens", body)["token"]
    assert here.connect().plan().pending
    with pytest.raises(CredentialsError, match="scope api"):
        here.apply()


def test_gitlab_apply_says_that_uncommitted_files_stay_behind(
    here: Rehearsal, caplog: pytest.LogCaptureFixture
) -> None:
    """Changes that are not committed are not sent, and the user is told."""
    (here.work / "Dockerfile").write_text("FROM debian\n")
    with caplog.at_level(logging.WARNING):
        here.apply()
    assert "uncommitted changes, which are not sent" in caplog.text
    assert here.api("GET", f"{here.project}/repository/files/Dockerfile?ref=main")["size"] == len("FROM scratch\n")


def test_gitlab_apply_sends_only_what_gitlab_describes(here: Rehearsal, recorder: Recorder) -> None:
    """Requests and answers of plan, apply and update fit GitLab's OpenAPI document."""
    here.settings = replace(here.settings, visibility=Visibility.PUBLIC)
    here.apply()
    here.api("PUT", here.project, {"visibility": "private"})
    here.api("PUT", f"{here.project}/variables/API_KEY", {"value": "other-value"})
    here.apply()
    assert len(recorder.writes) == 2 + 1 + 2 + 1 + 2
    recorder.check()
