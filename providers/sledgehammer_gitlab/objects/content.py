"""What GitLab's branch holds: the checkout's files and the CI file. Both go by one push."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import cached_property

from sledgehammer.changes import Action
from sledgehammer.provisioning import Attributes, Observed
from sledgehammer_gitlab.mirror import Comparison, Mirror
from sledgehammer_gitlab.render import CI_FILE, content_digest

SHORT = 12
"""Digits of a commit that a person sees."""


@dataclass(kw_only=True)
class MirrorPush:
    """The branch against the checkout, compared when first asked and pushed at most once."""

    mirror: Mirror
    read_tip: Callable[[], str]
    is_sent: bool = field(default=False, init=False)

    @cached_property
    def comparison(self) -> Comparison:
        """Raises ConflictError where the branch or the checkout holds what we must not replace."""
        return self.mirror.compare(self.read_tip())

    def send(self) -> None:
        if not self.is_sent:
            self.mirror.send(self.comparison)
            self.is_sent = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The committed files."""

    push: MirrorPush
    name: str  # project@branch
    commit: str
    kind: str = "gitlab_repository_content"

    def desired(self) -> Attributes:
        """Another commit of the same files is as good."""
        compared = self.push.comparison
        return {"commit": (compared.tip_source if compared.is_content_same else self.commit)[:SHORT]}

    def observe(self, *, anew: bool = False) -> Observed | None:
        compared = self.push.comparison
        return Observed(attributes={"commit": compared.tip_source[:SHORT]}) if compared.tip else None

    def create(self) -> Collection[str]:
        self.push.send()
        return ()

    def update(self, attributes: Collection[str]) -> None:
        self.push.send()

    def calls(self, action: Action, attributes: Collection[str]) -> int:
        return 2  # of git: what is there, and the pack


@dataclass(frozen=True, slots=True, kw_only=True)
class CiFileOnBranch:
    """Our CI file, which says by its first line that it is ours."""

    push: MirrorPush
    name: str
    text: str
    kind: str = "gitlab_ci_file"

    def desired(self) -> Attributes:
        return {"content": content_digest(self.text)}

    def observe(self, *, anew: bool = False) -> Observed | None:
        compared = self.push.comparison
        return None if compared.ci_text is None else Observed(attributes={"content": content_digest(compared.ci_text)})

    def create(self) -> Collection[str]:
        self.push.send()
        return ()

    def update(self, attributes: Collection[str]) -> None:
        self.push.send()

    def calls(self, action: Action, attributes: Collection[str]) -> int:
        return 0 if not self.push.comparison.is_content_same else 2


def names(path: str, branch: str) -> tuple[str, str]:
    """Of the content and of the CI file."""
    return f"{path}@{branch}", f"{path}@{branch} {CI_FILE}"
