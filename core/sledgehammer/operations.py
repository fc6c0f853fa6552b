"""The one language that cache strategies write and providers read: frozen operations over runtime texts.

A `Text` is a tuple of literal strings and `EnvVar` references, because a plan is made before the values of a
job (commit, branch, registry) are known. The shell renderer quotes both kinds.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EnvVar:
    """A value that the job's environment holds when the script runs."""

    name: str


Text = tuple[str | EnvVar, ...]


def text(*parts: str | EnvVar) -> Text:
    """Join literals and variables into one Text, without empty literals."""
    return tuple(part for part in parts if part != "")


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordFromEnv:
    """The registry password is in this environment variable (CI_REGISTRY_PASSWORD)."""

    variable: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordFromCommand:
    """The registry password is what this command prints (`aws ecr get-login-password`)."""

    argv: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitForEngine:
    """Wait until the Docker daemon answers, at most `timeout_s` seconds.

    `start` starts a daemon in the job's own (privileged) container when none answers, as CodeBuild needs it.
    """

    timeout_s: int = 60
    start: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Log in to a registry; the password travels by standard input only."""

    registry: Text
    username: Text
    password: PasswordFromEnv | PasswordFromCommand


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectBuilder:
    """Pick a builder that can export a cache to a registry: the engine's own where its image store is
    containerd's, else BuildKit in a container of its own (docker/buildx#701)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheSource:
    """A registry cache to read; one that is absent is no error."""

    ref: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheTarget:
    """A registry cache to write. `options` are BuildKit's, in order, such as ("mode", "max")."""

    ref: Text
    options: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """Build one image with BuildKit, count its cached steps, and push when `push` is set.

    `tags` are full references; the first is the one whose digest is reported.
    """

    image: str
    context: str
    dockerfile: str
    target: str
    args: tuple[tuple[str, str], ...]
    tags: tuple[Text, ...]
    push: bool
    labels: tuple[tuple[str, Text], ...] = ()
    cache_from: tuple[CacheSource, ...] = ()
    cache_to: tuple[CacheTarget, ...] = ()


Operation = WaitForEngine | Login | SelectBuilder | Build
