"""Parts of the local GitLab that need neither network nor git."""

from pathlib import Path
from typing import Any

import pytest

from sledgehammer.errors import ConfigurationError
from sledgehammer_localstack.ci.model import (
    Artifacts,
    Cache,
    Environment,
    Image,
    Job,
    Need,
    Report,
    Retry,
    Service,
    Variable,
    When,
)
from sledgehammer_localstack.gitlab.answers import ApiError, Reply
from sledgehammer_localstack.gitlab.builds.definitions import dump_job, load_job
from sledgehammer_localstack.gitlab.call import Call
from sledgehammer_localstack.gitlab.limits import RateLimiter
from sledgehammer_localstack.gitlab.parameters import Parameters
from sledgehammer_localstack.gitlab.people import is_path
from sledgehammer_localstack.gitlab.project_settings import changed_settings
from sledgehammer_localstack.gitlab.pushes import parse_push_options
from sledgehammer_localstack.gitlab.records import User
from sledgehammer_localstack.gitlab.routing import Router, reads, writes
from sledgehammer_localstack.gitlab.services import WorkSignal
from sledgehammer_localstack.gitlab.store import Store


def _handler(call: Call) -> Reply:
    return Reply(payload=dict(call.path))


def test_a_compiled_job_survives_the_database() -> None:
    """Every kind of field comes back as it was."""
    job = Job(
        name="build",
        stage="build",
        script=("make",),
        image=Image(name="docker:cli", entrypoint=("",)),
        services=(Service(name="docker:dind", alias="docker", variables=(Variable(key="A", value="1"),)),),
        variables=(Variable(key="B", value="2", masked=True),),
        when=When.ON_FAILURE,
        allow_failure_exit_codes=(3, 4),
        needs=(Need(job="x", artifacts=False),),
        dependencies=(),
        artifacts=Artifacts(paths=("out",), reports=(Report(kind="dotenv", paths=("a.env",)),)),
        caches=(Cache(key="k", paths=("p",)),),
        retry=Retry(max=2, when=("script_failure",), exit_codes=(1,)),
        timeout_s=60,
        environment=Environment(name="prod"),
    )
    assert load_job(dump_job(job)) == job
    plain = Job(name="x", stage="test", script=("true",))
    assert load_job(dump_job(plain)) == plain


def test_ids_are_full_paths_with_encoded_slashes() -> None:
    """Placeholders take one raw segment and come decoded; the first route wins; HEAD is a GET."""
    router = Router(
        [
            reads("/projects/{id}/jobs/latest", _handler),
            reads("/projects/{id}/jobs/{job}", _handler),
            writes("PUT", "/projects/{id}", _handler),
            reads("/{repository:path}.git/info/refs", _handler),
        ]
    )
    found = router.find("GET", "/projects/team%2Fapp%2Eweb/jobs/7")
    assert found is not None
    assert found[1] == {"id": "team/app.web", "job": "7"}
    latest = router.find("HEAD", "/projects/1/jobs/latest")
    assert latest is not None
    assert latest[1] == {"id": "1"}
    deep = router.find("GET", "/a/b/c.git/info/refs")
    assert deep is not None
    assert deep[1] == {"repository": "a/b/c"}
    assert router.find("GET", "/projects/team/app/jobs/7") is None
    assert router.methods("/projects/1") == {"PUT"}


@pytest.mark.parametrize(
    ("lines", "skips", "variables"),
    [
        ([], False, {}),
        (["ci.skip"], True, {}),
        (["ci.variable=A=1", 'ci.variable="B=x=y z"'], False, {"A": "1", "B": "x=y z"}),
        (["merge_request.create"], False, {}),
    ],
)
def test_push_options(lines: list[str], skips: bool, variables: dict[str, str]) -> None:
    """ci.skip and ci.variable are understood, quotes around a pair go."""
    options = parse_push_options(lines)
    assert (options.skip_ci, dict(options.variables)) == (skips, variables)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("app", True), ("my-app.v2", True), ("_x", True), ("-app", False), ("a b", False), ("x.git", False), ("", False)],
)
def test_path_names(path: str, allowed: bool) -> None:
    """GitLab's rule for path components."""
    assert is_path(path) is allowed


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({}, "name is missing"),
        ({"name": "  "}, "name is empty"),
        ({"name": ["a"]}, "name is invalid"),
    ],
)
def test_a_wrong_parameter_is_named(values: dict[str, Any], sentence: str) -> None:
    """400 with GitLab's words."""
    with pytest.raises(ApiError) as refused:
        Parameters(values).required("name")
    assert refused.value.reply.payload == {"error": sentence}


def test_parameters_take_what_forms_and_json_send() -> None:
    """Booleans and numbers as text, lists with commas; nonsense is refused."""
    params = Parameters({"on": "true", "off": 0, "n": "12", "list": "a, b", "bad": "maybe"})
    assert (params.flag("on"), params.flag("off"), params.flag("none")) == (True, False, None)
    assert (params.number("n"), params.texts("list")) == (12, ("a", "b"))
    with pytest.raises(ApiError):
        params.flag("bad")
    with pytest.raises(ApiError):
        params.number("bad")


def test_settings_keep_what_was_set_before() -> None:
    """A later change leaves the rest; an access level switches its feature."""
    first = changed_settings("{}", Parameters({"build_timeout": "60"}))
    second = changed_settings(first, Parameters({"builds_access_level": "disabled"}))
    assert '"build_timeout": 60' in second
    assert '"jobs_enabled": false' in second


def test_the_limiter_counts_each_caller_alone() -> None:
    """The third of two is refused, another caller is not."""
    limiter = RateLimiter(2)
    verdicts = [limiter.admit("ada") for _ in range(3)]
    assert verdicts[0].allowed
    assert limiter.admit("bob").allowed
    refused = next((verdict for verdict in verdicts if not verdict.allowed), None)
    # The clock's minute may turn between the calls, which starts the count anew.
    assert refused is None or refused.headers["RateLimit-Remaining"] == "0"


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    """Rows and records fit, and an error takes back all of a block."""
    store = Store(tmp_path / "db.sqlite3")
    columns: dict[str, Any] = {
        "name": "A",
        "is_admin": True,
        "is_bot": False,
        "state": "active",
        "created_at": "2026-01-01",
    }

    def insert_and_fail() -> None:
        with store.transaction():
            store.insert("users", username="a", email="a@example.com", **columns)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        insert_and_fail()
    assert store.count("SELECT count(*) FROM users") == 0
    store.insert("users", username="a", email="a@example.com", **columns)
    user = store.one(User, "SELECT * FROM users")
    assert user is not None
    assert user.is_admin is True
    store.close()


def test_a_database_of_another_version_is_not_touched(tmp_path: Path) -> None:
    """The reader is told to reset."""
    import sqlite3

    path = tmp_path / "db.sqlite3"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(ConfigurationError, match="schema 99"):
        Store(path)


def test_a_waiting_runner_is_woken_by_work_and_by_the_end() -> None:
    """A changed value ends the wait at once; a closed signal lets all go."""
    work = WorkSignal()
    seen = work.value
    work.announce()
    assert work.wait_for_change(seen, timeout_s=0)
    assert not work.wait_for_change(work.value, timeout_s=0)
    work.close()
    assert work.wait_for_change(work.value, timeout_s=0)
