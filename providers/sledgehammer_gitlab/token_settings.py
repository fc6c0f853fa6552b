"""Parts of the `gitlab:` section: deploy tokens and access tokens, whose text GitLab shows once."""

from dataclasses import dataclass, field
from enum import Enum

from sledgehammer.config.fields import described
from sledgehammer.errors import ConfigurationError

_VARIABLE = r"[A-Za-z0-9_]{1,255}"
_VARIABLE_EXPECTS = "letters, digits and _"
_KEPT = "CI/CD variable of the project, masked and hidden, that holds the token's text"


class DeployScope(Enum):
    """What a deploy token opens (Deploy tokens API, `scopes`)."""

    READ_REPOSITORY = "read_repository"
    READ_REGISTRY = "read_registry"
    WRITE_REGISTRY = "write_registry"
    READ_PACKAGES = "read_package_registry"
    WRITE_PACKAGES = "write_package_registry"


class AccessScope(Enum):
    """What a project access token opens (Project access tokens, "Scopes")."""

    API = "api"
    READ_API = "read_api"
    READ_REPOSITORY = "read_repository"
    WRITE_REPOSITORY = "write_repository"
    READ_REGISTRY = "read_registry"
    WRITE_REGISTRY = "write_registry"
    CREATE_RUNNER = "create_runner"
    MANAGE_RUNNER = "manage_runner"


class Role(Enum):
    """The role of an access token's bot."""

    GUEST = "guest"
    REPORTER = "reporter"
    DEVELOPER = "developer"
    MAINTAINER = "maintainer"
    OWNER = "owner"

    @property
    def number(self) -> int:
        """The level in requests."""
        return {"guest": 10, "reporter": 20, "developer": 30, "maintainer": 40, "owner": 50}[self.value]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployToken:
    """One deploy token of the project."""

    scopes: tuple[DeployScope, ...] = field(metadata=described("What it opens", minimum=1))
    variable: str = field(metadata=described(_KEPT, pattern=_VARIABLE, expects=_VARIABLE_EXPECTS))
    username: str = field(
        default="",
        metadata=described(
            "User name to log in with (default: GitLab's own for the token)", pattern=r"[A-Za-z0-9_.+-]+"
        ),
    )
    expires_days: int | None = field(
        default=None, metadata=described("Days until it ends (default: never)", minimum=2, maximum=3650)
    )
    rotate_before_days: int = field(
        default=14, metadata=described("Days before its end from which an apply replaces it", minimum=1)
    )
    protected: bool = field(default=False, metadata=described("The variable is for protected branches and tags only"))

    def __post_init__(self) -> None:
        _check_days(self.expires_days, self.rotate_before_days)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """One access token of the project or of a group; the variable is the project's either way."""

    scopes: tuple[AccessScope, ...] = field(metadata=described("What it opens", minimum=1))
    variable: str = field(metadata=described(_KEPT, pattern=_VARIABLE, expects=_VARIABLE_EXPECTS))
    role: Role = field(default=Role.DEVELOPER, metadata=described("Its bot's role there"))
    group: str = field(
        default="",
        metadata=described(
            "Full path of a group that the token is for, in place of the project; takes an Owner of it",
            pattern=r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*",
            expects="group or group/subgroup",
        ),
    )
    expires_days: int = field(default=90, metadata=described("Days until it ends", minimum=2, maximum=364))
    rotate_before_days: int = field(
        default=14, metadata=described("Days before its end from which an apply replaces it", minimum=1)
    )
    protected: bool = field(default=False, metadata=described("The variable is for protected branches and tags only"))

    def __post_init__(self) -> None:
        _check_days(self.expires_days, self.rotate_before_days)


def _check_days(expires: int | None, rotate_before: int) -> None:
    if expires is not None and rotate_before >= expires:
        raise ConfigurationError(
            f"a token that ends after {expires} days cannot be replaced {rotate_before} days before",
            hint="lower rotate_before_days",
        )
