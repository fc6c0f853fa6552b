"""What a provider contributes to a build plan: names that only its jobs know."""

from collections.abc import Mapping
from dataclasses import dataclass

from sledgehammer.operations import Login, Text, WaitForEngine


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """Where one image goes: its own repository and its cache's (ECR wants them apart: images immutable, cache
    mutable). Full references without a tag. `home_cache` is set where a job in a fork has a cache repository of its
    own, but shall read that of the project that it was forked from."""

    image: Text
    cache: Text
    home_cache: Text = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Who writes which cache. `is_protected` is "true" in a job whose branch only trusted people change: it alone
    writes the default branch's. A job in a fork, where `here` is not `home`, writes none."""

    is_protected: Text = ("true",)
    here: Text = ()
    home: Text = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where a build goes.

    `commit` tags the image; `branch` and `default_branch` are slugs that name the cache refs; `run` is the id of the
    run. `cache_options` are what the provider's registry needs beyond `mode=max`, in order. `engine_caches` are the
    strategies in which the CI itself keeps an engine's cache from job to job. `has_immutable_tags`: image repositories
    let no tag be moved. `push` is off where the engine that builds is the one that runs the image. `platform` is that
    of the machines that build, such as linux/arm64; "" where only they know.
    """

    repositories: Mapping[str, Repository]  # by image name
    engine: WaitForEngine
    login: Login | None
    commit: Text
    branch: Text
    default_branch: Text
    run: Text = ()
    trust: Trust = Trust()
    cache_options: tuple[tuple[str, str], ...] = ()
    engine_caches: tuple[str, ...] = ()
    has_immutable_tags: bool = False
    push: bool = True
    platform: str = ""
