"""What GitLab's branch holds: the checkout's files and the CI file. Both go by one push."""

from collections.abc import Collection
from dataclasses import dataclass, field

from sledgehammer.asked_once import asked_once
from sledgehammer.changes import Action
from sledgehammer.errors import ConfigurationError, NotFoundError
from sledgehammer.provisioning import Attributes, ManualStep, Observed
from sledgehammer_gitlab.api import Api, encode
from sledgehammer_gitlab.mirror import Comparison, Mirror
from sledgehammer_gitlab.paths import project_path
from sledgehammer_gitlab.reading import ProjectReader
from sledgehammer_gitlab.render import CI_FILE, content_digest

SHORT = 12
"""Digits of a commit that a person sees."""


@dataclass(kw_only=True)
class MirrorPush:
    """The branch against the checkout, compared when first asked and pushed at most once. GitLab looks through a CI
    file that is new to it beforehand; through one that includes files of the push, once they are there."""

    api: Api
    reader: ProjectReader
    branch: str
    mirror: Mirror
    is_sent: bool = field(default=False, init=False)

    @asked_once
    def comparison(self) -> Comparison:
        """Raises ConflictError where the branch or the checkout holds what we must not replace."""
        return self.mirror.compare(self.reader.tip(self.branch))

    @property
    def manual(self) -> ManualStep | None:
        """What a person must do before this token can push; a branch is never unprotected for it."""
        if self.reader.may_push(self.branch):
            return None
        url = (self.reader.row or {}).get("web_url", "")
        return ManualStep(
            note=f"this token may not push to the protected branch {self.branch}: let its user push there",
            link=f"{url}/-/settings/repository",
        )

    def send(self) -> None:
        """Raises ConfigurationError with GitLab's own sentences for a CI file that is none."""
        if self.is_sent:
            return
        compared = self.comparison
        reads_the_push = compared.wanted.reads_files and not (compared.is_content_same and self._is_default)
        brings = self.mirror.brings_ci_file
        if brings and not compared.is_ci_file_same and not reads_the_push:
            lint(self.api, self.reader.path, compared.wanted.text)
        self.mirror.send(compared)
        self.is_sent = True
        if brings and reads_the_push:
            lint_pushed(self.api, self.reader.path, self.branch)

    @property
    def _is_default(self) -> bool:
        """Whether it is the branch by which GitLab looks through a text that it is sent."""
        return (self.reader.row or {}).get("default_branch") == self.branch


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
        if not compared.tip:
            return None
        return Observed(
            attributes={"commit": compared.tip_source[:SHORT]},
            manual=None if compared.is_content_same else self.push.manual,
        )

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
    kind: str = "gitlab_ci_file"

    def desired(self) -> Attributes:
        return {"content": content_digest(self.push.comparison.wanted.text)}

    def observe(self, *, anew: bool = False) -> Observed | None:
        compared = self.push.comparison
        if compared.ci_text is None:
            return None
        digest = content_digest(compared.ci_text)
        return Observed(attributes={"content": digest}, manual=None if compared.is_ci_file_same else self.push.manual)

    def create(self) -> Collection[str]:
        self.push.send()
        return ()

    def update(self, attributes: Collection[str]) -> None:
        self.push.send()

    def calls(self, action: Action, attributes: Collection[str]) -> int:
        return 3 if self.push.comparison.is_content_same else 1


def lint(api: Api, path: str, text: str) -> None:
    """Have GitLab look through a CI file that it does not have. One that cannot is no reason to push nothing."""
    try:
        found = api.post_for_answer(f"{project_path(path)}/ci/lint", {"content": text})
    except NotFoundError:
        return
    if not found["valid"]:
        raise ConfigurationError(
            f"GitLab finds mistakes in {CI_FILE} as it would be: {'; '.join(found['errors'])}",
            hint="nothing was pushed; correct the file or sledge.yaml",
        )


def lint_pushed(api: Api, path: str, branch: str) -> None:
    """Have GitLab look through the CI file of a branch, with all that it includes."""
    found = api.find(f"{project_path(path)}/ci/lint?content_ref={encode(branch)}")
    if found is not None and not found["valid"]:
        raise ConfigurationError(
            f"GitLab finds mistakes in {CI_FILE} of {branch}: {'; '.join(found['errors'])}",
            hint="it was pushed, for it includes files that came with it; correct them and apply again",
        )


def names(path: str, branch: str) -> tuple[str, str]:
    """Of the content and of the CI file."""
    return f"{path}@{branch}", f"{path}@{branch} {CI_FILE}"
