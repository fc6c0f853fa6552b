"""The `gitlab:` section of `sledge.yaml`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from sledgehammer.config.fields import described
from sledgehammer.errors import ConfigurationError
from sledgehammer.platforms import PLATFORM, PLATFORM_EXPECTS
from sledgehammer_gitlab.access_settings import BranchProtection, ImageTagProtection, RegistryProtection, TagProtection
from sledgehammer_gitlab.import_settings import ImportFrom
from sledgehammer_gitlab.token_settings import AccessToken, DeployToken
from sledgehammer_gitlab.upkeep_settings import CiSettings, Cleanup, Schedule

MOST_IMAGE_TAG_RULES = 5
"""Of a project (GitLab documentation, "Protected container tags")."""

_TITLE = r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,99}"
_TITLE_EXPECTS = "up to 100 letters, digits, spaces, _ . -"


class Visibility(Enum):
    """Who may see a project."""

    PRIVATE = "private"
    INTERNAL = "internal"
    PUBLIC = "public"


class Via(Enum):
    """How the CI file comes to GitLab."""

    COMMIT = "commit"
    MERGE_REQUEST = "merge_request"


@dataclass(frozen=True, slots=True, kw_only=True)
class CiFileSettings:
    """The section `gitlab.ci_file`."""

    via: Via = field(
        default=Via.COMMIT,
        metadata=described("Pushed with the content, or proposed on a branch of its own for a person to merge"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class IdToken:
    """A token by which the build job says to others who it is."""

    aud: str | tuple[str, ...] = field(metadata=described("Whom it is for, such as https://sts.amazonaws.com"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One CI/CD variable; exactly one of `value` and `from_env` is set."""

    value: str | None = field(default=None, metadata=described("The value itself; never a secret"))
    from_env: str | None = field(
        default=None,
        metadata=described(
            "Environment variable of the machine that runs `sledge apply`, which holds the value",
            pattern=r"[A-Za-z_][A-Za-z0-9_]*",
            expects="the name of an environment variable",
        ),
    )
    masked: bool = field(default=False, metadata=described("Replace the value by [MASKED] in job logs"))
    hidden: bool = field(
        default=False,
        metadata=described(
            "Masked, and never shown again by GitLab: see SLEDGE_FINGERPRINT_KEY in docs/provisioning.md"
        ),
    )
    protected: bool = field(default=False, metadata=described("Only for protected branches and tags"))
    raw: bool = field(default=True, metadata=described("Take $ in the value as it is"))
    environment_scope: str = field(default="*", metadata=described("Environments that see the variable"))
    description: str = field(default="", metadata=described("What the variable is for"))
    group: str = field(
        default="",
        metadata=described(
            "Full path of a group that holds the variable in place of the project; others may share it",
            pattern=r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*",
            expects="group or group/subgroup",
        ),
    )

    def __post_init__(self) -> None:
        if self.hidden and not self.masked:
            raise ConfigurationError("a hidden variable is masked, too", hint="set masked: true")
        if (self.value is None) == (self.from_env is None):
            raise ConfigurationError("a variable takes its content from either value or from_env")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where the project lives on GitLab and how its jobs run."""

    project: str = field(
        metadata=described(
            "Full path of the project; groups on the way are created when they are missing",
            pattern=r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)+",
            expects="group/project or group/subgroup/project",
        )
    )
    url: str = field(
        default="",
        metadata=described(
            "GitLab's address (default: CI_SERVER_URL inside a GitLab job, else the one in python-gitlab.cfg, "
            "else https://gitlab.com); the environment variable GITLAB_URL goes before it",
            pattern=r"https?://[^/\s]+(/[^\s]*)?",
            expects="an http or https URL",
        ),
    )
    ci_file: CiFileSettings = field(default=CiFileSettings(), metadata=described("How the CI file comes to GitLab"))
    visibility: Visibility | None = field(
        default=None,
        metadata=described("Who may see the project (default: private when created, else left as it is)"),
    )
    import_from: ImportFrom | None = field(
        default=None, metadata=described("Repository that GitLab fills the project from when it is made")
    )
    force_destroy: bool = field(
        default=False,
        metadata=described("Let `sledge destroy` delete the project together with what others put in it"),
    )
    variables: Mapping[str, Variable | tuple[Variable, ...]] = field(
        default_factory=dict,
        metadata=described(
            "CI/CD variables by name, each one or a list of several for different environments or groups; those "
            "without our mark are left alone",
            key_pattern=r"[A-Za-z0-9_]{1,255}",
            key_expects="letters, digits and _",
        ),
    )
    protected_branches: Mapping[str, BranchProtection] | None = field(
        default=None, metadata=described("Protected branches by name or pattern; others are left alone")
    )
    protected_tags: Mapping[str, TagProtection] | None = field(
        default=None, metadata=described("Protected tags by name or pattern; others are left alone")
    )
    deploy_tokens: Mapping[str, DeployToken] | None = field(
        default=None,
        metadata=described(
            "Deploy tokens by name; those without our mark are left alone",
            key_pattern=_TITLE,
            key_expects=_TITLE_EXPECTS,
        ),
    )
    access_tokens: Mapping[str, AccessToken] | None = field(
        default=None,
        metadata=described(
            "Access tokens of the project or of groups by name; those without our mark are left alone",
            key_pattern=_TITLE,
            key_expects=_TITLE_EXPECTS,
        ),
    )
    ci: CiSettings = field(default=CiSettings(), metadata=described("The project's own settings for its builds"))
    cleanup: Cleanup | None = field(
        default=None, metadata=described("GitLab's cleanup of image tags; caches are spared")
    )
    schedules: Mapping[str, Schedule] | None = field(
        default=None,
        metadata=described(
            "Pipeline schedules by name; those without our mark are left alone",
            key_pattern=_TITLE,
            key_expects=_TITLE_EXPECTS,
        ),
    )
    job_token_allowlist: tuple[str, ...] | None = field(
        default=None,
        metadata=described(
            "Full paths of the projects whose jobs may come in with their job token, and no others",
            pattern=r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)+",
            expects="group/project",
        ),
    )
    registry_protection: Mapping[str, RegistryProtection] | None = field(
        default=None,
        metadata=described(
            "Protected container repositories by what follows the project's path: . for nothing, /cache, or * for all",
            key_pattern=r"\.|\*|/[a-z0-9*][a-z0-9*._/-]*",
            key_expects=". or * or a path such as /cache",
        ),
    )
    image_tag_protection: Mapping[str, ImageTagProtection] | None = field(
        default=None,
        metadata=described(
            "Protected tags of the images, by regular expressions (RE2); GitLab has this since 18.9 and takes five",
            key_pattern=r".{1,100}",
            key_expects="at most 100 characters",
        ),
    )
    runner_tags: tuple[str, ...] = field(default=(), metadata=described("Tags a runner must have to take the job"))
    platform: str = field(
        default="",
        metadata=described(
            "Of the runners that take the job (default: linux/amd64); on others no image is found by its content",
            pattern=PLATFORM,
            expects=PLATFORM_EXPECTS,
        ),
    )
    id_tokens: Mapping[str, IdToken] = field(
        default_factory=dict,
        metadata=described(
            "ID tokens of the build job, by the variable that holds each",
            key_pattern=r"[A-Za-z_][A-Za-z0-9_]*",
            key_expects="the name of a variable",
        ),
    )
    timeout_minutes: int = field(default=60, metadata=described("Limit of the build job", minimum=5, maximum=1440))
    wait_minutes: int = field(
        default=90,
        metadata=described("How long `sledge run` follows a pipeline, queue included", minimum=5, maximum=2880),
    )

    @property
    def each_variable(self) -> tuple[tuple[str, Variable], ...]:
        """All of them with their names, in the order of those."""
        return tuple((key, one) for key, said in sorted(self.variables.items()) for one in _as_list(said))

    def __post_init__(self) -> None:
        for key, said in self.variables.items():
            homes = [(one.group, one.environment_scope) for one in _as_list(said)]
            if not homes or len(homes) > len(set(homes)):
                raise ConfigurationError(
                    f"variables.{key}: a list has a value for each environment_scope, or for each group",
                    hint="tell them apart: environment_scope: prod",
                )
        if len(self.image_tag_protection or ()) > MOST_IMAGE_TAG_RULES:
            raise ConfigurationError(
                f"image_tag_protection: GitLab takes {MOST_IMAGE_TAG_RULES} rules for a project",
                hint="join patterns: ^(v[0-9]|release-)",
            )


def _as_list(said: Variable | tuple[Variable, ...]) -> tuple[Variable, ...]:
    return said if isinstance(said, tuple) else (said,)
