"""ECR's operations on images and tokens.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_Operations.html
"""

from collections.abc import Callable
from datetime import datetime

from sledgehammer_localstack.aws.ecr.manifest import ManifestError, parse_manifest
from sledgehammer_localstack.aws.ecr.repositories import Repositories, ecr_page
from sledgehammer_localstack.aws.ecr.repository import Image, Repository, TagIsImmutableError
from sledgehammer_localstack.aws.ecr.storage import Storage, StorageRefusedError
from sledgehammer_localstack.aws.ecr.tokens import RegistryTokens
from sledgehammer_localstack.aws.refusal import AwsError
from sledgehammer_localstack.aws.services import Caller, Document, Handler


class Images:
    """Operations over what was pushed."""

    def __init__(
        self,
        repositories: Repositories,
        tokens: RegistryTokens,
        storage: Storage,
        *,
        registry_url: str,
        now: Callable[[], datetime],
    ) -> None:
        self._repositories = repositories
        self._tokens = tokens
        self._storage = storage
        self._registry_url = registry_url
        self._now = now

    @property
    def handlers(self) -> dict[str, Handler]:
        """The operations on images, and GetAuthorizationToken."""
        return {
            "GetAuthorizationToken": self._token,
            "ListImages": self._list,
            "DescribeImages": self._describe,
            "BatchGetImage": self._batch_get,
            "BatchDeleteImage": self._batch_delete,
            "PutImage": self._put,
            "BatchCheckLayerAvailability": self._check_layers,
        }

    def _token(self, caller: Caller, _request: Document) -> Document:
        token = self._tokens.issue(caller.access_key_id)
        entry = {
            "authorizationToken": token.text,
            "expiresAt": token.expires,
            "proxyEndpoint": self._registry_url,
        }
        return {"authorizationData": [entry]}

    def _list(self, _caller: Caller, request: Document) -> Document:
        repository = self._repositories.get(request)
        wanted = request.get("filter", {}).get("tagStatus", "ANY")
        tagged = [{"imageTag": tag, "imageDigest": digest} for tag, digest in sorted(repository.tags.items())]
        untagged = [{"imageDigest": digest} for digest in repository.images if not repository.tags_of(digest)]
        rows = {"TAGGED": tagged, "UNTAGGED": untagged}.get(wanted, [*tagged, *untagged])
        return ecr_page(rows, request, member="imageIds")

    def _describe(self, _caller: Caller, request: Document) -> Document:
        repository = self._repositories.get(request)
        wanted = request.get("filter", {}).get("tagStatus", "ANY")
        if ids := request.get("imageIds"):
            images = [self._required(repository, one) for one in ids]
        else:
            images = list(repository.images.values())
        rows = [_details(repository, image) for image in images]
        rows = [row for row in rows if wanted in ("ANY", "TAGGED" if "imageTags" in row else "UNTAGGED")]
        return ecr_page(rows, request, member="imageDetails")

    def _batch_get(self, _caller: Caller, request: Document) -> Document:
        repository = self._repositories.get(request)
        images, failures = [], []
        for image_id in request["imageIds"]:
            if (image := _find(repository, image_id)) is None:
                failures.append(_failure(image_id))
                continue
            images.append(_image(repository, image, image_id.get("imageTag", "")))
        return {"images": images, "failures": failures}

    def _batch_delete(self, _caller: Caller, request: Document) -> Document:
        repository = self._repositories.get(request)
        deleted, failures = [], []
        for image_id in request["imageIds"]:
            image = _find(repository, image_id)
            if image is None:
                failures.append(_failure(image_id))
                continue
            digest = image.manifest.digest
            tags = [image_id["imageTag"]] if "imageTag" in image_id else repository.tags_of(digest)
            goes = "imageTag" not in image_id or repository.tags_of(digest) == tags
            if goes and (parents := repository.parents_of(digest)):
                reason = f"Requested image referenced by manifest list: {parents}"
                code = "ImageReferencedByManifestList"
                failures.append({"imageId": image_id, "failureCode": code, "failureReason": reason})
                continue
            if "imageTag" in image_id:
                repository.untag(image_id["imageTag"])
            else:
                repository.delete(digest)
            deleted += [{"imageDigest": digest, "imageTag": tag} for tag in tags] or [{"imageDigest": digest}]
        return {"imageIds": deleted, "failures": failures}

    def _put(self, _caller: Caller, request: Document) -> Document:
        repository = self._repositories.get(request)
        tag = request.get("imageTag", "")
        try:
            manifest = parse_manifest(request["imageManifest"].encode(), request.get("imageManifestMediaType", ""))
        except ManifestError as error:
            raise AwsError("InvalidParameterException", str(error)) from error
        if request.get("imageDigest", manifest.digest) != manifest.digest:
            raise AwsError("ImageDigestDoesNotMatchException", f"the manifest's digest is {manifest.digest}")
        known = repository.find(manifest.digest)
        if known is not None and (not tag or repository.tags.get(tag) == manifest.digest):
            message = f"Image with digest '{manifest.digest}' and tag '{tag}' already exists"
            raise AwsError("ImageAlreadyExistsException", message)
        try:
            repository.check_tag(tag)
            if missing := [child for child in manifest.children if child not in repository.images]:
                message = f"The manifest list references images that do not exist: {', '.join(missing)}"
                raise AwsError("ReferencedImagesNotFoundException", message)
            self._storage.put_manifest(repository.storage_name, manifest)
            repository.put(manifest, tag=tag, now=self._now())
        except TagIsImmutableError as error:
            raise AwsError("ImageTagAlreadyExistsException", str(error)) from error
        except StorageRefusedError as error:
            raise AwsError("LayersNotFoundException", str(error)) from error
        return {"image": _image(repository, repository.images[manifest.digest], tag)}

    def _check_layers(self, _caller: Caller, request: Document) -> Document:
        repository = self._repositories.get(request)
        layers, failures = [], []
        for digest in request["layerDigests"]:
            size = self._storage.blob_size(repository.storage_name, digest)
            if size is None:
                reason = "Layer does not exist in the repository"
                failures.append({"layerDigest": digest, "failureCode": "MissingLayerDigest", "failureReason": reason})
            else:
                layers.append({"layerDigest": digest, "layerAvailability": "AVAILABLE", "layerSize": size})
        return {"layers": layers, "failures": failures}

    def _required(self, repository: Repository, image_id: Document) -> Image:
        image = _find(repository, image_id)
        if image is None:
            words = ", ".join(f"{name}:'{value}'" for name, value in image_id.items())
            message = f"The image with imageId {{{words}}} does not exist within the repository '{repository.name}'"
            raise AwsError("ImageNotFoundException", message)
        return image


def _find(repository: Repository, image_id: Document) -> Image | None:
    tag, digest = image_id.get("imageTag"), image_id.get("imageDigest")
    if tag is not None and digest is not None and repository.tags.get(tag) != digest:
        return None
    return repository.images.get(digest or repository.tags.get(tag or "", ""))


def _failure(image_id: Document) -> Document:
    return {"imageId": image_id, "failureCode": "ImageNotFound", "failureReason": "Requested image not found"}


def _image(repository: Repository, image: Image, tag: str) -> Document:
    manifest = image.manifest
    return {
        "registryId": repository.registry_id,
        "repositoryName": repository.name,
        "imageId": {"imageDigest": manifest.digest} | ({"imageTag": tag} if tag else {}),
        "imageManifest": manifest.body.decode(),
        "imageManifestMediaType": manifest.media_type,
    }


def _details(repository: Repository, image: Image) -> Document:
    manifest = image.manifest
    details: Document = {
        "registryId": repository.registry_id,
        "repositoryName": repository.name,
        "imageDigest": manifest.digest,
        "imageSizeInBytes": repository.size_of(image),
        "imagePushedAt": image.pushed,
        "imageManifestMediaType": manifest.media_type,
    }
    details |= {"artifactMediaType": manifest.artifact_type} if manifest.artifact_type else {}
    tags = repository.tags_of(manifest.digest)
    return details | ({"imageTags": tags} if tags else {})
