"""Parts of the `gitlab:` section: how the project builds, cleans up and starts by the clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from sledgehammer.config.fields import described
from sledgehammer.errors import ConfigurationError

KEPT = (1, 5, 10, 25, 50, 100)
"""Numbers of tags that may be kept (Projects API, `keep_n`)."""

_CRON_FIELD = r"[\d*][\d*,/-]*"


class Registry(Enum):
    """Who may use the container registry (Projects API, `container_registry_access_level`)."""

    DISABLED = "disabled"
    PRIVATE = "private"
    ENABLED = "enabled"


class Age(Enum):
    """How old a tag must be to go (Projects API, `older_than`)."""

    WEEK = "7d"
    FORTNIGHT = "14d"
    MONTH = "30d"
    TWO_MONTHS = "60d"
    QUARTER = "90d"


class Cadence(Enum):
    """How often GitLab cleans up (Projects API, `cadence`)."""

    DAY = "1d"
    WEEK = "7d"
    FORTNIGHT = "14d"
    MONTH = "1month"
    QUARTER = "3month"


@dataclass(frozen=True, slots=True, kw_only=True)
class CiSettings:
    """Settings of the project that matter to builds; what is not written is left as it is."""

    registry: Registry | None = field(default=None, metadata=described("Who may use the container registry"))
    timeout_minutes: int | None = field(
        default=None, metadata=described("Limit of jobs that name none", minimum=10, maximum=43200)
    )
    auto_cancel: bool | None = field(
        default=None,
        metadata=described("Cancel pipelines of older commits of a branch that wait or may be interrupted"),
    )
    git_depth: int | None = field(
        default=None, metadata=described("Commits that a job fetches; 0 is all", minimum=0, maximum=1000)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleanup:
    """GitLab's cleanup of image tags, for tags that builds of sledge give: those of commits and of content. Caches have
    tags of other names, and so stay."""

    keep: int = field(
        default=10, metadata=described("Newest tags of each image that stay", minimum=min(KEPT), maximum=max(KEPT))
    )
    older_than: Age = field(default=Age.MONTH, metadata=described("Age from which others go"))
    cadence: Cadence = field(default=Cadence.DAY, metadata=described("How often"))
    spare: str = field(default="", metadata=described("Regular expression (RE2) of whole tags that stay all the same"))

    def __post_init__(self) -> None:
        if self.keep not in KEPT:
            raise ConfigurationError(f"GitLab keeps {', '.join(map(str, KEPT))} tags, not {self.keep}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleVariable:
    """A variable of the pipelines that a schedule starts; exactly one of `value` and `from_env` is set. It is never
    masked, and whoever may change the schedule can read it."""

    value: str | None = field(default=None, metadata=described("The value itself; never a secret"))
    from_env: str | None = field(
        default=None,
        metadata=described(
            "Environment variable of the machine that runs `sledge apply`, which holds the value",
            pattern=r"[A-Za-z_][A-Za-z0-9_]*",
            expects="the name of an environment variable",
        ),
    )

    def __post_init__(self) -> None:
        if (self.value is None) == (self.from_env is None):
            raise ConfigurationError("a variable takes its content from either value or from_env")


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A pipeline that GitLab starts by the clock."""

    cron: str = field(
        metadata=described(
            "When, as cron has it; H for the minute spreads projects over the hour, each at a minute of its own",
            pattern=rf"(H|{_CRON_FIELD})( {_CRON_FIELD}){{3}} [\dA-Za-z*][\dA-Za-z*,/-]*",
            expects='five fields such as "H 3 * * *"',
        )
    )
    ref: str = field(default="main", metadata=described("Branch"))
    timezone: str = field(default="UTC", metadata=described("Time zone of the fields, such as Europe/Berlin"))
    active: bool = field(default=True, metadata=described("Whether it runs"))
    variables: Mapping[str, ScheduleVariable] | None = field(
        default=None,
        metadata=described(
            "Variables of its pipelines; without this key those that are there are left alone",
            key_pattern=r"[A-Za-z0-9_]{1,255}",
            key_expects="letters, digits and _",
        ),
    )
