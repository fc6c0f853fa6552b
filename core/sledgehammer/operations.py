"""The one language that cache strategies write and providers read: frozen operations over runtime texts.

A `Text` is a tuple of literal strings and `EnvVar` references, because a plan is made before the values of a
job (commit, branch, registry) are known. The shell renderer quotes both kinds.
"""

from dataclasses import dataclass
from enum import Enum

from sledgehammer.context.content_key import KeyRecipe, NoKey


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


class BuilderKind(Enum):
    """Which builder builds.

    `ENGINE` is the BuildKit inside the Docker engine: nothing to start, but it unpacks every layer that it pushes.
    `CONTAINER` is BuildKit as a daemon of its own beside it (docker-container driver): cached layers stay remote, a
    push mounts them. `REMOTE` is a BuildKit that a team keeps. `AUTO` is the engine's where its image store is
    containerd's, for only then it can export a cache (docker/buildx#701), else `CONTAINER`. `CLASSIC` is the builder
    from before BuildKit.
    """

    AUTO = "auto"
    ENGINE = "engine"
    CONTAINER = "container"
    REMOTE = "remote"
    CLASSIC = "classic"


class BuildTool(Enum):
    """Which command builds: `docker buildx build`, or, where the docker client has no buildx, `docker build` with
    BuildKit (Docker 18.09 to 22) or with the classic builder."""

    BUILDX = "buildx"
    BUILDKIT = "buildkit"
    CLASSIC = "classic"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteBuilder:
    """A BuildKit that is reached as `endpoint` (tcp://host:port). The three others are names of environment variables,
    each holding PEM text or the path of a PEM file; "" without TLS. `platform` is what it builds for, "" where that is
    not known."""

    endpoint: str
    ca: str = ""
    certificate: str = ""
    key: str = ""
    platform: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectBuilder:
    """Pick or make the builder that all buildx builds of the job use; `remote` is set for `REMOTE` alone.

    `for_cache`: it is the cache that wants this kind, not the project, so where it cannot be started the engine's own
    builder builds all the same, without a cache.
    """

    kind: BuilderKind = BuilderKind.AUTO
    remote: RemoteBuilder | None = None
    for_cache: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheFolder:
    """A folder of the job that the CI carries from job to job (GitLab `cache:`, CodeBuild's S3 cache), `path` below the
    project's folder. `key` names the branch's copy, `fallback` the one that is read when there is none yet.

    During the build it lies outside of the project's folder, as CACHE_FOLDER: no part of the build context.
    """

    path: str
    key: Text
    fallback: Text


CACHE_FOLDER = EnvVar("sledge_cache")
"""Where CacheFolder lies while the script runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheWriter:
    """Who may write a cache ref. A job whose ref is the `shared` one, which every branch reads, writes only when
    `is_protected` turns out to be "true". A job in a fork, where `here` is not `home`, writes none."""

    ref: Text
    shared: Text
    is_protected: Text
    here: Text
    home: Text


STAGE_KEY = EnvVar("sledge_stage_key")
"""The content key of a stage, in the references of its KeyedStage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyedStage:
    """A stage whose image is kept under its content too, so that all branches of that content share it.

    `shared` is written by protected branches and read by everybody, `own` is another branch's; both hold STAGE_KEY.
    `by_branch` are the refs that the classic builder does not pull where one of those is found. A `recipe` that is
    NoKey: the stage is kept by branch alone.
    """

    name: str
    recipe: KeyRecipe | NoKey
    shared: Text
    own: Text
    by_branch: tuple[Text, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageKeys:
    """The stages of a build that are kept under their content. `recipe` is that of the build's target, whose files are
    read once for all of them; the others are those of CacheWriter."""

    recipe: KeyRecipe
    stages: tuple[KeyedStage, ...]
    is_protected: Text
    here: Text
    home: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheExport:
    """What is written for later builds once all steps are done: the same build again, all of it cached by then,
    up to `target` ("" is the build's own). It fails no build, takes at most `timeout_s` seconds, and is left out when
    every step was cached, for then there is nothing new to write, or only small files were copied (`COPY --link`).

    `attributes` are BuildKit's ("type=registry,ref=…,mode=max"); in their place `image` is the reference of an image
    that carries its cache inline; with both, of a registry cache that `attributes` say more of (",mode=max"). An image
    of a stage that is among the build's `stage_keys` is written under its content too, and not at all where it was
    found there whole. `folder` is what a cache in files replaces. `writer` None: any job may write.
    """

    what: str
    timeout_s: int
    target: str = ""
    attributes: Text = ()
    image: Text = ()
    folder: Text = ()
    writer: CacheWriter | None = None


NO_SKIP_VARIABLE = "SLEDGE_NO_SKIP"
"""Set to "true" in a job, it builds whatever the registry holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reuse:
    """An image that was built of the same content gets the build's tag by its digest, in the registry alone: nothing is
    pulled or built, no engine is needed. It is found by the tag `key-<content key>`, which protected branches write and
    everybody trusts; other branches write, beside it, one with their own name.

    `is_immutable`: the repository lets no tag be moved. `steps` are the numbers of the last steps, by stage, that the
    Dockerfile brings: a base image whose ONBUILD brings more may use files that the key does not know.
    """

    recipe: KeyRecipe | NoKey
    steps: tuple[tuple[str, int], ...]
    repository: Text
    tag: Text
    branch: Text
    is_protected: Text
    here: Text
    home: Text
    is_immutable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepRecord:
    """What a build was made of and how its steps went, kept beside the cache for `sledge why` as an image of a few
    text files. The branch's newest is at the writer's ref, that of a run at `repository` under the run's own tag."""

    recipe: KeyRecipe | NoKey
    commit: Text
    run: Text
    repository: Text
    writer: CacheWriter


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """Build one image, count its cached steps, and push when `push` is set.

    `tags` are full references; the first is the one whose digest is reported. `cache_from`: what is read, one that is
    absent is no error: with buildx BuildKit's import attributes ("type=registry,ref=…"), else references of images.
    `stages` are built and tagged one by one before the image: the classic builder finds nothing else. `stage_keys` are
    read before `cache_from`. With `reuse` the build only runs where no image of the same content is found.
    """

    image: str
    context: str
    dockerfile: str
    target: str
    args: tuple[tuple[str, str], ...]
    tags: tuple[Text, ...]
    push: bool
    labels: tuple[tuple[str, Text], ...] = ()
    tool: BuildTool = BuildTool.BUILDX
    cache_from: tuple[Text, ...] = ()
    stages: tuple[str, ...] = ()
    stage_keys: StageKeys | None = None
    exports: tuple[CacheExport, ...] = ()
    reuse: Reuse | None = None
    record: KeepRecord | None = None


Operation = WaitForEngine | Login | SelectBuilder | CacheFolder | Build
