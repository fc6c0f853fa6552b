"""The project's container registry, entered with the token that also serves the API."""

from collections.abc import Mapping

from sledgehammer.asked_once import asked_once
from sledgehammer.errors import ConfigurationError, NotFoundError
from sledgehammer.polling import Clock
from sledgehammer.project import Project
from sledgehammer.registry.access import RegistryAccess
from sledgehammer.registry.reference import Reference
from sledgehammer.registry.repositories import ImageRepositories, concrete_repositories
from sledgehammer.registry.tls import refuses_tls
from sledgehammer_gitlab.api import Api
from sledgehammer_gitlab.credentials import Access, TokenKind
from sledgehammer_gitlab.destination import destination_of
from sledgehammer_gitlab.paths import project_path

IMAGE_VARIABLE = "CI_REGISTRY_IMAGE"


class GitLabRegistry:
    """Where the registry is, GitLab tells once, when first asked."""

    def __init__(
        self, api: Api, access: Access, *, project: Project, path: str, variables: Mapping[str, str], clock: Clock
    ) -> None:
        self._api = api
        self._gitlab = access
        self._project = project
        self._path = path
        self._variables = variables
        self._clock = clock

    def access(self) -> RegistryAccess:
        """Any user name serves with a personal token; its scope must be api, or read_registry and write_registry."""
        return self._access

    def repositories(self) -> Mapping[str, ImageRepositories]:
        """What the plan's texts come to in a job."""
        return concrete_repositories(destination_of(self._project, self._path), {IMAGE_VARIABLE: self._prefix})

    def remove(self, reference: Reference) -> None:
        """By the registry's own protocol."""
        from sledgehammer.registry.client import RegistryClient  # noqa: PLC0415 - whoever plans asks no registry
        from sledgehammer.registry.manifests import delete_manifest  # noqa: PLC0415

        with RegistryClient(self._access, clock=self._clock) as client:
            delete_manifest(client, reference)

    @asked_once
    def _access(self) -> RegistryAccess:
        host = self._prefix.partition("/")[0]
        return RegistryAccess(
            host=host,
            username=self._gitlab.kind.git_user,
            password=self._gitlab.token,
            is_plain_http=self._gitlab.url.startswith("http://") and refuses_tls(host),
        )

    @asked_once
    def _prefix(self) -> str:
        """Host and path of the project's images. A job's token may not read projects, but its job knows."""
        if self._gitlab.kind is TokenKind.JOB and self._variables.get("CI_PROJECT_PATH") == self._path:
            found = self._variables.get(IMAGE_VARIABLE)
        else:
            project = self._api.find(project_path(self._path))
            if project is None:
                raise NotFoundError(
                    f"there is no project {self._path} on {self._gitlab.url}, or this token may not see it",
                    hint="run: sledge apply -p gitlab",
                )
            is_off = project.get("container_registry_access_level") == "disabled"
            found = "" if is_off else project.get("container_registry_image_prefix")
        if not found:
            raise ConfigurationError(
                f"{self._path} has no container registry on {self._gitlab.url}",
                hint="turn it on: Settings > General > Visibility > Container registry",
            )
        return str(found)
