"""A BuildKit that a team keeps: reached over TLS that both sides prove, with the registry's cache behind it."""

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cache_jobs import PROCESSES, Case, new_jobs, ran_well
from certificates import Authority, make_authority

from sledgehammer.operations import BuilderKind, RemoteBuilder
from sledgehammer.project import CacheSettings
from sledgehammer_bench.cache.registry import open_registry
from sledgehammer_localstack.config import StackConfig
from sledgehammer_localstack.container_files import file_archive
from sledgehammer_localstack.container_spec import ContainerSpec
from sledgehammer_localstack.containers import ContainerEngine
from sledgehammer_localstack.engine.buildx_files import buildkitd_configuration
from sledgehammer_localstack.progress import say_to_stderr
from sledgehammer_localstack.stack.more_images import provide_images

pytestmark = [pytest.mark.engine, pytest.mark.on_request]

PORT = 1234
IMAGE = "moby/buildkit:buildx-stable-1"


@contextmanager
def buildkit(stack: StackConfig, authority: Authority) -> Iterator[str]:
    """One that nobody used before, open to those whom the authority knows; gives its endpoint."""
    provide_images(stack, ("buildkit",), runner=PROCESSES, say=say_to_stderr)
    engine = ContainerEngine(stack.docker_host)
    name = f"{stack.network}-remote-{secrets.token_hex(4)}"
    own = authority.issue(name)
    texts = {
        "/certs/ca.pem": authority.pem,
        "/certs/cert.pem": own.certificate,
        "/certs/key.pem": own.key,
        "/etc/buildkit/buildkitd.toml": buildkitd_configuration(stack),
    }
    spec = ContainerSpec(
        image=IMAGE,
        name=name,
        command=(
            "--addr",
            f"tcp://0.0.0.0:{PORT}",
            *("--tlscacert", "/certs/ca.pem", "--tlscert", "/certs/cert.pem", "--tlskey", "/certs/key.pem"),
        ),
        labels={"sledgehammer.stack": stack.name},
        network=stack.network,
        volumes=("/var/lib/buildkit",),
        privileged=True,
    )
    engine.create(spec)
    try:
        with tempfile.TemporaryDirectory() as scratch:
            files = {}
            for number, (place, text) in enumerate(texts.items()):
                files[place] = Path(scratch) / str(number)
                files[place].write_text(text)
            with file_archive(files) as tar:
                engine.copy_in(name, "/", tar)
        engine.start(name)
        yield f"tcp://{name}:{PORT}"
    finally:
        engine.remove(name)


def case_of(endpoint: str) -> Case:
    """As sledge.yaml has it."""
    remote = RemoteBuilder(endpoint=endpoint, ca="BUILDKIT_CA", certificate="BUILDKIT_CERT", key="BUILDKIT_KEY")
    settings = CacheSettings(builder=BuilderKind.REMOTE, remote=remote)
    return Case(strategy="registry", version="26.1", settings=settings)


def variables(*, trusted: Authority, known: Authority) -> dict[str, str]:
    """A job that trusts one authority and is known to another."""
    own = known.issue("job")
    return {"BUILDKIT_CA": trusted.pem, "BUILDKIT_CERT": own.certificate, "BUILDKIT_KEY": own.key}


def test_the_registrys_cache_hits_behind_a_remote_builder(stack: StackConfig, tmp_path: Path) -> None:
    """The second job's BuildKit is a new one, so that what is cached comes from the registry."""
    team = make_authority("team")
    given = variables(trusted=team, known=team)
    jobs = new_jobs(open_registry(stack), tmp_path)
    with buildkit(stack, team) as endpoint:
        cold = jobs.run(stack, case_of(endpoint), "c1", **given)
    (tmp_path / "source").write_text("two\n")
    with buildkit(stack, team) as endpoint:
        changed = jobs.run(stack, case_of(endpoint), "c2", **given)
        same = jobs.run(stack, case_of(endpoint), "c3", SLEDGE_NO_SKIP="true", **given)

    assert [ran_well(ran).cached_steps for ran in (cold, changed, same)] == [0, 2, 5], changed.output
    assert "builder: remote" in cold.output
    assert "registry cache written in" in changed.output
    assert not any("PRIVATE KEY" in ran.output for ran in (cold, changed, same))


def test_a_wrong_authority_is_told_in_one_sentence(stack: StackConfig, tmp_path: Path) -> None:
    """On either side: that the builder is not who it should be, and that it does not know the job."""
    team, other = make_authority("team"), make_authority("other")
    jobs = new_jobs(open_registry(stack), tmp_path)
    with buildkit(stack, team) as endpoint:
        stranger = jobs.run(stack, case_of(endpoint), "c1", **variables(trusted=other, known=team))
        unknown = jobs.run(stack, case_of(endpoint), "c1", **variables(trusted=team, known=other))

    for ran in (stranger, unknown):
        assert ran.exit_code == 1, ran.output
        last = ran.output.splitlines()[-1]
        assert last.startswith(f"sledge: builder remote: no BuildKit at {endpoint} that this job trusts"), ran.output
        assert "(BUILDKIT_CA, BUILDKIT_CERT, BUILDKIT_KEY)" in last
