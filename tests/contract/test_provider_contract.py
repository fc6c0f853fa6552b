"""The suite that ships for plugin authors, on both of our providers and their local clouds."""

from collections.abc import Iterator
from pathlib import Path

import aws_rehearsal
import gitlab_rehearsal
import pytest
from provider_rehearsals import OnAws, OnGitLab

from sledgehammer.testing.contract import ProviderContract, Rehearsal


@pytest.fixture(scope="module")
def aws_cloud() -> Iterator[aws_rehearsal.LocalAws]:
    with aws_rehearsal.serve() as cloud:
        yield cloud


class TestGitLab(ProviderContract):
    """GitLab and the local GitLab."""

    @pytest.fixture
    def rehearsal(self, gitlab_url: str, tmp_path: Path) -> Iterator[Rehearsal]:
        with gitlab_rehearsal.rehearse(gitlab_url, tmp_path) as here:
            yield OnGitLab(here=here)


class TestAws(ProviderContract):
    """AWS and the local AWS."""

    @pytest.fixture
    def rehearsal(self, aws_cloud: aws_rehearsal.LocalAws, tmp_path: Path) -> Iterator[Rehearsal]:
        with aws_rehearsal.rehearse(aws_cloud, tmp_path) as here:
            here.images = (here.name, "worker")
            yield OnAws(here=here)
