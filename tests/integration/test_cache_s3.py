"""Strategy s3 on real engines: BuildKit in a container of its own, and a bucket of the stack's S3."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from cache_jobs import NEW, Case, new_jobs, ran_well

from sledgehammer.operations import BuilderKind
from sledgehammer.project import CacheSettings, S3Settings
from sledgehammer_bench.cache.registry import open_registry
from sledgehammer_localstack.config import StackConfig, load_secrets

pytestmark = [pytest.mark.engine, pytest.mark.on_request]


@pytest.fixture
def bucket(stack: StackConfig) -> Iterator[S3Settings]:
    """An empty one."""
    keys = load_secrets(stack.state_dir)
    s3 = boto3.client(
        "s3",
        region_name=stack.aws_region,
        endpoint_url=stack.aws_url,
        aws_access_key_id=keys.aws_access_key_id,
        aws_secret_access_key=keys.aws_secret_access_key.reveal(),
    )
    name = f"cache-{secrets.token_hex(4)}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    yield S3Settings(bucket=name, region=stack.aws_region, prefix="layers", endpoint_url=stack.aws_url)
    kept = [item["Key"] for item in s3.list_objects_v2(Bucket=name).get("Contents", [])]
    assert kept
    assert all(key.startswith("layers/") for key in kept), kept


@pytest.mark.parametrize("version", ["26.1", NEW])
def test_a_cache_in_a_bucket_hits(stack: StackConfig, bucket: S3Settings, tmp_path: Path, version: str) -> None:
    """Every step before the change, then every step; the job's own credentials reach BuildKit, and no log."""
    keys = load_secrets(stack.state_dir)
    credentials = {
        "AWS_ACCESS_KEY_ID": keys.aws_access_key_id,
        "AWS_SECRET_ACCESS_KEY": keys.aws_secret_access_key.reveal(),
    }
    jobs = new_jobs(open_registry(stack), tmp_path)
    settings = CacheSettings(builder=BuilderKind.CONTAINER, s3=bucket)
    case = Case(strategy="s3", version=version, settings=settings)

    cold = jobs.run(stack, case, "c1", **credentials)
    (tmp_path / "source").write_text("two\n")
    changed = jobs.run(stack, case, "c2", **credentials)
    same = jobs.run(stack, case, "c3", SLEDGE_NO_SKIP="true", **credentials)

    cached = [ran_well(ran).cached_steps for ran in (cold, changed, same)]
    assert cached == [0, 2, 5], changed.output
    assert "S3 cache written in" in changed.output
    assert "S3 cache not written: every step was cached" in same.output
    for secret in credentials.values():
        assert not any(secret in ran.output for ran in (cold, changed, same))
