"""The preflight against the local clouds' registries, and against one that has every bad habit."""

import time
from collections.abc import Iterator
from pathlib import Path

import aws_rehearsal
import gitlab_rehearsal
import pytest
from gitlab_rehearsal import ROOT_TOKEN
from oci_registry import MemoryRegistry, RegistryServers, basic, refusal, registry_servers
from provider_clouds import GitLabCloud, aws_with_registry, gitlab_with_registry
from werkzeug.wrappers import Request, Response

from sledgehammer.cli.main import main
from sledgehammer.errors import ConflictError, CredentialsError, NotFoundError, RemoteError, TimedOutError
from sledgehammer.registry import preflight as module
from sledgehammer.registry.access import RegistryAccess
from sledgehammer.registry.findings import Finding, RegistryFacts, options_for
from sledgehammer.registry.media_types import OCI_INDEX, OCI_LAYER_ZSTD, OCI_MANIFEST
from sledgehammer.registry.preflight import preflight, preflight_caches
from sledgehammer.registry.probe import TAG_PREFIX
from sledgehammer.registry.reference import Reference
from sledgehammer.secret import Secret
from sledgehammer_aws.provider import PROVIDER as AWS

TOTAL_S = module.TOTAL_S
FORMS = (OCI_MANIFEST, OCI_INDEX)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is no finding; how long it really takes at most has a test of its own."""
    monkeypatch.setattr(module, "TOTAL_S", 60.0)


@pytest.fixture(scope="module")
def servers() -> Iterator[RegistryServers]:
    with registry_servers() as made:
        yield made


@pytest.fixture(scope="module")
def gitlab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitLabCloud]:
    with gitlab_with_registry(tmp_path_factory.mktemp("gitlab")) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def aws_cloud() -> Iterator[aws_rehearsal.LocalAws]:
    with aws_with_registry() as cloud:
        yield cloud


@pytest.fixture
def on_gitlab(gitlab: GitLabCloud, tmp_path: Path) -> Iterator[gitlab_rehearsal.Rehearsal]:
    with gitlab_rehearsal.rehearse(gitlab.url, tmp_path) as here:
        yield here


@pytest.fixture
def on_aws(aws_cloud: aws_rehearsal.LocalAws, tmp_path: Path) -> Iterator[aws_rehearsal.Rehearsal]:
    with aws_rehearsal.rehearse(aws_cloud, tmp_path) as here:
        yield here


def look_at(servers: RegistryServers, registry: MemoryRegistry, *, username: str = "") -> RegistryFacts:
    """The facts of team/web/cache in that registry, whose provider cannot remove anything either."""

    def refuse(reference: Reference) -> None:
        raise RemoteError("not here")

    with servers.serve(registry) as host:
        access = RegistryAccess(host=host, username=username, password=Secret("p"), is_plain_http=True)
        (facts,) = preflight(access, [Reference(host=host, path="team/web/cache")], remove=refuse)
    return facts


def test_a_good_registry_takes_everything_and_keeps_nothing(servers: RegistryServers) -> None:
    """Both forms of a cache, overwritten; tags and manifests are gone afterwards."""
    registry = MemoryRegistry()
    facts = look_at(servers, registry)

    assert facts.problem is None
    assert [finding.holds for finding in findings(facts)] == [True] * 8
    assert facts.round_trip_ms is not None
    assert (registry.tags, registry.manifests, facts.left_behind) == ({}, {}, ())
    assert registry.calls("PUT", TAG_PREFIX) == 4


def test_two_preflights_at_once_do_not_meet(servers: RegistryServers) -> None:
    """Each has a tag and manifests of its own: one may end while the other goes on."""
    registry = MemoryRegistry(deletes=False)
    look_at(servers, registry)
    before = dict(registry.tags)
    look_at(servers, registry)

    assert len(registry.tags) == 2 * len(before)
    assert before.items() <= registry.tags.items()


@pytest.mark.parametrize("refused", FORMS)
def test_a_refused_form_is_avoided(servers: RegistryServers, refused: str) -> None:
    """Nothing blocks while the other one serves."""
    facts = look_at(servers, MemoryRegistry(refused_types=(refused,)))
    choice = options_for(facts)

    assert facts.problem is None
    assert (facts.takes_image_manifest.holds, facts.takes_index.holds) == (
        refused == OCI_INDEX,
        refused == OCI_MANIFEST,
    )
    assert choice.is_usable
    assert ("image-manifest", "true" if refused == OCI_INDEX else "false") in choice.options


@pytest.mark.parametrize("refused", [(), (OCI_MANIFEST,), (OCI_INDEX,)])
def test_refused_zstd_layers_are_avoided(servers: RegistryServers, refused: tuple[str, ...]) -> None:
    """In whichever form the registry takes: the cache is written by gzip then."""
    facts = look_at(servers, MemoryRegistry(refused_types=(*refused, OCI_LAYER_ZSTD)))

    assert (facts.problem, facts.takes_zstd.holds) == (None, False)
    assert "that media type is not supported" in facts.takes_zstd.reason
    assert ("compression", "gzip") in options_for(facts).options


def test_a_registry_that_refuses_both_forms_is_a_problem(servers: RegistryServers) -> None:
    """Told with the registry's own words."""
    facts = look_at(servers, MemoryRegistry(refused_types=FORMS))

    assert isinstance(facts.problem, RemoteError)
    assert "in neither form" in facts.problem.message
    assert "that media type is not supported" in facts.problem.message


def test_immutable_tags_are_a_problem(servers: RegistryServers) -> None:
    """A cache could be written only once."""
    facts = look_at(servers, MemoryRegistry(immutable={"team/web/cache"}))

    assert isinstance(facts.problem, ConflictError)
    assert facts.is_mutable.holds is False
    assert not options_for(facts).is_usable


@pytest.mark.parametrize("may", ["pull", "nothing"])
def test_a_missing_right_is_named(servers: RegistryServers, may: str) -> None:
    """Pull before push: each with the registry's own reason."""

    def allow(request: Request, name: str, action: str) -> Response | None:
        return None if action == may else refusal(403, "DENIED", f"no {action}")

    facts = look_at(servers, MemoryRegistry(check=allow))
    missing = "push" if may == "pull" else "pull"

    assert isinstance(facts.problem, CredentialsError)
    assert facts.problem.message.startswith(f"this user may not {missing}: ")
    assert f"no {missing}" in facts.problem.message
    assert (facts.can_pull.holds, facts.can_push.holds) == ((True, False) if may == "pull" else (False, None))


def test_wrong_credentials_are_a_problem(servers: RegistryServers) -> None:
    """The registry answers, so it is reachable."""
    facts = look_at(servers, MemoryRegistry(check=basic("AWS", "other")), username="AWS")

    assert isinstance(facts.problem, CredentialsError)
    assert facts.is_reachable.holds is True


def test_a_registry_that_is_down_is_a_problem() -> None:
    """Nobody listens at its port."""
    with registry_servers() as servers, servers.serve(MemoryRegistry()) as host:
        pass
    access = RegistryAccess(host=host, is_plain_http=True)
    (facts,) = preflight(access, [Reference(host=host, path="a")], remove=lambda reference: None)

    assert isinstance(facts.problem, RemoteError)
    assert facts.is_reachable.holds is False


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_registry_that_hangs_does_not_hold_anybody_up(
    servers: RegistryServers, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """Whatever it hangs in, the facts so far are there when the time is over."""
    monkeypatch.setattr(module, "TOTAL_S", 3.0)
    monkeypatch.setattr(module, "CLEANUP_S", 0.5)
    registry = MemoryRegistry()
    registry.fault("delay", method=method, path="/manifests/", every=1, delay_s=8.0)
    begun = time.monotonic()
    facts = look_at(servers, registry)

    assert time.monotonic() - begun < 6.0
    assert isinstance(facts.problem, TimedOutError)
    assert facts.is_reachable.holds is (method == "PUT")
    assert TOTAL_S == 5.0


def test_gitlab_takes_a_cache_in_either_form(gitlab: GitLabCloud, on_gitlab: gitlab_rehearsal.Rehearsal) -> None:
    """With the token that serves the API; what was pushed is removed."""
    on_gitlab.apply()
    (facts,) = preflight_caches(on_gitlab.connect())

    assert facts.problem is None
    assert facts.repository.name == f"{gitlab.registry_host}/{on_gitlab.path}/cache"
    assert options_for(facts).options == ()
    assert facts.left_behind == ()
    assert [key for key in gitlab.registry.manifests if key[0] == f"{on_gitlab.path}/cache"] == []


def test_gitlab_says_what_the_token_may_not(gitlab: GitLabCloud, on_gitlab: gitlab_rehearsal.Rehearsal) -> None:
    """A token that reads only: GitLab grants less than is asked, and that is told."""
    on_gitlab.apply()
    made = on_gitlab.api(
        "POST", "/users/1/personal_access_tokens", {"name": "r", "scopes": ["read_api", "read_registry"]}
    )
    on_gitlab.token = made["token"]
    (facts,) = preflight_caches(on_gitlab.connect())

    assert isinstance(facts.problem, CredentialsError)
    assert "grants only pull" in facts.problem.message
    assert (facts.can_pull.holds, facts.can_push.holds) == (True, False)


def test_ecr_takes_a_cache_as_an_image(on_aws: aws_rehearsal.Rehearsal) -> None:
    """As an index it answers 400; the options are those that the provider's plan has; ECR's own call removes."""
    on_aws.apply()
    (facts,) = preflight_caches(on_aws.connect())
    planned = on_aws.project

    assert facts.problem is None
    assert facts.takes_index.holds is False
    assert "400" in facts.takes_index.reason
    assert options_for(facts).options == AWS.destination(planned).cache_options
    assert facts.left_behind == ()
    assert on_aws.client("ecr").list_images(repositoryName=facts.repository.path)["imageIds"] == []


def test_ecr_without_the_repository_says_to_apply(on_aws: aws_rehearsal.Rehearsal) -> None:
    """ECR makes none by itself."""
    (facts,) = preflight_caches(on_aws.connect())

    assert isinstance(facts.problem, NotFoundError)
    assert (facts.exists.holds, facts.can_pull.holds) == (False, True)
    assert "sledge apply" in facts.problem.hint


def test_ecr_with_immutable_tags_is_refused(on_aws: aws_rehearsal.Rehearsal) -> None:
    """Somebody has changed the cache's repository."""
    on_aws.apply()
    connection = on_aws.connect()
    (each,) = connection.image_repositories().values()
    ecr = on_aws.client("ecr")
    ecr.put_image_tag_mutability(repositoryName=each.cache.path, imageTagMutability="IMMUTABLE")
    (facts,) = preflight_caches(connection)

    assert isinstance(facts.problem, ConflictError)
    assert facts.is_mutable.holds is False
    assert facts.left_behind == ()


def test_the_command_prints_the_facts_and_exits_0(
    on_gitlab: gitlab_rehearsal.Rehearsal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A table for each image's cache."""
    on_gitlab.apply()
    config = f"version: 1\nname: web\ngitlab:\n  project: {on_gitlab.path}\n"
    (on_gitlab.work / "sledge.yaml").write_text(config)
    monkeypatch.setenv("GITLAB_URL", on_gitlab.url)
    monkeypatch.setenv("GITLAB_TOKEN", ROOT_TOKEN)

    assert main(["preflight", "-C", str(on_gitlab.work), "-p", "gitlab"]) == 0
    said = capsys.readouterr()
    assert "may push              yes\n" in said.out
    assert "cache options         mode=max,compression=zstd,oci-mediatypes=true will do, there is nothing" in said.out
    assert ROOT_TOKEN not in said.out + said.err


def test_the_command_exits_with_the_code_of_the_problem(
    on_aws: aws_rehearsal.Rehearsal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """5 for what does not exist: the table first, the sentence last."""
    config = f"version: 1\nname: {on_aws.name}\naws:\n  region: {aws_rehearsal.REGION}\n"
    (on_aws.work / "sledge.yaml").write_text(config)
    monkeypatch.setenv("AWS_ENDPOINT_URL", on_aws.url)
    for key, value in aws_rehearsal.KEYS.items():
        monkeypatch.setenv(key, value)

    assert main(["preflight", "-C", str(on_aws.work), "-p", "aws"]) == 5
    said = capsys.readouterr()
    assert "cache options         none would do\n" in said.out
    assert "the repository does not exist" in said.err


def findings(facts: RegistryFacts) -> list[Finding]:
    """All of them."""
    return [
        facts.is_reachable,
        facts.can_pull,
        facts.exists,
        facts.can_push,
        facts.takes_image_manifest,
        facts.takes_index,
        facts.takes_zstd,
        facts.is_mutable,
    ]
