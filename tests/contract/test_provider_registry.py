"""Each provider's registry as it is entered from a laptop: GitLab's with tokens, ECR with Basic credentials."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import aws_rehearsal
import gitlab_rehearsal
import pytest
from gitlab_rehearsal import ROOT_TOKEN
from provider_clouds import GitLabCloud, aws_with_registry, gitlab_with_registry
from provider_rehearsals import OnAws, OnGitLab

from sledgehammer.errors import ConfigurationError, NotFoundError
from sledgehammer.ports import RegistryOwner
from sledgehammer.registry.tls import refuses_tls
from sledgehammer.testing.contract import Rehearsal, apply
from sledgehammer.testing.registry_contract import RegistryOwnerContract
from sledgehammer_localstack.aws.http_server import HttpServer


@pytest.fixture(scope="module")
def gitlab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitLabCloud]:
    with gitlab_with_registry(tmp_path_factory.mktemp("gitlab")) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def aws_cloud() -> Iterator[aws_rehearsal.LocalAws]:
    with aws_with_registry() as cloud:
        yield cloud


@pytest.fixture
def on_gitlab(gitlab: GitLabCloud, tmp_path: Path) -> Iterator[OnGitLab]:
    with gitlab_rehearsal.rehearse(gitlab.url, tmp_path) as here:
        here.images = ("web", "worker")
        yield OnGitLab(here=here)


@pytest.fixture
def on_aws(aws_cloud: aws_rehearsal.LocalAws, tmp_path: Path) -> Iterator[OnAws]:
    with aws_rehearsal.rehearse(aws_cloud, tmp_path) as here:
        here.images = (here.name, "worker")
        yield OnAws(here=here)


class TestGitLabRegistry(RegistryOwnerContract):
    """GitLab's container registry."""

    @pytest.fixture
    def rehearsal(self, on_gitlab: OnGitLab) -> Rehearsal:
        return on_gitlab


class TestEcr(RegistryOwnerContract):
    """ECR, which removes nothing by the registry protocol."""

    @pytest.fixture
    def rehearsal(self, on_aws: OnAws) -> Rehearsal:
        return on_aws


def owner_of(rehearsal: Rehearsal) -> RegistryOwner:
    """A new connection."""
    connection = rehearsal.connect()
    assert isinstance(connection, RegistryOwner)
    return connection


def test_gitlab_plain_http_is_taken_on_evidence_only(on_gitlab: OnGitLab) -> None:
    """GITLAB_URL itself has no TLS and neither has the registry, as a handshake shows."""
    apply(on_gitlab)
    assert owner_of(on_gitlab).registry().is_plain_http


def test_gitlab_without_the_project_says_to_apply(on_gitlab: OnGitLab) -> None:
    """Before the first apply nobody knows where its images are."""
    with pytest.raises(NotFoundError, match="sledge apply -p gitlab"):
        owner_of(on_gitlab).image_repositories()


def test_gitlab_job_knows_its_registry_by_itself(gitlab: GitLabCloud, on_gitlab: OnGitLab) -> None:
    """A job's token may not read projects: what is predefined there is used, and no request is sent."""
    here = on_gitlab.here
    variables = {
        "GITLAB_TOKEN": "",
        "CI_JOB_TOKEN": "job-token",
        "CI_SERVER_URL": gitlab.url,
        "CI_PROJECT_PATH": here.path,
        "CI_REGISTRY_IMAGE": f"{gitlab.registry_host}/{here.path}",
    }
    owner = owner_of(replace(on_gitlab, here=replace(here, variables=variables)))

    assert owner.registry().username == "gitlab-ci-token"
    assert owner.registry().password.reveal() == "job-token"
    assert owner.image_repositories()["web"].image.name == f"{gitlab.registry_host}/{here.path}"


def test_gitlab_with_its_registry_off_says_where_to_turn_it_on(on_gitlab: OnGitLab) -> None:
    """GitLab gives the image prefix all the same."""
    apply(on_gitlab)
    here = on_gitlab.here
    here.api("PUT", here.project, {"container_registry_access_level": "disabled"}, token=ROOT_TOKEN)
    with pytest.raises(ConfigurationError, match="Container registry"):
        owner_of(on_gitlab).registry()


def test_ecr_is_reached_as_its_endpoint_says(on_aws: OnAws) -> None:
    """The scheme of the proxy endpoint; the user is AWS."""
    access = owner_of(on_aws).registry()
    assert (access.is_plain_http, access.username, access.url) == (True, "AWS", on_aws.here.url)


def test_only_who_answers_in_clear_text_refuses_tls(gitlab: GitLabCloud) -> None:
    """A port at which nobody listens proves nothing, nor does a name that nobody has."""
    with HttpServer("127.0.0.1", 0) as gone:
        closed = f"127.0.0.1:{gone.port}"
    assert refuses_tls(gitlab.registry_host)
    assert not refuses_tls(closed)
    assert not refuses_tls("no-such-host.invalid:5000")
