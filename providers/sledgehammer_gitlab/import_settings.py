"""Part of the `gitlab:` section: the repository that a new project is filled from."""

from dataclasses import dataclass, field

from sledgehammer.config.fields import described


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportFrom:
    """Only looked at when the project is made."""

    url: str = field(
        metadata=described(
            "Address of the repository, which GitLab itself fetches",
            pattern=r"https?://[^/\s@]+/\S+",
            expects="an http or https URL without a user name or password",
        )
    )
    username: str = field(
        default="oauth2", metadata=described("User name for it, with a password", pattern=r"\S+", expects="no spaces")
    )
    password_from_env: str | None = field(
        default=None,
        metadata=described(
            "Environment variable of the machine that runs `sledge apply`, which holds the password or token",
            pattern=r"[A-Za-z_][A-Za-z0-9_]*",
            expects="the name of an environment variable",
        ),
    )
    wait_minutes: int = field(
        default=30, metadata=described("How long an apply waits until all is there", minimum=1, maximum=1440)
    )
