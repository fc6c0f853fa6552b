"""What becomes of a build whose cache is in trouble: it succeeds where it can, and the log says what happened."""

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from cache_jobs import Case, new_jobs, ran_well
from ecr_jobs import AS_IMAGE, open_ecr
from gitlab import Gitlab

from sledgehammer.operations import BuilderKind
from sledgehammer.project import CacheSettings
from sledgehammer.registry.blobs import push_blob
from sledgehammer.registry.cache_manifests import push_tiny_cache
from sledgehammer.registry.manifests import get_manifest, put_manifest
from sledgehammer.registry.media_types import BUILDKIT_CACHE_CONFIG
from sledgehammer.secret import Secret
from sledgehammer_bench.cache.registry import open_registry
from sledgehammer_localstack.config import StackConfig
from sledgehammer_localstack.fresh_engine import fresh_engine

pytestmark = pytest.mark.engine

CASE = Case(strategy="registry", version="26.1", settings=AS_IMAGE)


def test_a_registry_that_breaks_in_the_middle(stack: StackConfig, tmp_path: Path) -> None:
    """Cached layers that cannot be fetched are built, a cache that cannot be written is not, and an image that cannot
    be pushed is a failure that says so."""
    ecr = open_ecr(stack, tmp_path)
    ran_well(ecr.jobs.run(stack, CASE, "c1"))
    with ecr.client() as client:
        layers = [layer.digest for layer in get_manifest(client, ecr.reference).layers]
    ecr.change()

    lost = "|".join(f"{ecr.cache}/blobs/{digest}" for digest in layers)
    reads, writes = {"method": "GET", "path": lost}, {"method": "POST", "path": f"{ecr.cache}/blobs/uploads"}
    with ecr.broken({"fault": "error_before", **reads}, {"fault": "reset_before", **writes}):
        ran = ecr.jobs.run(stack, CASE, "c2")
    assert ran_well(ran).cached_steps == 0
    assert "a layer could not be fetched, so it is built once more, without any cache: the registry does" in ran.output
    assert "registry cache not written, the build goes on: the registry does not answer as it should" in ran.output

    ecr.change()
    with ecr.broken({"fault": "error_before", "method": "POST", "path": f"{ecr.image}/blobs/uploads"}):
        ran = ecr.jobs.run(stack, CASE, "c3")
    assert ran.exit_code == 1
    assert "built, but not pushed; mend this and run the job again: the registry does not answer" in ran.output


@pytest.mark.on_request
def test_a_registry_whose_cache_repository_does_not_answer(stack: StackConfig, tmp_path: Path) -> None:
    """The build goes on as if there were no cache."""
    ecr = open_ecr(stack, tmp_path)
    with ecr.broken({"fault": "reset_before", "path": ecr.cache}):
        ran = ecr.jobs.run(stack, CASE, "c1")
    ran_well(ran)
    assert "cache:main not read, the build goes on without it: the registry does not answer as it should" in ran.output


@pytest.mark.on_request
@pytest.mark.parametrize(
    ("cache_tags", "said"),
    [
        ("", "registry cache not written, the build goes on: there is no such repository; sledge apply makes it"),
        ("IMMUTABLE", "registry cache not written, the build goes on: tags there cannot be moved, or it takes no"),
    ],
)
def test_a_repository_that_takes_no_cache(stack: StackConfig, tmp_path: Path, cache_tags: str, said: str) -> None:
    """Nobody made it, or its tags are written once."""
    ecr = open_ecr(stack, tmp_path, cache_tags=cache_tags)
    ran_well(ecr.jobs.run(stack, CASE, "c1"))
    ecr.change()
    ran = ecr.jobs.run(stack, CASE, "c2")
    ran_well(ran)
    assert said in ran.output


@pytest.mark.on_request
def test_a_cache_over_the_limit_of_buildkit(stack: StackConfig, tmp_path: Path) -> None:
    """BuildKit refuses to read it, as the script says."""
    ecr = open_ecr(stack, tmp_path)
    with ecr.client() as client:
        cache = push_tiny_cache(client, ecr.reference)
        records = [{"digest": cache.layer.digest}] * 13_000
        content = json.dumps({"layers": [{"blob": cache.layer.digest, "parent": -1}], "records": records}).encode()
        config = push_blob(client, ecr.reference, content, media_type=BUILDKIT_CACHE_CONFIG)
        put_manifest(client, ecr.reference, replace(cache, config=config).as_image(mark="large"))

    ran = ecr.jobs.run(stack, CASE, "c1")

    assert ran_well(ran).cached_steps == 0
    assert "cache:main not read, the build goes on without it: BuildKit reads no cache whose description" in ran.output


@pytest.mark.on_request
def test_a_user_who_may_only_read(stack: StackConfig, tmp_path: Path) -> None:
    """The image cannot be pushed, which is told as what it is: a right that is missing."""
    registry = open_registry(stack)
    gitlab = Gitlab(stack.gitlab_url, private_token=registry.password.reveal())
    project = gitlab.projects.get(registry.images.partition("/")[2])
    token = project.deploytokens.create({"name": "reader", "scopes": ["read_registry"]})
    reader = replace(registry, user=token.username, password=Secret(token.token, source="deploy token"))

    ran = new_jobs(reader, tmp_path).run(stack, Case(strategy="registry", version="26.1"), "c1")

    assert ran.exit_code == 1
    assert "built, but not pushed; mend this and run the job again: this job's user has no right to" in ran.output
    assert token.token not in ran.output


@pytest.mark.on_request
def test_an_engine_whose_store_exports_no_cache(stack: StackConfig, tmp_path: Path) -> None:
    """Docker 23 to 28 unless told otherwise: the plan could not know, the job says what builds there would cache."""
    jobs = new_jobs(open_registry(stack), tmp_path)
    case = Case(strategy="registry", version="26.1", settings=CacheSettings(builder=BuilderKind.ENGINE))
    with fresh_engine(stack, case.version, has_containerd_store=False) as engine:
        ran = engine.run(jobs.script(case), env=jobs.variables("c1"), folder=tmp_path)

    ran_well(ran)
    assert "registry cache not written: the engine's own builder writes none on this engine" in ran.output
    assert "builder: container does" in ran.output


@contextmanager
def gate(host: str) -> Iterator[tuple[str, socket.socket]]:
    """A step that connects to `host:port` waits until the connection ends."""
    with socket.create_server((host, 0)) as server:
        server.settimeout(120)
        yield f"read -r _ </dev/tcp/{host}/{server.getsockname()[1]} || true", server


def test_two_builds_that_write_one_cache(stack: StackConfig, tmp_path: Path) -> None:
    """Both succeed; the one that writes last says what it takes away, and the cache is whole for the next."""
    jobs = new_jobs(open_registry(stack), tmp_path)
    case = Case(strategy="registry", version="26.1")
    dockerfile = tmp_path / "Dockerfile"
    plain = dockerfile.read_text()
    with gate(stack.gateway) as (wait, server), ThreadPoolExecutor(1) as pool:
        dockerfile.write_text(plain.replace("RUN cat", f"RUN bash -c '{wait}'; cat"))
        slow = pool.submit(jobs.run, stack, case, "c1")
        connection, _ = server.accept()
        with connection:
            dockerfile.write_text(plain)
            quick = jobs.run(stack, case, "c2")
        last = slow.result()

    ran_well(quick)
    assert "registry cache written" in quick.output
    ran_well(last)
    assert "registry cache: another build has written it meanwhile" in last.output
    assert "another build" not in quick.output
    (tmp_path / "source").write_text("two\n")
    assert ran_well(jobs.run(stack, case, "c3")).cached_steps == 2
