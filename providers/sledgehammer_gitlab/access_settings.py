"""Parts of the `gitlab:` section: who may do what to branches, tags and images, and whose jobs may come in."""

from dataclasses import dataclass, field
from enum import Enum

from sledgehammer.config.fields import described
from sledgehammer.errors import ConfigurationError


class Level(Enum):
    """Who may push, merge or create (Protected branches API, "Valid access levels")."""

    NOBODY = "nobody"
    DEVELOPER = "developer"
    MAINTAINER = "maintainer"
    ADMINISTRATOR = "administrator"

    @property
    def number(self) -> int:
        """The level in requests."""
        return {"nobody": 0, "developer": 30, "maintainer": 40, "administrator": 60}[self.value]


class RegistryLevel(Enum):
    """The least role for a protected container repository or tag; any that may push or delete otherwise."""

    ANY = "any"
    MAINTAINER = "maintainer"
    OWNER = "owner"
    ADMINISTRATOR = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchProtection:
    """A protected branch or pattern."""

    push: Level = field(default=Level.MAINTAINER, metadata=described("Who may push"))
    merge: Level = field(default=Level.MAINTAINER, metadata=described("Who may merge"))
    force_push: bool = field(default=False, metadata=described("Let those who may push rewrite history"))


@dataclass(frozen=True, slots=True, kw_only=True)
class TagProtection:
    """A protected tag or pattern."""

    create: Level = field(default=Level.MAINTAINER, metadata=described("Who may create such tags"))


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryProtection:
    """A protected container repository of the project."""

    push: RegistryLevel = field(default=RegistryLevel.ANY, metadata=described("The least role to push"))
    delete: RegistryLevel = field(default=RegistryLevel.ANY, metadata=described("The least role to delete"))

    def __post_init__(self) -> None:
        if self.push is self.delete is RegistryLevel.ANY:
            raise ConfigurationError("a protection says who may push or who may delete", hint="push: maintainer")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageTagProtection:
    """Protected tags of the images; both levels are demanded (Container registry protection tag rules API)."""

    push: RegistryLevel = field(default=RegistryLevel.MAINTAINER, metadata=described("The least role to push"))
    delete: RegistryLevel = field(default=RegistryLevel.MAINTAINER, metadata=described("The least role to delete"))

    def __post_init__(self) -> None:
        if RegistryLevel.ANY in (self.push, self.delete):
            raise ConfigurationError(
                "a protected image tag has a least role to push and one to delete", hint="maintainer, owner or admin"
            )
