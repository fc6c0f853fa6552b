"""The credentials of an import, from the environment into one request and never into a sentence."""

from typing import Any, cast

import pytest

from sledgehammer.errors import ConfigurationError, ConflictError
from sledgehammer.secret import Secret
from sledgehammer.testing import FakeClock
from sledgehammer_gitlab.api import Api
from sledgehammer_gitlab.import_settings import ImportFrom
from sledgehammer_gitlab.objects.project_import import ProjectImport, import_password

WANTED = ImportFrom(url="https://old.example.com:8443/acme/web.git", username="a@b", password_from_env="OLD")
PASSWORD = "p/w @1"


class Failed:
    """A GitLab whose import has failed, and that tells of it all that it was given."""

    def get(self, path: str) -> dict[str, Any]:
        return {"import_status": "failed", "import_error": f"no access with {PASSWORD} or p%2Fw%20%401"}


def project_import(wanted: ImportFrom = WANTED, password: str = PASSWORD) -> ProjectImport:
    environment = {"OLD": password} if password else {}
    return ProjectImport(
        api=cast(Api, Failed()),
        clock=FakeClock(),
        path="team/web",
        wanted=wanted,
        password=import_password(wanted, environment),
    )


def test_the_address_has_the_credentials_encoded() -> None:
    """A public repository's address stays as it is."""
    assert project_import().address() == "https://a%40b:p%2Fw%20%401@old.example.com:8443/acme/web.git"
    public = ImportFrom(url=WANTED.url)
    assert project_import(public).address() == WANTED.url


def test_what_gitlab_says_is_shown_without_the_password() -> None:
    """In both forms that it was sent in."""
    with pytest.raises(ConflictError, match=r"no access with \*\*\* or \*\*\*\n"):
        project_import().check_not_failed({"import_status": "failed"})
    project_import().check_not_failed({"import_status": "finished"})


def test_a_password_that_is_not_there_is_told_by_its_variable() -> None:
    """Not needed where none is named."""
    assert import_password(WANTED, {"OLD": "x"}) == Secret("x", source="OLD")
    with pytest.raises(ConfigurationError, match="environment variable OLD, which is not set"):
        project_import(password="").check_credentials()
    project_import(ImportFrom(url=WANTED.url), password="").check_credentials()
