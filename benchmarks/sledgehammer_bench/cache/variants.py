"""Who takes part: the ways to build that are compared, as data."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from sledgehammer.destination import Destination, Repository
from sledgehammer.operations import BuilderKind, EnvVar, Login, PasswordFromEnv, WaitForEngine, text
from sledgehammer.project import CacheSettings, Project
from sledgehammer.session import plan_for, read_project
from sledgehammer.shell import render_script
from sledgehammer.strategies import STRATEGY_NAMES
from sledgehammer.strategies.file import FOLDER as FILE_CACHE

BASELINES = Path(__file__).parent / "baselines"
PLAIN = "none"
"""The strategy that caches nothing: what all others are measured against."""
CHOOSER = "auto"
"""The strategy that picks one of the others."""
NAIVE, ARTICLE, ARTICLE_WORKING = "naive", "article", "article-working"
REGISTRY, FILE = "registry", "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way to build. Either `baseline`, a file of `baselines/`, or `strategy`, a name in STRATEGY_NAMES, with its
    `builder`. `images`: recipes of what it needs in the stack's mirror. `kept`: a folder of the job that the CI carries
    from job to job. `is_judged`: a goal needs its figures."""

    name: str
    baseline: str = ""
    strategy: str = ""
    builder: BuilderKind = BuilderKind.AUTO
    images: tuple[str, ...] = ()
    kept: str = ""
    is_naive: bool = False
    is_judged: bool = False

    def script(self, folder: Path, *, docker_version: str) -> str:
        """What the job runs in a copy of `folder`. Raises ConfigurationError where the strategy cannot hit."""
        if self.baseline:
            parts = ("prelude.sh", self.baseline)
            return "\n".join((BASELINES / part).read_text(encoding="utf-8") for part in parts)
        cache = CacheSettings(strategy=self.strategy, builder=self.builder)
        project = replace(read_project(folder), cache=cache, docker_version=docker_version)
        return render_script(plan_for(project, destination(project)))

    @property
    def keeps_cache(self) -> bool:
        """Whether it is a strategy that a later build can gain by."""
        return self.strategy not in ("", PLAIN)


BASELINE_VARIANTS = (
    Variant(name=NAIVE, baseline="naive.sh", is_naive=True),
    Variant(name=ARTICLE, baseline="article.sh", is_judged=True),
    Variant(name=ARTICLE_WORKING, baseline="article-working.sh", is_judged=True),
)


BUILDER_VARIANTS = (
    Variant(name=f"{REGISTRY}+container", strategy=REGISTRY, builder=BuilderKind.CONTAINER, images=("buildkit",)),
)


def variants(strategies: Iterable[str] = STRATEGY_NAMES) -> tuple[Variant, ...]:
    """All of them: the baselines, each strategy under its own name, then other builders. Goals judge `auto` against
    `none`; among strategies without `auto`, every one."""
    names = tuple(strategies)
    judged = {PLAIN, CHOOSER} if CHOOSER in names else set(names)
    ours = (
        Variant(name=name, strategy=name, kept=FILE_CACHE if name == FILE else "", is_judged=name in judged)
        for name in names
    )
    return (*BASELINE_VARIANTS, *ours, *BUILDER_VARIANTS)


def destination(project: Project) -> Destination:
    """Names and credentials come from variables like GitLab's; the benchmark has one branch."""
    image = EnvVar("CI_REGISTRY_IMAGE")
    return Destination(
        repositories={one.name: Repository(image=text(image), cache=text(image, "/cache")) for one in project.images},
        engine=WaitForEngine(),
        login=Login(
            registry=text(EnvVar("CI_REGISTRY")),
            username=text(EnvVar("CI_REGISTRY_USER")),
            password=PasswordFromEnv(variable="CI_REGISTRY_PASSWORD"),
        ),
        commit=text(EnvVar("CI_COMMIT_SHA")),
        branch=text("main"),
        default_branch=text(project.default_branch),
    )
