"""sledge.yaml on top of an organisation's file."""

from pathlib import Path

import pytest

from sledgehammer.config import load_project
from sledgehammer.errors import ConfigurationError
from sledgehammer.project import Project
from sledgehammer.providers import load_providers
from sledgehammer_gitlab.settings import Settings, Visibility

OWN = 'version: 1\nextends: ../org.yaml\nname: web\ngitlab:\n  project: acme/web\n  runner_tags: ["own"]\n'
ORGANISATION = """\
version: 1
defaults:
  docker: "27.5"
  gitlab:
    runner_tags: [dind, large]
    timeout_minutes: 30
policy:
  gitlab:
    visibility: internal
"""


def load(folder: Path, own: str = OWN, organisation: str | None = ORGANISATION) -> Project:
    """The project in a folder of its own beside the organisation's file."""
    (folder / "web").mkdir(exist_ok=True)
    (folder / "web" / "sledge.yaml").write_text(own)
    if organisation is not None:
        (folder / "org.yaml").write_text(organisation)
    return load_project(folder / "web" / "sledge.yaml", providers=load_providers())


def refuse(folder: Path, own: str = OWN, organisation: str | None = ORGANISATION) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(folder, own, organisation)
    return caught.value.message.replace(f"{folder}/", "")


def test_defaults_stand_below_the_projects_own_keys(tmp_path: Path) -> None:
    """Sections are merged key by key, a list is replaced as a whole, policy holds without being written."""
    project = load(tmp_path)
    settings = project.providers["gitlab"]
    assert isinstance(settings, Settings)
    assert project.docker_version == "27.5"
    assert (settings.project, settings.runner_tags, settings.timeout_minutes) == ("acme/web", ("own",), 30)
    assert settings.visibility is Visibility.INTERNAL


def test_policy_goes_before_the_organisations_own_defaults(tmp_path: Path) -> None:
    """A key in both means the policy's value."""
    twice = ORGANISATION.replace("timeout_minutes: 30", "visibility: public")
    settings = load(tmp_path, organisation=twice).providers["gitlab"]
    assert isinstance(settings, Settings)
    assert settings.visibility is Visibility.INTERNAL


def test_a_project_may_not_set_what_is_policy(tmp_path: Path) -> None:
    """Both places are named, also where the value would be the same."""
    message = refuse(tmp_path, OWN + "  visibility: internal\n")
    assert message.startswith("web/sledge.yaml:7: gitlab.visibility is policy of the organisation (")
    assert "org.yaml:9)" in message


def test_a_mistake_is_told_where_it_was_made(tmp_path: Path) -> None:
    """A wrong default is one of the organisation's file, a wrong key of the project one of its own."""
    wrong = ORGANISATION.replace("timeout_minutes: 30", "timeout_minuts: 30")
    assert 'org.yaml:6: unknown key "timeout_minuts" in gitlab' in refuse(tmp_path, organisation=wrong)
    assert "sledge.yaml:7: unknown key" in refuse(tmp_path, OWN + "  visibilty: public\n")
    assert "org.yaml:3: " in refuse(tmp_path, organisation=ORGANISATION.replace('"27.5"', "27.5"))


@pytest.mark.parametrize(
    ("own", "organisation", "message"),
    [
        (OWN, None, "web/sledge.yaml:2: extends: "),
        (OWN.replace("../org.yaml", "[a]"), ORGANISATION, "web/sledge.yaml:2: extends: expected the path of a file"),
        (OWN, "defaults: {}\n", "org.yaml:1: expected version: 1"),
        (OWN, "version: 1\npolice: {}\n", 'org.yaml:2: unknown key "police"'),
        (OWN, "version: 1\npolicy: [docker]\n", "org.yaml:2: policy: expected a section"),
        (OWN, "version: 1\ndefaults:\n  name: web\n", "org.yaml:3: defaults.name: every project says this itself"),
    ],
)
def test_an_organisations_file_that_is_none_is_refused(
    own: str, organisation: str | None, message: str, tmp_path: Path
) -> None:
    """With the place of the mistake."""
    assert message in refuse(tmp_path, own, organisation)
