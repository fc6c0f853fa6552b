"""What every object of one project needs to reach its place on AWS."""

from dataclasses import dataclass

from sledgehammer_aws.account import Names
from sledgehammer_aws.client import Calls, Clients
from sledgehammer_aws.managed import marks
from sledgehammer_aws.settings import Settings
from sledgehammer_aws.states import Reader, Tags


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One project in one account and region."""

    clients: Clients
    calls: Calls
    names: Names
    settings: Settings
    reader: Reader

    @property
    def marks(self) -> Tags:
        """The tags that say an object is this project's."""
        return marks(self.names.owner)

    @property
    def tags(self) -> Tags:
        """All tags of a new object."""
        return {**self.marks, **self.settings.tags}
