"""What every object of one project needs to reach its place on AWS."""

from dataclasses import dataclass

from sledgehammer.provisioning import Attributes, Owner
from sledgehammer_aws.account import Names
from sledgehammer_aws.client import Calls, Clients
from sledgehammer_aws.managed import CODEBUILD_TAG, tag_attributes
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
        return self.names.mark.tags

    @property
    def tags(self) -> Tags:
        """All tags of a new object."""
        return {**self.marks, **self.settings.tags}

    def wanted_tags(self) -> Attributes:
        """The tags that are compared, as attributes: those of the settings, and the part of the mark that objects of
        earlier versions and of a former name lack."""
        tags = {CODEBUILD_TAG: self.marks[CODEBUILD_TAG], **self.settings.tags}
        return tag_attributes(tags, managed=tags)

    def found_tags(self, tags: Tags, owner: Owner) -> Attributes:
        """The same of an object that is there; what is somebody else's does not lack our mark."""
        mark = {} if owner is Owner.SLEDGE else {CODEBUILD_TAG: self.marks[CODEBUILD_TAG]}
        return tag_attributes({**tags, **mark}, managed=(CODEBUILD_TAG, *self.settings.tags))
