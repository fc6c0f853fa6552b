"""What a GitLab job contributes to a build plan: the project's registry and the job's predefined variables."""

import re

from sledgehammer.operations import EnvVar, Login, PasswordFromEnv, WaitForEngine, text
from sledgehammer.plan import Destination, Repository
from sledgehammer.project import Image, Project

ENGINE_TIMEOUT_S = 60

SLUG_LENGTH = 63
"""Length of CI_COMMIT_REF_SLUG (docs.gitlab.com/ci/variables/predefined_variables)."""


def destination_of(project: Project) -> Destination:
    """Names that a job of the project knows. GitLab's registry needs nothing beyond `mode=max`."""
    return Destination(
        repositories={image.name: _repository(project, image) for image in project.images},
        engine=WaitForEngine(timeout_s=ENGINE_TIMEOUT_S),
        login=Login(
            registry=text(EnvVar("CI_REGISTRY")),
            username=text(EnvVar("CI_REGISTRY_USER")),
            password=PasswordFromEnv(variable="CI_REGISTRY_PASSWORD"),
        ),
        commit=text(EnvVar("CI_COMMIT_SHA")),
        branch=text(EnvVar("CI_COMMIT_REF_SLUG")),
        default_branch=text(ref_slug(project.default_branch)),
    )


def ref_slug(ref: str) -> str:
    """A branch's name as GitLab makes CI_COMMIT_REF_SLUG of it; there is no such variable for the default branch."""
    return re.sub(r"[^a-z0-9]", "-", ref.lower())[:SLUG_LENGTH].strip("-")


def _repository(project: Project, image: Image) -> Repository:
    """The image named as the project owns the project's root repository, others a repository below it."""
    path = "" if image.name == project.name else f"/{image.name}"
    return Repository(
        image=text(EnvVar("CI_REGISTRY_IMAGE"), path), cache=text(EnvVar("CI_REGISTRY_IMAGE"), f"{path}/cache")
    )
