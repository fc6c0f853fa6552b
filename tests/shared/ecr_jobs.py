"""Jobs whose images go to the stack's ECR, where a repository may be missing or immutable and every call may fail."""

import base64
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
import requests
from cache_jobs import Jobs, new_jobs

from sledgehammer.project import CacheSettings
from sledgehammer.registry.access import RegistryAccess
from sledgehammer.registry.client import RegistryClient
from sledgehammer.registry.reference import Reference
from sledgehammer.secret import Secret
from sledgehammer_bench.cache.registry import BenchRegistry
from sledgehammer_localstack.config import StackConfig, load_secrets

AS_IMAGE = CacheSettings(options=(("image-manifest", "true"),))
"""What `sledge preflight` prints for ECR as the registry of a GitLab project."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EcrJobs:
    """`jobs` push to `image`, and their cache is `cache`; both are paths in ECR."""

    stack: StackConfig
    jobs: Jobs
    image: str
    cache: str

    def client(self) -> RegistryClient:
        """To look into the cache, or to change it."""
        password = self.jobs.registry.password
        access = RegistryAccess(host=self.stack.ecr_address, username="AWS", password=password, is_plain_http=True)
        return RegistryClient(access)

    @property
    def reference(self) -> Reference:
        """The default branch's cache."""
        return Reference(host=self.stack.ecr_address, path=self.cache).with_tag("main")

    @contextmanager
    def broken(self, *rules: Mapping[str, object]) -> Iterator[None]:
        """Calls of these rules fail meanwhile (sledgehammer_localstack.faults)."""
        url = f"{self.stack.aws_url}/-/faults"
        requests.post(url, json={"rules": rules}, timeout=10).raise_for_status()
        try:
            yield
            assert requests.get(url, timeout=10).json()["injected"], "no call was of that kind"
        finally:
            requests.delete(url, timeout=10)

    def change(self) -> None:
        """The source, so that there is something to build."""
        (self.jobs.folder / "source").write_text(secrets.token_hex(8))


def open_ecr(stack: StackConfig, folder: Path, *, cache_tags: str = "MUTABLE") -> EcrJobs:
    """A project with a repository and, unless `cache_tags` is empty, one for its cache."""
    keys = load_secrets(stack.state_dir)
    ecr = boto3.client(
        "ecr",
        region_name=stack.aws_region,
        endpoint_url=stack.aws_url,
        aws_access_key_id=keys.aws_access_key_id,
        aws_secret_access_key=keys.aws_secret_access_key.reveal(),
    )
    token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    password = Secret(base64.b64decode(token).decode().partition(":")[2], source="ECR")
    images = f"{stack.ecr_address}/it-{secrets.token_hex(4)}"
    jobs = new_jobs(BenchRegistry(address=stack.ecr_address, images=images, password=password, user="AWS"), folder)
    ecr.create_repository(repositoryName=jobs.path)
    if cache_tags == "IMMUTABLE":
        ecr.create_repository(repositoryName=f"{jobs.path}/cache", imageTagMutability="IMMUTABLE")
    elif cache_tags:
        ecr.create_repository(repositoryName=f"{jobs.path}/cache")
    return EcrJobs(stack=stack, jobs=jobs, image=jobs.path, cache=f"{jobs.path}/cache")
