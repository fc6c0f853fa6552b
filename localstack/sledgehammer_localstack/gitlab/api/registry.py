"""A project's image repositories and tags (Container registry API), read from the registry itself."""

import hashlib
import json
from typing import Any

import requests

from sledgehammer_localstack.gitlab.access import DEVELOPER, MAINTAINER, REPORTER, find_project
from sledgehammer_localstack.gitlab.answers import ApiError, Json, Reply, no_content, not_found
from sledgehammer_localstack.gitlab.call import Call
from sledgehammer_localstack.gitlab.paging import paged
from sledgehammer_localstack.gitlab.records import RegistryRepository
from sledgehammer_localstack.gitlab.registry_tokens import SERVICE, Access, sign_token
from sledgehammer_localstack.gitlab.routing import Route, reads, writes
from sledgehammer_localstack.gitlab.services import Services

MANIFESTS = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
TIMEOUT_S = 20
_PAGE = 1000


class _Registry:
    """The registry's API for one image repository, with a token that the server makes for itself."""

    def __init__(self, services: Services, path: str) -> None:
        access = Access(kind="repository", name=path, actions=("pull", "delete"))
        key = services.settings.signing_key
        token = sign_token(key, subject="gitlab", audience=SERVICE, access=(access,))
        self._base = f"http://{services.settings.registry_address}/v2/{path}"
        self._headers = {"Authorization": f"Bearer {token}", "Accept": MANIFESTS}

    def request(self, method: str, tail: str) -> requests.Response | None:
        """The answer, None for 404. 503 where the registry cannot be reached or refuses."""
        try:
            answer = requests.request(method, self._base + tail, headers=self._headers, timeout=TIMEOUT_S)
        except requests.RequestException as error:
            raise ApiError(503, {"message": f"503 the registry does not answer: {type(error).__name__}"}) from error
        if answer.status_code == 404:
            return None
        if answer.status_code >= 400:
            raise ApiError(503, {"message": f"503 the registry answered {answer.status_code} to {method} {tail}"})
        return answer

    def tags(self) -> list[str]:
        """All tag names, sorted; the registry does not sort them."""
        answer = self.request("GET", f"/tags/list?n={_PAGE}")
        if answer is None:
            return []
        return sorted(answer.json().get("tags") or [])


def _repositories(call: Call, project_id: int) -> list[RegistryRepository]:
    query = "SELECT * FROM registry_repositories WHERE project_id = ? ORDER BY id"
    return call.store.all(RegistryRepository, query, project_id)


def _present(call: Call, one: RegistryRepository) -> Json:
    address = call.services.settings.registry_address
    project = find_project(call.store, call.caller, str(one.project_id))
    shown: dict[str, Json] = {
        "id": one.id,
        "name": one.path.removeprefix(project.full_path.lower()).lstrip("/"),
        "path": one.path,
        "project_id": one.project_id,
        "location": f"{address}/{one.path}",
        "created_at": one.created_at,
        "cleanup_policy_started_at": None,
        "status": None,
    }
    with_tags, with_count = call.params.flag("tags"), call.params.flag("tags_count")
    if with_tags or with_count:
        tags = _Registry(call.services, one.path).tags()
        if with_tags:
            shown["tags"] = [_tag(call, one, name) for name in tags]
        shown["tags_count"] = len(tags)
    return shown


def _tag(call: Call, one: RegistryRepository, name: str) -> dict[str, Json]:
    path = f"{one.path}:{name}"
    return {"name": name, "path": path, "location": f"{call.services.settings.registry_address}/{path}"}


def listing(call: Call) -> Reply:
    """A project's image repositories."""
    project = find_project(call.store, call.caller, call.path["id"], level=REPORTER)
    return paged(call, _repositories(call, project.id), lambda one: _present(call, one))


def show(call: Call) -> Reply:
    """One image repository by its id alone."""
    number = call.path["id"]
    query = "SELECT * FROM registry_repositories WHERE id = ?"
    found = call.store.one(RegistryRepository, query, int(number)) if number.isdigit() else None
    if found is None:
        raise not_found()
    find_project(call.store, call.caller, str(found.project_id), level=REPORTER)
    return Reply(payload=_present(call, found))


def _repository(call: Call, *, level: int) -> RegistryRepository:
    project = find_project(call.store, call.caller, call.path["id"], level=level)
    for one in _repositories(call, project.id):
        if str(one.id) == call.path["repository_id"]:
            return one
    raise not_found()


def tags(call: Call) -> Reply:
    """The tags of an image repository."""
    one = _repository(call, level=REPORTER)
    return paged(call, _Registry(call.services, one.path).tags(), lambda name: _tag(call, one, name))


def tag(call: Call) -> Reply:
    """One tag with its digest, size and age."""
    one, name = _repository(call, level=REPORTER), call.path["tag_name"]
    registry = _Registry(call.services, one.path)
    answer = registry.request("GET", f"/manifests/{name}")
    if answer is None:
        raise not_found("Tag")
    digest = answer.headers.get("Docker-Content-Digest") or f"sha256:{hashlib.sha256(answer.content).hexdigest()}"
    manifest: dict[str, Any] = answer.json()
    config_digest = manifest.get("config", {}).get("digest", "")
    layers = [*manifest.get("layers", []), *([manifest["config"]] if "config" in manifest else [])]
    return Reply(
        payload={
            **_tag(call, one, name),
            "revision": config_digest.removeprefix("sha256:"),
            "short_revision": config_digest.removeprefix("sha256:")[:9],
            "digest": digest,
            "created_at": _created(registry, config_digest),
            "total_size": sum(int(layer.get("size", 0)) for layer in layers),
        }
    )


def _created(registry: _Registry, config_digest: str) -> str | None:
    """When the image was made, as its configuration says."""
    blob = registry.request("GET", f"/blobs/{config_digest}") if config_digest else None
    try:
        made = json.loads(blob.content).get("created") if blob is not None else None
    except ValueError:
        return None  # an artifact whose configuration is no image configuration
    return made if isinstance(made, str) else None


def delete_tag(call: Call) -> Reply:
    """Remove a tag; the registry removes the manifest, and so every tag on it."""
    one, name = _repository(call, level=DEVELOPER), call.path["tag_name"]
    registry = _Registry(call.services, one.path)
    answer = registry.request("HEAD", f"/manifests/{name}")
    if answer is None:
        raise not_found("Tag")
    registry.request("DELETE", f"/manifests/{answer.headers['Docker-Content-Digest']}")
    return no_content()


def delete_repository(call: Call) -> Reply:
    """Remove an image repository with its tags."""
    one = _repository(call, level=MAINTAINER)
    registry = _Registry(call.services, one.path)
    for name in registry.tags():
        answer = registry.request("HEAD", f"/manifests/{name}")
        if answer is not None:
            registry.request("DELETE", f"/manifests/{answer.headers['Docker-Content-Digest']}")
    call.store.delete("registry_repositories", one.id)
    return no_content()


_R = "/api/v4/projects/{id}/registry/repositories"
ROUTES: tuple[Route, ...] = (
    reads(_R, listing, scopes=("read_registry",)),
    reads("/api/v4/registry/repositories/{id}", show),
    writes("DELETE", f"{_R}/{{repository_id}}", delete_repository),
    reads(f"{_R}/{{repository_id}}/tags", tags),
    reads(f"{_R}/{{repository_id}}/tags/{{tag_name}}", tag),
    writes("DELETE", f"{_R}/{{repository_id}}/tags/{{tag_name}}", delete_tag),
)
