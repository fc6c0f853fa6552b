"""Variables of a job: precedence, expansion, files."""

import pytest

from sledgehammer_localstack.runner.failure import JobFailedError
from sledgehammer_localstack.runner.payload import Variable
from sledgehammer_localstack.runner.variables import JobVariables


def variables(*found: Variable) -> JobVariables:
    return JobVariables(found, file_dir="/builds/app.tmp")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$IMAGE:$TAG", "app:1"),
        ("${IMAGE}_x", "app_x"),
        ("$IMAGE_x", ""),
        ("$$TAG", "$TAG"),
        ("100$", "100$"),
        ("a$-b$1c", "abc"),
        ("${TAG:-none}", ""),
        ("no reference", "no reference"),
    ],
)
def test_references_follow_the_runners_rules(text: str, expected: str) -> None:
    """References resolve as GitLab's runner does: unknown names vanish, `$$` is a dollar sign."""
    assert variables(Variable(key="IMAGE", value="app"), Variable(key="TAG", value="1")).expand(text) == expected


def test_raw_value_is_left_alone() -> None:
    """A raw variable keeps its dollars, others have their references resolved."""
    found = variables(
        Variable(key="NAME", value="world"),
        Variable(key="RAW", value="$NAME", is_raw=True),
        Variable(key="COOKED", value="hello $NAME"),
    ).expanded()
    assert (found.get("RAW"), found.get("COOKED")) == ("$NAME", "hello world")


def test_later_of_two_wins() -> None:
    """The server sends variables in rising precedence."""
    assert variables(Variable(key="A", value="1"), Variable(key="A", value="2")).get("A") == "2"


def test_file_variable_is_a_path() -> None:
    """A file variable reaches the job as the path of a file that holds its value."""
    found = variables(Variable(key="KEY", value="content", is_file=True))
    assert found.environment() == {"KEY": "/builds/app.tmp/KEY"}
    assert found.files() == {"/builds/app.tmp/KEY": "content"}


def test_services_see_no_project_variables() -> None:
    """Only variables of the CI file reach a service, so project secrets stay out of its environment."""
    found = variables(
        Variable(key="DOCKER_TLS_CERTDIR", value="/certs", is_public=True), Variable(key="TOKEN", value="s")
    )
    assert found.public_environment() == {"DOCKER_TLS_CERTDIR": "/certs"}


def test_name_no_shell_takes_is_refused() -> None:
    """A variable that cannot be exported fails the job with its name instead of a shell's syntax error."""
    with pytest.raises(JobFailedError, match="`1-A`"):
        variables(Variable(key="1-A", value="x"))


def test_value_does_not_show_in_a_record() -> None:
    """A variable that ends up in a log message or a traceback does not tell its value."""
    assert "s3cret" not in repr(Variable(key="PASSWORD", value="s3cret"))
