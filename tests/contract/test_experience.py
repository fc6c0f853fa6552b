"""What earlier builds left in the local GitLab's registry, as `sledge strategies`, `auto` and `sledge run` read it."""

import hashlib
import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from gitlab_rehearsal import ROOT_TOKEN, Rehearsal, rehearse
from provider_clouds import GitLabCloud, gitlab_with_registry
from read_faults import load, met
from registry_opened import push

from sledgehammer.cli.main import main
from sledgehammer.context import KeyRecipe, WorkTree, content_key, key_recipe
from sledgehammer.errors import RemoteError
from sledgehammer.ports import RegistryOwner
from sledgehammer.providers import find_provider, load_providers
from sledgehammer.registry.client import RegistryClient
from sledgehammer.registry.records import branch_record
from sledgehammer.registry.reference import Reference
from sledgehammer.retry import RetryPolicy
from sledgehammer.reuse import key_tag, reuse_images
from sledgehammer.session import open_session

DOCKERFILE = "FROM debian:trixie-slim\nCOPY src src\nRUN compile\n"
LAYER_BYTES = 1_000_000


@pytest.fixture(scope="module")
def gitlab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitLabCloud]:
    with gitlab_with_registry(tmp_path_factory.mktemp("gitlab")) as cloud:
        yield cloud


@pytest.fixture
def here(gitlab: GitLabCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rehearsal]:
    monkeypatch.setenv("GITLAB_URL", gitlab.url)
    monkeypatch.setenv("GITLAB_TOKEN", ROOT_TOKEN)
    with rehearse(gitlab.url, tmp_path) as one:
        one.apply()
        (one.work / "sledge.yaml").write_text(
            f'version: 1\nname: web\ndocker: "26.1"\ngitlab: {{project: {one.path}}}\n'
        )
        (one.work / "Dockerfile").write_text(DOCKERFILE)
        yield one


def leave_builds(here: Rehearsal, *, run_s: float, count: int, reads_cache: bool = True) -> None:
    """As so many jobs do that each changed the source: records that name the one before, and a cache."""
    owner = here.connect()
    cache = owner.image_repositories()["web"].cache
    with RegistryClient(owner.registry()) as client:
        before = ""
        for number in range(count):
            before = push(client, branch_record(cache, "main"), layer=record(number, before, run_s, reads_cache)).digest
        push(client, cache.with_tag("main"), layer=os.urandom(LAYER_BYTES))


def record(
    number: int, before: str = "", run_s: float = 1.0, reads_cache: bool = True, platform: str = "linux/amd64"
) -> bytes:
    """A record's layer."""
    imported = "#4 importing cache manifest from r/c:main\n#4 DONE 0.1s\n" if reads_cache else ""
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    files = {
        "build": f"format 1\nimage web\ndockerfile Dockerfile\nplatform {platform}\nbase debian:trixie-slim sha256:aa\n"
        + (f"before {before}\n" if before else ""),
        "Dockerfile": DOCKERFILE,
        "files": f"regular 644 {digest} src/a\n",
        "progress": f"{imported}#5 [stage-0 2/3] COPY\n#5 DONE 0.1s\n#6 [stage-0 3/3] RUN\n#6 DONE {run_s}s\n",
    }
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    return made.getvalue()


def strategies(here: Rehearsal, capsys: pytest.CaptureFixture[str]) -> str:
    """What the command prints."""
    assert main(["strategies", "-C", str(here.work), "-p", "gitlab"]) == 0
    return capsys.readouterr().out


def test_without_two_builds_nothing_is_expected(here: Rehearsal, capsys: pytest.CaptureFixture[str]) -> None:
    """Then the choice goes by facts."""
    leave_builds(here, run_s=10.0, count=1)

    said = strategies(here, capsys)

    assert "before two builds of this branch have left a record" in said
    assert "image web: cache strategy registry, for it keeps the layers of all stages" in said


def test_the_strategies_are_told_with_what_they_are_expected_to_take(
    here: Rehearsal, capsys: pytest.CaptureFixture[str]
) -> None:
    """Steps that change with every build gain nothing by a cache: it costs what it takes to write."""
    leave_builds(here, run_s=10.0, count=4)

    said = strategies(here, capsys)

    assert "image web, from its last 4 builds: all steps take 10.1 s, nothing changed in 0%; its cache has 1 MB" in said
    assert "  none           10.1 s  steps 10.1\n" in said
    assert "  registry       10.1 s  steps 10.1, export 0.0\n" in said
    assert "(a guess)" not in said


def test_auto_takes_none_where_a_cache_costs_more_than_it_saves(
    here: Rehearsal, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the registry is slow and the steps are short; the CI file of a plan is that of the choice."""
    leave_builds(here, run_s=0.2, count=3)
    monkeypatch.setattr("sledgehammer.experience.SHORTEST_S", 10.0)  # as if the layer took that long

    said = strategies(here, capsys)

    assert (
        "image web: cache strategy none, for after its last builds it is expected to be quicker than registry" in said
    )
    assert "--cache-to" not in open_session(here.work, "gitlab").ci_file.text


@pytest.mark.parametrize(("reads_cache", "taken"), [(True, "registry"), (False, "none")])
def test_what_auto_has_taken_stays_while_it_is_quicker_at_all(
    here: Rehearsal, capsys: pytest.CaptureFixture[str], reads_cache: bool, taken: str
) -> None:
    """A hundredth quicker is no reason to change the CI file, in either direction."""
    leave_builds(here, run_s=10.0, count=4, reads_cache=reads_cache)

    assert f"image web: cache strategy {taken}, for " in strategies(here, capsys)


def test_before_the_first_apply_nothing_is_said(
    gitlab: GitLabCloud, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no project yet, so no registry: that is how every project begins."""
    monkeypatch.setenv("GITLAB_URL", gitlab.url)
    monkeypatch.setenv("GITLAB_TOKEN", ROOT_TOKEN)
    with rehearse(gitlab.url, tmp_path) as one:
        (one.work / "sledge.yaml").write_text(f"version: 1\nname: web\ngitlab: {{project: {one.path}}}\n")
        (one.work / "Dockerfile").write_text(DOCKERFILE)

        assert "--cache-to" in open_session(one.work, "gitlab").ci_file.text

    assert [record for record in caplog.records if record.levelname == "WARNING"] == []


def test_records_of_another_form_leave_the_choice_to_facts(here: Rehearsal) -> None:
    """A plan does not fail for what it could do without."""
    owner = here.connect()
    cache: Reference = owner.image_repositories()["web"].cache
    with RegistryClient(owner.registry()) as client:
        push(client, branch_record(cache, "main"), layer=b"no archive")

    assert "--cache-to" in open_session(here.work, "gitlab").ci_file.text


@pytest.mark.parametrize("argv", [("plan",), ("drift",), ("apply",), ("destroy",)])
def test_a_gitlab_that_gives_no_answer_is_waited_for_once(
    here: Rehearsal, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, argv: tuple[str, ...]
) -> None:
    """Not for the records of earlier builds and then for the plan: the command ends with the first failure."""
    policy = RetryPolicy(attempts=2, first_wait_s=0.0)
    monkeypatch.setattr("sledgehammer_gitlab.connection.POLICY", policy)
    load(here.url, {"fault": "error_before"})

    assert main([*argv, "-C", str(here.work), "-p", "gitlab"]) == RemoteError.exit_code

    assert len(met(here.url)) == policy.attempts
    assert "GitLab answered 500" in capsys.readouterr().err


def test_a_registry_that_gives_no_answer_leaves_the_choice_to_facts(
    here: Rehearsal, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GitLab itself answers, so there is a plan, and a line that says what it could not go by."""
    monkeypatch.setattr(RegistryClient, "__enter__", lost)

    assert "--cache-to" in open_session(here.work, "gitlab").ci_file.text

    assert "cache strategy auto goes by facts alone" in caplog.text


@pytest.mark.parametrize(
    ("setting", "seen", "is_found"),
    [
        ("", "linux/amd64", True),
        ("", "linux/arm64", False),
        ("", None, False),
        ("platform: linux/amd64", None, True),
        ("platform: linux/arm64", "linux/amd64", False),
    ],
)
def test_an_image_is_found_for_the_platform_that_is_built(
    here: Rehearsal, setting: str, seen: str | None, is_found: bool
) -> None:
    """A commit whose content was built on x86 is tagged from here where sledge.yaml says so, or, when it says nothing,
    the last job ran there: not once the runners have moved to ARM."""
    (here.work / "sledge.yaml").write_text(f"version: 1\nname: web\ngitlab: {{project: {here.path}, {setting}}}\n")
    (here.work / "Dockerfile").write_text("FROM scratch\nCOPY a /\n")
    here.commit("a")
    session = open_session(here.work, "gitlab")
    session.apply()
    owner = session.connection
    assert isinstance(owner, RegistryOwner)
    recipe = key_recipe(WorkTree(here.work), platform="linux/amd64")
    assert isinstance(recipe, KeyRecipe)
    key = content_key(recipe, WorkTree(here.work), {})
    assert isinstance(key, str)
    places = owner.image_repositories()["web"]
    with RegistryClient(owner.registry()) as client:
        push(client, places.image.with_tag(key_tag(key)))
        if seen is not None:
            push(client, branch_record(places.cache, "main"), layer=record(0, platform=seen))

    found = reuse_images(
        session.project,
        session.checkout,
        owner,
        find_provider("gitlab", load_providers()).destination(session.project),
        processes=session.environment.processes,
        variables={},
    )

    assert len(found) == int(is_found)


def lost(client: RegistryClient) -> RegistryClient:
    raise RemoteError("no answer")


def test_an_image_without_a_record_is_no_reason_to_say_nothing_of_the_others(
    here: Rehearsal, capsys: pytest.CaptureFixture[str]
) -> None:
    """`sledge why` of a run in which one image was only tagged; where none has a record it is an error."""
    settings = here.work / "sledge.yaml"
    settings.write_text(settings.read_text() + "images: [{name: worker}, {name: web}]\n")
    assert main(["why", "-C", str(here.work), "-p", "gitlab"]) == 5
    leave_builds(here, run_s=10.0, count=2)
    capsys.readouterr()

    assert main(["why", "-C", str(here.work), "-p", "gitlab"]) == 0

    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first == "image worker: no record; it was built before and only tagged, or may not write one"
    assert second.startswith("image web at ")
