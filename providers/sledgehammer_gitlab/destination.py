"""What a GitLab job contributes to a build plan: the project's registry and the job's predefined variables."""

import re

from sledgehammer.destination import Destination, Repository, Trust
from sledgehammer.operations import EnvVar, Login, PasswordFromEnv, WaitForEngine, text
from sledgehammer.project import Image, Project

ENGINE_TIMEOUT_S = 60

SLUG_LENGTH = 63
"""Length of CI_COMMIT_REF_SLUG (docs.gitlab.com/ci/variables/predefined_variables)."""


def destination_of(project: Project, path: str, *, platform: str = "") -> Destination:
    """Names that a job of the project at `path` knows. GitLab's registry needs nothing beyond `mode=max`. `platform` is
    what sledge.yaml says of the runners: GitLab does not."""
    return Destination(
        repositories={image.name: _repository(project, image, path) for image in project.images},
        engine=WaitForEngine(timeout_s=ENGINE_TIMEOUT_S),
        login=Login(
            registry=text(EnvVar("CI_REGISTRY")),
            username=text(EnvVar("CI_REGISTRY_USER")),
            password=PasswordFromEnv(variable="CI_REGISTRY_PASSWORD"),
        ),
        commit=text(EnvVar("CI_COMMIT_SHA")),
        branch=text(EnvVar("CI_COMMIT_REF_SLUG")),
        default_branch=text(ref_slug(project.default_branch)),
        run=text(EnvVar("CI_PIPELINE_ID")),
        trust=Trust(
            is_protected=text(EnvVar("CI_COMMIT_REF_PROTECTED")),
            here=text(EnvVar("CI_PROJECT_PATH_SLUG")),
            home=text(ref_slug(path)),
        ),
        platform=platform,
    )


def ref_slug(ref: str) -> str:
    """A branch's name as GitLab makes CI_COMMIT_REF_SLUG of it, a project's path as CI_PROJECT_PATH_SLUG; there is no
    such variable for the default branch, nor for the project that a job's project was forked from."""
    return re.sub(r"[^a-z0-9]", "-", ref.lower())[:SLUG_LENGTH].strip("-")


def _repository(project: Project, image: Image, path: str) -> Repository:
    """The image named as the project owns the project's root repository, others a repository below it."""
    below = "" if image.name == project.name else f"/{image.name}"
    return Repository(
        image=text(EnvVar("CI_REGISTRY_IMAGE"), below),
        cache=text(EnvVar("CI_REGISTRY_IMAGE"), f"{below}/cache"),
        home_cache=text(EnvVar("CI_REGISTRY"), f"/{path.lower()}{below}/cache"),
    )
