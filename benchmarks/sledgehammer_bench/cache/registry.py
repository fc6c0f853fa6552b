"""Where images and caches go: a project of its own in the stack's GitLab registry, with a push right by token."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

import gitlab

from sledgehammer.errors import RemoteError
from sledgehammer.secret import Secret
from sledgehammer_localstack.config import StackConfig, load_secrets


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchRegistry:
    """`images` is the prefix of all repositories of one benchmark; nothing was ever pushed there."""

    address: str
    images: str
    password: Secret
    user: str = "root"

    def environment(self, series: str, *, commit: str) -> Mapping[str, str]:
        """What a job of one series knows, under GitLab's names. `series` is its repository's last part."""
        return {
            "CI_REGISTRY": self.address,
            "CI_REGISTRY_USER": self.user,
            "CI_REGISTRY_PASSWORD": self.password.reveal(),
            "CI_REGISTRY_IMAGE": f"{self.images}/{series}",
            "CI_COMMIT_SHA": commit,
        }


def open_registry(stack: StackConfig) -> BenchRegistry:
    """Make the project. Raises RemoteError when GitLab does not."""
    token = load_secrets(stack.state_dir).gitlab_root_token
    path = f"bench-cache-{secrets.token_hex(4)}"
    try:
        project = gitlab.Gitlab(stack.gitlab_url, private_token=token.reveal()).projects.create({"name": path})
    except gitlab.GitlabError as error:
        raise RemoteError(f"making the project {path} on {stack.gitlab_url} failed: {error.error_message}") from error
    images = f"{stack.registry_address}/{project.path_with_namespace}"
    return BenchRegistry(address=stack.registry_address, images=images, password=token)
