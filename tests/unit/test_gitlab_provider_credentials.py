from pathlib import Path

import pytest

from sledgehammer.errors import ConfigurationError, CredentialsError
from sledgehammer_gitlab.credentials import TokenKind, find_access

CFG = """[global]
default = work
ssl_verify = /etc/ssl/company.pem
[work]
url = https://gitlab.work.example/
private_token = glpat-from-file
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".python-gitlab.cfg").write_text(CFG)
    return tmp_path


def test_gitlab_token_comes_from_the_environment_first(home: Path) -> None:
    """GITLAB_TOKEN goes before the file, for whichever server is asked for."""
    access = find_access("https://gitlab.example", {"GITLAB_TOKEN": "glpat-1", "HOME": str(home)})
    assert (access.url, access.token.reveal(), access.kind) == (
        "https://gitlab.example",
        "glpat-1",
        TokenKind.PRIVATE,
    )
    assert "glpat-1" not in repr(access)


def test_gitlab_url_of_the_environment_goes_before_the_project_file(home: Path) -> None:
    """GITLAB_URL points one and the same project at a rehearsal server."""
    variables = {"GITLAB_TOKEN": "t", "GITLAB_URL": "http://127.0.0.1:8080/", "HOME": str(home)}
    assert find_access("https://gitlab.example", variables).url == "http://127.0.0.1:8080"


def test_gitlab_config_file_brings_url_token_and_ca(home: Path) -> None:
    """Without anything else the default section of python-gitlab.cfg is used, its CA included."""
    access = find_access("", {"HOME": str(home)})
    assert access.url == "https://gitlab.work.example"
    assert access.token.reveal() == "glpat-from-file"
    assert access.ca_bundle == "/etc/ssl/company.pem"
    assert access.token.source == str(home / ".python-gitlab.cfg")


def test_gitlab_config_files_token_stays_with_its_server(home: Path) -> None:
    """A token of one GitLab is never sent to another."""
    with pytest.raises(CredentialsError, match=r"no GitLab token for https://evil\.example"):
        find_access("https://evil.example", {"HOME": str(home)})


def test_gitlab_job_token_stays_with_the_jobs_server() -> None:
    """Inside a job its own token is taken for its own GitLab, and only there."""
    job = {"CI_JOB_TOKEN": "jt", "CI_SERVER_URL": "https://gitlab.example"}
    assert find_access("", job).kind is TokenKind.JOB
    with pytest.raises(CredentialsError):
        find_access("https://other.example", job)


def test_gitlab_config_file_that_is_broken_is_named(tmp_path: Path) -> None:
    """A file without a default section is an error of the file, not a missing token."""
    broken = tmp_path / "broken.cfg"
    broken.write_text("[work]\nurl = https://x\n")
    with pytest.raises(ConfigurationError, match=r"broken\.cfg"):
        find_access("", {"PYTHON_GITLAB_CFG": str(broken)})
    with pytest.raises(ConfigurationError, match="PYTHON_GITLAB_CFG"):
        find_access("", {"PYTHON_GITLAB_CFG": str(tmp_path / "absent.cfg")})
