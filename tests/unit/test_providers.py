"""Finding providers by entry point."""

from importlib.metadata import EntryPoint, distributions
from pathlib import Path

import pytest

from sledgehammer.config import parse_project
from sledgehammer.errors import ConfigurationError, MissingToolError
from sledgehammer.providers import GROUP, find_provider, load_providers


def test_ours_come_by_the_same_door_as_anybodys() -> None:
    """GitLab and AWS are found through the installed entry points."""
    providers = load_providers()

    assert {"gitlab", "aws"} <= set(providers)
    assert providers["gitlab"].name == "gitlab"


def points_of(distribution: str, value: str, folder: Path) -> list[EntryPoint]:
    """The entry points of a distribution that is made for the test; its provider is called `cloud`."""
    info = folder / f"{distribution}-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\ncloud = {value}\n")
    return [point for found in distributions(name=distribution, path=[str(folder)]) for point in found.entry_points]


def test_two_owners_of_one_name_are_an_error(tmp_path: Path) -> None:
    """importlib.metadata would silently take the first."""
    twins = [points_of(name, "sledgehammer.secret:Secret", tmp_path) for name in ("acme", "sirius")]

    with pytest.raises(ConfigurationError, match='provider "cloud" is claimed by two distributions: acme and sirius'):
        load_providers([point for points in twins for point in points])


def test_one_owner_listed_twice_is_one_provider(tmp_path: Path) -> None:
    """As a distribution is listed that is installed and on the path as well."""
    points = points_of("acme", "sledgehammer.secret:Secret", tmp_path)

    assert list(load_providers(points + points)) == ["cloud"]


@pytest.mark.parametrize(
    ("distribution", "hint"),
    [("sledgehammer", "pip install 'sledgehammer[cloud]'"), ("acme", "install it, or uninstall acme")],
)
def test_a_provider_without_its_sdk_says_what_to_install(distribution: str, hint: str, tmp_path: Path) -> None:
    """Not a traceback: the module that is missing, and our extra only where the provider is ours."""
    with pytest.raises(MissingToolError, match=f"of {distribution} needs the Python module no_such_sdk") as missing:
        find_provider("cloud", load_providers(points_of(distribution, "no_such_sdk:PROVIDER", tmp_path)))

    assert missing.value.hint == hint


def test_a_provider_that_lacks_its_sdk_is_in_nobodys_way(tmp_path: Path) -> None:
    """A project that has no section for it is read as if it were not installed."""
    providers = load_providers(points_of("acme", "no_such_sdk:PROVIDER", tmp_path))

    assert parse_project("version: 1\nname: web\n", file="f", root=tmp_path, providers=providers).name == "web"


def test_an_unknown_provider_gets_the_nearest_match() -> None:
    """A misspelt -p."""
    with pytest.raises(ConfigurationError, match='unknown provider "gitlub"; did you mean "gitlab"'):
        find_provider("gitlub", load_providers())


def test_installed_providers_are_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A script that opens a hundred projects does not look through all distributions a hundred times."""
    providers = load_providers()
    monkeypatch.setattr("sledgehammer.providers.entry_points", lambda **_: pytest.fail("looked again"))
    assert load_providers() == providers
