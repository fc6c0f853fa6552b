"""The CI file by merge request: on a branch of our own, for a person to merge."""

from collections.abc import Collection
from dataclasses import dataclass

from sledgehammer.changes import Action
from sledgehammer.provisioning import Attributes, ManualStep, Observed
from sledgehammer_gitlab.api import Api, Json, encode
from sledgehammer_gitlab.marks import Mark, marked
from sledgehammer_gitlab.objects.content import MirrorPush, lint
from sledgehammer_gitlab.paths import project_path
from sledgehammer_gitlab.reading import ProjectReader
from sledgehammer_gitlab.render import CI_FILE, content_digest

SOURCE = "sledge/ci-file"
"""The branch, which is ours alone: each new text is one commit on the target's tip."""

TITLE = "Build by sledge"


@dataclass(frozen=True, slots=True, kw_only=True)
class CiFileByMergeRequest:
    """Done once a person has merged it: until then it is a step for them, with the link."""

    api: Api
    reader: ProjectReader
    push: MirrorPush
    name: str
    target: str
    kind: str = "gitlab_ci_file"

    def desired(self) -> Attributes:
        return {"content": content_digest(self._wanted)}

    def observe(self, *, anew: bool = False) -> Observed | None:
        compared = self.push.comparison
        step = None if compared.is_ci_file_same else self._step()
        if compared.ci_text is None:
            return None if step is None else Observed(attributes={}, manual=step)
        return Observed(attributes={"content": content_digest(compared.ci_text)}, manual=step)

    def create(self) -> Collection[str]:
        self._propose()
        return ()

    def update(self, attributes: Collection[str]) -> None:
        self._propose()

    def calls(self, action: Action, attributes: Collection[str]) -> int:
        return 6

    @property
    def _wanted(self) -> str:
        return self.push.comparison.wanted.text

    def _step(self) -> ManualStep | None:
        """Merging, where what is wanted is proposed already."""
        opened = self._opened() if self.reader.row is not None else None
        if opened is None or self._proposed() != self._wanted:
            return None
        return ManualStep(note=f"merge the request !{opened['iid']}, which brings {CI_FILE}", link=opened["web_url"])

    def _propose(self) -> None:
        """Each call is safe to repeat: the branch is written as a whole, a second request for it is refused."""
        base = project_path(self.reader.path)
        lint(self.api, self.reader.path, self._wanted)
        if self._proposed() != self._wanted:
            verb = "create" if self._file(self.target) is None else "update"
            action = {"action": verb, "file_path": CI_FILE, "content": self._wanted}
            body = {
                "branch": SOURCE,
                "start_branch": self.target,
                "force": True,
                "commit_message": f"{TITLE}\n\nBrings {CI_FILE} to what sledge.yaml says.",
                "actions": [action],
            }
            self.api.post_for_answer(f"{base}/repository/commits", body)
        if self._opened() is None:
            body = {
                "source_branch": SOURCE,
                "target_branch": self.target,
                "title": TITLE,
                "description": marked("Change sledge.yaml instead of the file.", Mark()),
                "remove_source_branch": True,
            }
            self.api.create(f"{base}/merge_requests", body, find=self._opened)

    def _opened(self) -> Json | None:
        query = {"state": "opened", "source_branch": SOURCE, "target_branch": self.target}
        path = f"{project_path(self.reader.path)}/merge_requests"
        return next(iter(self.api.get_page(path, **query)), None)

    def _proposed(self) -> str | None:
        return self._file(SOURCE)

    def _file(self, branch: str) -> str | None:
        """The CI file as a branch holds it now."""
        path = f"{project_path(self.reader.path)}/repository/files/{encode(CI_FILE)}/raw?ref={encode(branch)}"
        found = self.api.find_bytes(path)
        return None if found is None else found.decode(errors="replace")
