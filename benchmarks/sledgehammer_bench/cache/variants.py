"""Who takes part: the ways to build that are compared, as data."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from sledgehammer.destination import Destination, Repository
from sledgehammer.operations import EnvVar, Login, PasswordFromEnv, WaitForEngine, text
from sledgehammer.project import CacheSettings, Project
from sledgehammer.session import plan_for, read_project
from sledgehammer.shell import render_script
from sledgehammer.strategies import STRATEGIES

BASELINES = Path(__file__).parent / "baselines"
PLAIN = "none"
"""The strategy that caches nothing: what all others are measured against."""
CHOOSER = "auto"
"""The strategy that picks one of the others."""
NAIVE, ARTICLE, ARTICLE_WORKING = "naive", "article", "article-working"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way to build. Either `baseline`, a file of `baselines/`, or `strategy`, a name in STRATEGIES; `env` is added
    to the job's environment (a choice of builder). `is_judged`: a goal needs its figures."""

    name: str
    baseline: str = ""
    strategy: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    is_naive: bool = False
    is_judged: bool = False

    def script(self, folder: Path, *, docker_version: str) -> str:
        """What the job runs in a copy of `folder`. Raises ConfigurationError where the strategy cannot hit."""
        if self.baseline:
            parts = ("prelude.sh", self.baseline)
            return "\n".join((BASELINES / part).read_text(encoding="utf-8") for part in parts)
        return strategy_script(read_project(folder), self.strategy, docker_version=docker_version)


BASELINE_VARIANTS = (
    Variant(name=NAIVE, baseline="naive.sh", is_naive=True),
    Variant(name=ARTICLE, baseline="article.sh", is_judged=True),
    Variant(name=ARTICLE_WORKING, baseline="article-working.sh", is_judged=True),
)


def variants(strategies: Iterable[str] = tuple(STRATEGIES)) -> tuple[Variant, ...]:
    """All of them: the baselines, then each strategy under its own name. Goals judge `auto` against `none`, and as long
    as there is no `auto`, every strategy."""
    names = tuple(strategies)
    judged = {PLAIN, CHOOSER} if CHOOSER in names else set(names)
    ours = (Variant(name=name, strategy=name, is_judged=name in judged) for name in names)
    return (*BASELINE_VARIANTS, *ours)


def strategy_script(project: Project, strategy: str, *, docker_version: str) -> str:
    """The project's own script towards the benchmark's registry."""
    chosen = replace(project, cache=CacheSettings(strategy=strategy), docker_version=docker_version)
    return render_script(plan_for(chosen, destination(chosen)))


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
