import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from aws_account import ACCOUNT, Account, refused
from oci_storage import MemoryStorage

from sledgehammer_localstack.aws.endpoint import AwsEndpoint
from sledgehammer_localstack.aws.http_server import HttpServer
from sledgehammer_localstack.aws.settings import AwsSettings

OCI = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
TIMEOUT = 10
SELECTION = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 14}
LIFECYCLE = json.dumps({"rules": [{"rulePriority": 1, "selection": SELECTION, "action": {"type": "expire"}}]})


@dataclass(kw_only=True)
class Ecr:
    """One registry, its account, the storage behind it and the wall clock of its tokens."""

    account: Account
    storage: MemoryStorage
    hours: list[float] = field(default_factory=list)

    @property
    def api(self) -> Any:
        return self.account.client("ecr")

    @property
    def url(self) -> str:
        return self.account.endpoint.url

    def repository(self, **settings: Any) -> str:
        name = f"team/{self.account.new_name()}"
        self.api.create_repository(repositoryName=name, **settings)
        return name

    def session(self) -> requests.Session:
        """With a token of this moment."""
        token = self.api.get_authorization_token()["authorizationData"][0]["authorizationToken"]
        made = requests.Session()
        made.headers["Authorization"] = f"Basic {token}"
        return made

    def push_blob(self, session: requests.Session, repository: str, content: bytes) -> dict[str, object]:
        begun = session.post(f"{self.url}/v2/{repository}/blobs/uploads/", timeout=TIMEOUT)
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        place = f"{self.url}{begun.headers['Location']}&digest={digest}"
        ended = session.put(place, data=content, headers={"Content-Type": "application/octet-stream"}, timeout=TIMEOUT)
        assert ended.status_code == 201
        assert ended.headers["Location"] == f"/v2/{repository}/blobs/{digest}"
        return {"digest": digest, "size": len(content), "mediaType": "application/octet-stream"}

    def push(self, repository: str, tag: str, *, layer: bytes = b"layer") -> requests.Response:
        """An image of one layer; gives the answer to its manifest."""
        session = self.session()
        manifest = image_manifest(
            self.push_blob(session, repository, b"{}"), self.push_blob(session, repository, layer)
        )
        return self.put_manifest(repository, tag, manifest)

    def put_manifest(self, repository: str, tag: str, body: str, media_type: str = OCI) -> requests.Response:
        headers = {"Content-Type": media_type}
        url = f"{self.url}/v2/{repository}/manifests/{tag}"
        return self.session().put(url, data=body, headers=headers, timeout=TIMEOUT)

    def tags(self, repository: str) -> dict[str, str]:
        ids = self.api.list_images(repositoryName=repository)["imageIds"]
        return {one.get("imageTag", ""): one["imageDigest"] for one in ids}


def image_manifest(config: dict[str, object], *layers: dict[str, object]) -> str:
    return json.dumps({"schemaVersion": 2, "mediaType": OCI, "config": config, "layers": layers})


def code_of(response: requests.Response) -> str:
    return str(response.json()["errors"][0]["code"])


@pytest.fixture(scope="module")
def ecr() -> Iterator[Ecr]:
    storage, hours = MemoryStorage(), [0.0]
    start = datetime.now(UTC)
    with HttpServer("127.0.0.1", 0, storage) as behind:
        settings = AwsSettings(ecr_storage_address=f"127.0.0.1:{behind.port}")
        now = lambda: start + timedelta(hours=hours[0])  # noqa: E731 - a clock
        with AwsEndpoint(settings, now=now) as endpoint:
            yield Ecr(account=Account(endpoint=endpoint, clock_s=[]), storage=storage, hours=hours)


def test_push_and_pull(ecr: Ecr) -> None:
    """What is pushed by tag is pulled by tag and by digest, and the API knows its size and tags."""
    name = ecr.repository()
    layer = b"x" * 3_000_000
    pushed = ecr.push(name, "v1", layer=layer)
    assert pushed.status_code == 201
    digest = pushed.headers["Docker-Content-Digest"]
    session = ecr.session()
    for reference in ("v1", digest):
        head = session.head(f"{ecr.url}/v2/{name}/manifests/{reference}", timeout=TIMEOUT)
        assert (head.status_code, head.headers["Docker-Content-Digest"]) == (200, digest)
        assert head.headers["Content-Type"] == OCI
    manifest = session.get(f"{ecr.url}/v2/{name}/manifests/v1", timeout=TIMEOUT)
    assert int(head.headers["Content-Length"]) == len(manifest.content)
    blob = f"{ecr.url}/v2/{name}/blobs/{manifest.json()['layers'][0]['digest']}"
    assert session.get(blob, timeout=TIMEOUT).content == layer
    assert session.head(blob, timeout=TIMEOUT).headers["Content-Length"] == str(len(layer))
    part = session.get(blob, headers={"Range": "bytes=2999990-"}, timeout=TIMEOUT)
    assert (part.status_code, len(part.content)) == (206, 10)
    [image] = ecr.api.describe_images(repositoryName=name)["imageDetails"]
    assert (image["imageDigest"], image["imageTags"]) == (digest, ["v1"])
    assert image["imageSizeInBytes"] == len(layer) + 2


def test_uploads_in_pieces(ecr: Ecr) -> None:
    """An upload in chunked PATCHes, as docker sends it, arrives whole."""
    name, session = ecr.repository(), ecr.session()
    begun = session.post(f"{ecr.url}/v2/{name}/blobs/uploads/", timeout=TIMEOUT)
    content = b"".join(bytes([number]) * 100_000 for number in range(8))
    place = begun.headers["Location"]
    for half in (content[:400_000], content[400_000:]):
        sent = session.patch(f"{ecr.url}{place}", data=iter([half[:7], half[7:]]), timeout=TIMEOUT)
        assert sent.status_code == 202
        place = sent.headers["Location"]
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert session.put(f"{ecr.url}{place}&digest={digest}", timeout=TIMEOUT).status_code == 201
    assert session.get(f"{ecr.url}/v2/{name}/blobs/{digest}", timeout=TIMEOUT).content == content


def test_who_may_enter(ecr: Ecr) -> None:
    """Without a token, with a wrong one, or with one of 12 hours ago, the registry says 401 and asks for Basic."""
    name = ecr.repository()
    url = f"{ecr.url}/v2/"
    assert ecr.session().get(url, timeout=TIMEOUT).status_code == 200
    bare = requests.get(url, timeout=TIMEOUT)
    assert (bare.status_code, code_of(bare)) == (401, "UNAUTHORIZED")
    assert bare.headers["WWW-Authenticate"].startswith('Basic realm="http://')
    assert requests.get(url, auth=("AWS", "wrong"), timeout=TIMEOUT).status_code == 401
    [data] = ecr.api.get_authorization_token()["authorizationData"]
    assert data["proxyEndpoint"] == ecr.url
    user, password = base64.b64decode(data["authorizationToken"]).decode().split(":")
    assert requests.get(url, auth=("root", password), timeout=TIMEOUT).status_code == 401
    ecr.hours[0] += 11.9
    assert requests.get(url, auth=(user, password), timeout=TIMEOUT).status_code == 200
    ecr.hours[0] += 0.2
    late = requests.put(f"{url}{name}/manifests/v1", auth=(user, password), data=b"{}" * 9000, timeout=TIMEOUT)
    assert late.status_code == 401
    assert "expired" in late.text


def test_unknown_names(ecr: Ecr) -> None:
    """A repository that nobody made is NAME_UNKNOWN on push, a tag that nobody pushed MANIFEST_UNKNOWN."""
    session = ecr.session()
    answer = session.post(f"{ecr.url}/v2/no/such/blobs/uploads/", timeout=TIMEOUT)
    assert (answer.status_code, code_of(answer)) == (404, "NAME_UNKNOWN")
    answer = session.get(f"{ecr.url}/v2/{ecr.repository()}/manifests/none", timeout=TIMEOUT)
    assert (answer.status_code, code_of(answer)) == (404, "MANIFEST_UNKNOWN")
    with refused("RepositoryNotFoundException", "'no/such'", ACCOUNT):
        ecr.api.describe_images(repositoryName="no/such")


def test_manifests_need_their_parts(ecr: Ecr) -> None:
    """A manifest without its blobs, an index of absent images or of layers, a body that is no manifest: all refused."""
    name = ecr.repository()
    missing = {"digest": "sha256:" + "0" * 64, "size": 1, "mediaType": "x"}
    answer = ecr.put_manifest(name, "v1", image_manifest(missing))
    assert (answer.status_code, code_of(answer)) == (400, "MANIFEST_BLOB_UNKNOWN")
    index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [{**missing, "mediaType": OCI}]})
    answer = ecr.put_manifest(name, "v1", index, OCI_INDEX)
    assert (answer.status_code, code_of(answer)) == (404, "MANIFEST_UNKNOWN")
    index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [missing]})
    assert (
        ecr.put_manifest(name, "v1", index, OCI_INDEX).status_code == 400
    )  # a build cache, aws/containers-roadmap#876
    assert code_of(ecr.put_manifest(name, "v1", "no json")) == "MANIFEST_INVALID"
    assert ecr.tags(name) == {}


def test_immutable_tags(ecr: Ecr) -> None:
    """An immutable tag cannot be pushed again, an excluded one can; a mutable one moves and leaves the old image."""
    filters = [{"filterType": "WILDCARD", "filter": "cache*"}]
    name = ecr.repository(imageTagMutability="IMMUTABLE_WITH_EXCLUSION", imageTagMutabilityExclusionFilters=filters)
    for tag in ("v1", "cache-main"):
        assert ecr.push(name, tag).status_code == 201
    again = ecr.push(name, "v1", layer=b"other")
    assert (again.status_code, code_of(again)) == (400, "TAG_INVALID")
    assert "immutable" in again.text
    assert ecr.push(name, "cache-main", layer=b"other").status_code == 201
    ecr.api.put_image_tag_mutability(repositoryName=name, imageTagMutability="MUTABLE")
    assert ecr.push(name, "v1", layer=b"third").status_code == 201
    assert len(ecr.api.describe_images(repositoryName=name)["imageDetails"]) == 3


def test_indexes_and_deletion(ecr: Ecr) -> None:
    """An index keeps its images from being deleted; the last tag takes its image along."""
    name = ecr.repository()
    child = ecr.push(name, "child").headers["Docker-Content-Digest"]
    entry = {"digest": child, "size": 1, "mediaType": OCI}
    index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]})
    parent = ecr.put_manifest(name, "all", index, OCI_INDEX).headers["Docker-Content-Digest"]
    answer = ecr.api.batch_delete_image(repositoryName=name, imageIds=[{"imageDigest": child}])
    assert [one["failureCode"] for one in answer["failures"]] == ["ImageReferencedByManifestList"]
    wanted = [{"imageTag": "all"}, {"imageTag": "none"}]
    answer = ecr.api.batch_delete_image(repositoryName=name, imageIds=wanted)
    assert answer["imageIds"] == [{"imageTag": "all", "imageDigest": parent}]
    assert [one["failureCode"] for one in answer["failures"]] == ["ImageNotFound"]
    assert ecr.tags(name) == {"child": child}
    url = f"{ecr.url}/v2/{name}/manifests/{child}"
    assert ecr.session().delete(url, timeout=TIMEOUT).status_code == 405


def test_retag_by_api(ecr: Ecr) -> None:
    """BatchGetImage's manifest put back under another tag is the same image with two tags."""
    name = ecr.repository()
    ecr.push(name, "v1")
    wanted = [{"imageTag": "v1"}, {"imageTag": "v9"}]
    answer = ecr.api.batch_get_image(repositoryName=name, imageIds=wanted)
    assert [one["imageId"]["imageTag"] for one in answer["failures"]] == ["v9"]
    manifest = answer["images"][0]["imageManifest"]
    ecr.api.put_image(repositoryName=name, imageManifest=manifest, imageTag="latest")
    [image] = ecr.api.describe_images(repositoryName=name)["imageDetails"]
    assert image["imageTags"] == ["latest", "v1"]
    with refused("ImageAlreadyExistsException", "latest"):
        ecr.api.put_image(repositoryName=name, imageManifest=manifest, imageTag="latest")


def test_mounts_become_uploads(ecr: Ecr) -> None:
    """Mounting a blob of another repository starts an upload, as long as the account has not turned mounts on."""
    source, target = ecr.repository(), ecr.repository()
    session = ecr.session()
    blob = ecr.push_blob(session, source, b"shared")
    url = f"{ecr.url}/v2/{target}/blobs/uploads/?mount={blob['digest']}&from={source}"
    answer = session.post(url, timeout=TIMEOUT)
    assert answer.status_code == 202
    assert answer.headers["Location"].startswith(f"/v2/{target}/blobs/uploads/")
    assert "mount" not in ecr.storage.requests[-1]
    checked = ecr.api.batch_check_layer_availability(repositoryName=source, layerDigests=[blob["digest"]])
    assert checked["layers"][0]["layerSize"] == 6
    checked = ecr.api.batch_check_layer_availability(repositoryName=target, layerDigests=[blob["digest"]])
    assert checked["failures"][0]["failureCode"] == "MissingLayerDigest"


def test_a_repository_made_again_is_empty(ecr: Ecr) -> None:
    """A repository with images is deleted by force only, and nothing of it is left under its name."""
    name = ecr.repository()
    digest = ecr.push(name, "v1").headers["Docker-Content-Digest"]
    with refused("RepositoryNotEmptyException", name):
        ecr.api.delete_repository(repositoryName=name)
    ecr.api.delete_repository(repositoryName=name, force=True)
    ecr.api.create_repository(repositoryName=name)
    assert ecr.tags(name) == {}
    url = f"{ecr.url}/v2/{name}/manifests/{digest}"
    assert ecr.session().get(url, timeout=TIMEOUT).status_code == 404


def test_tag_lists_in_pages(ecr: Ecr) -> None:
    """Tags come sorted, in pages whose Link leads on, over the protocol and over the API."""
    name = ecr.repository()
    for tag in ("b", "a", "c"):
        ecr.push(name, tag)
    session = ecr.session()
    first = session.get(f"{ecr.url}/v2/{name}/tags/list?n=2", timeout=TIMEOUT)
    assert first.json()["tags"] == ["a", "b"]
    rest = session.get(f"{ecr.url}{first.links['next']['url']}", timeout=TIMEOUT)
    assert (rest.json()["tags"], rest.links) == (["c"], {})
    pages = ecr.api.get_paginator("list_images").paginate(repositoryName=name, PaginationConfig={"PageSize": 2})
    assert [len(page["imageIds"]) for page in pages] == [2, 1]


def test_repository_settings(ecr: Ecr) -> None:
    """What a repository was made with, its policies and its tags are kept; a missing policy is an error."""
    name = ecr.repository(
        imageTagMutability="IMMUTABLE",
        imageScanningConfiguration={"scanOnPush": True},
        tags=[{"Key": "team", "Value": "web"}],
    )
    [read] = ecr.api.describe_repositories(repositoryNames=[name])["repositories"]
    assert read["repositoryUri"] == f"{ecr.url.removeprefix('http://')}/{name}"
    assert (read["imageTagMutability"], read["imageScanningConfiguration"]) == ("IMMUTABLE", {"scanOnPush": True})
    arn = read["repositoryArn"]
    ecr.api.tag_resource(resourceArn=arn, tags=[{"Key": "stage", "Value": "test"}])
    ecr.api.untag_resource(resourceArn=arn, tagKeys=["team"])
    assert ecr.api.list_tags_for_resource(resourceArn=arn)["tags"] == [{"Key": "stage", "Value": "test"}]
    with refused("LifecyclePolicyNotFoundException", name):
        ecr.api.get_lifecycle_policy(repositoryName=name)
    ecr.api.put_lifecycle_policy(repositoryName=name, lifecyclePolicyText=LIFECYCLE)
    assert ecr.api.get_lifecycle_policy(repositoryName=name)["lifecyclePolicyText"] == LIFECYCLE
    with refused("InvalidParameterException", "policyText"):
        ecr.api.set_repository_policy(repositoryName=name, policyText="no json")
    with refused("RepositoryAlreadyExistsException", name):
        ecr.api.create_repository(repositoryName=name)
    with refused("UnknownOperationException", "does not have StartImageScan"):
        ecr.api.start_image_scan(repositoryName=name, imageId={"imageTag": "v1"})
