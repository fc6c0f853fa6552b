"""Parts of a project that have no place for a mark: they are ours as far as the project is."""

from sledgehammer.provisioning import Attributes, ManualStep, Observed, Owner
from sledgehammer_gitlab.reading import ProjectReader


def observed_part(reader: ProjectReader, attributes: Attributes, *, manual: ManualStep | None = None) -> Observed:
    """A part as it is; adopting the project adopts it."""
    return Observed(
        attributes=attributes,
        owner=Owner.SLEDGE if reader.is_ours else Owner.OTHERS,
        manual=manual,
        adopted_with=f"gitlab_project {reader.path}",
    )
