"""Objects that carry the project's name and stay all the same: they are, or may be, those of another CodeBuild project.

Two files may have one name at their top: staging and production, or the `web` of two teams.
"""

from collections.abc import Collection
from dataclasses import dataclass

from sledgehammer.changes import Action
from sledgehammer.provisioning import Attributes, Observed, Owner


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """Another CodeBuild project of the same name at the top of its file. Only told of."""

    name: str
    kind: str = "aws_codebuild_project"

    def desired(self) -> Attributes | None:
        return None

    def observe(self, *, anew: bool = False) -> Observed | None:
        note = (
            f"another project of this name: what it made stays; if it is what this one was called before: "
            f"aws: {{former_projects: [{self.name}]}}"
        )
        return Observed(attributes={}, owner=Owner.OTHERS, note=note)

    def calls(self, action: Action, attributes: Collection[str]) -> int:
        return 0

    def create(self) -> Collection[str]:
        """Never called."""
        return ()

    def update(self, attributes: Collection[str]) -> None:
        """Never called."""


def unclear(neighbours: Collection[str]) -> str:
    """Why an object of an earlier version, which did not write down the CodeBuild project, stays beside those."""
    names = ", ".join(sorted(neighbours))
    return f"kept, for it may be that of {names}: an apply of {names} will say; what nobody needs is deleted by hand"
