"""Where CodeBuild takes the source from, when not from an archive that an apply uploads."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from sledgehammer.config.fields import described
from sledgehammer.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Pushes that start a build by themselves. Merge requests do not: a fork's must not write the caches."""

    branches: tuple[str, ...] = field(default=("main",), metadata=described("Branches by their exact names"))
    paths: tuple[str, ...] = field(
        default=(), metadata=described("Regular expressions of files, of which a push must change one (default: any)")
    )

    def __post_init__(self) -> None:
        if not self.branches:
            raise ConfigurationError("webhook: no branch is named, so nothing would be built")

    @property
    def head_ref(self) -> str:
        """The regular expression that CodeBuild holds a push's ref against."""
        names = "|".join(re.escape(branch) for branch in self.branches)
        return f"^refs/heads/({names})$"

    @property
    def changed_file(self) -> str:
        return "|".join(f"({path})" for path in self.paths)


@dataclass(frozen=True, slots=True, kw_only=True)
class GitLabSource:
    """A repository on GitLab, which CodeBuild clones through a connection."""

    repository: str = field(
        metadata=described(
            "HTTPS clone URL",
            pattern=r"https://[^\s/@]+(/[^\s/]+)+\.git",
            expects="https://gitlab.com/group/project.git",
        )
    )
    connection: str = field(
        default="gitlab",
        metadata=described("Name of the connection, which projects may share", pattern=r"[A-Za-z0-9_-]{1,32}"),
    )
    host: str = field(
        default="",
        metadata=described(
            "ARN of the host, for a GitLab of one's own (default: gitlab.com)",
            pattern=r"arn:[a-z-]+:(codeconnections|codestar-connections):[a-z0-9-]+:\d{12}:host/[A-Za-z0-9/_-]+",
            expects="the ARN of a host of CodeConnections",
        ),
    )
    clone_depth: int = field(
        default=1, metadata=described("Commits that are cloned; 0: all of them", minimum=0, maximum=10000)
    )
    webhook: Webhook | None = field(default=None, metadata=described("Pushes that start builds (default: none do)"))

    @property
    def source_type(self) -> str:
        """As CodeBuild calls it."""
        return "GITLAB_SELF_MANAGED" if self.host else "GITLAB"


def group_of(webhook: Webhook) -> Sequence[tuple[str, str]]:
    """The one filter group, as type and pattern: a push starts a build when all of it fits."""
    paths = [("FILE_PATH", webhook.changed_file)] if webhook.paths else []
    return [("EVENT", "PUSH"), ("HEAD_REF", webhook.head_ref), *paths]
