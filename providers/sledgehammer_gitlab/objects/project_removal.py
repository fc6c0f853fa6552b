"""The project in a destruction: deleted with all in it, or spared."""

from collections.abc import Collection
from dataclasses import dataclass

from sledgehammer.asked_once import asked_once
from sledgehammer.changes import Action
from sledgehammer.errors import ConfigurationError
from sledgehammer.provisioning import Attributes, Observed
from sledgehammer_gitlab.api import Api
from sledgehammer_gitlab.mirror import Mirror
from sledgehammer_gitlab.objects.others_content import content_of_others
from sledgehammer_gitlab.paths import is_leaving
from sledgehammer_gitlab.reading import MADE, ProjectReader


@dataclass(kw_only=True)
class ProjectRemoval:
    """A project that is there. It goes only if we made it, and only without what others put in it unless `is_forced`;
    otherwise it stays, and what is ours in it goes piece by piece."""

    api: Api
    reader: ProjectReader
    mirror: Mirror
    is_forced: bool
    kind: str = "gitlab_project"

    @property
    def name(self) -> str:
        return self.reader.path

    @asked_once
    def content(self) -> str:
        """What would be lost that did not come from us; of a project that others made nothing is asked."""
        return content_of_others(self.api, self.reader.row or {}, self.mirror) if self._is_made_by_us else ""

    @property
    def is_deletable(self) -> bool:
        """Whether the project goes, and with it all that it holds."""
        return self._is_made_by_us and (self.is_forced or not self.content)

    @property
    def _is_made_by_us(self) -> bool:
        return MADE in ((self.reader.row or {}).get("topics") or ())

    def desired(self) -> Attributes | None:
        return None

    def observe(self, *, anew: bool = False) -> Observed | None:
        note = ""
        if self.content:
            kept = f"kept, for it holds {self.content}; to delete it with all of that: force_destroy: true"
            note = f"lost with it: {self.content}" if self.is_forced else kept
        return Observed(attributes={}, note=note, is_kept=not self.is_deletable)

    def create(self) -> Collection[str]:
        """Never called."""
        return ()

    def update(self, attributes: Collection[str]) -> None:
        """Never called."""

    def delete(self) -> None:
        """By its id, for a GitLab that deletes later gives it another path at once, and refuses a second request."""
        path = f"/projects/{(self.reader.row or {})['id']}"
        try:
            self.api.delete(path)
        except ConfigurationError:
            row = self.api.find(path)
            if row is not None and not is_leaving(row):
                raise

    def calls(self, action: Action, attributes: Collection[str]) -> int:
        return 1
