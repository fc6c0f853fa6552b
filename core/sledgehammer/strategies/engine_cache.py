"""`codebuild-local` and `codebuild-docker-server`: the CI itself keeps an engine's layer cache from job to job.

Nothing is read or written by the job. How often a later build meets the same engine is CodeBuild's to decide: a local
cache is best effort and goes with an idle host, a Docker server keeps its disk for up to a month.
"""

from dataclasses import replace
from functools import partial

from sledgehammer.operations import BuilderKind, BuildTool, Operation
from sledgehammer.strategy import CacheStrategy, Situation

LOCAL = "codebuild-local"
DOCKER_SERVER = "codebuild-docker-server"


def refusal(name: str, situation: Situation) -> str:
    """The cache is the engine's, so the engine's own builder has to build, on a CI that offers it."""
    if name not in situation.destination.engine_caches:
        return "only CodeBuild keeps an engine's cache from build to build"
    if situation.settings.builder not in (BuilderKind.AUTO, BuilderKind.ENGINE):
        return f"a builder {situation.settings.builder.value} does not use the cache of CodeBuild's engine"
    return ""


def plan(situation: Situation) -> tuple[Operation, ...]:
    """The build as it is."""
    return (situation.build,)


def plan_on_server(situation: Situation) -> tuple[Operation, ...]:
    """The build as it is, but loaded into the server's engine and pushed from there: the push of `docker buildx build`
    fails on a Docker server (tmokmss/deploy-time-build#49)."""
    return (replace(situation.build, tool=BuildTool.BUILDKIT),)


CODEBUILD_LOCAL = CacheStrategy(
    name=LOCAL, summary="CodeBuild's local layer cache, best effort", refusal=partial(refusal, LOCAL), plan=plan
)
CODEBUILD_DOCKER_SERVER = CacheStrategy(
    name=DOCKER_SERVER,
    summary="CodeBuild's Docker server",
    refusal=partial(refusal, DOCKER_SERVER),
    plan=plan_on_server,
)
