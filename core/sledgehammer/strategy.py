"""What a cache strategy is: a function from a situation to the operations that make its cache hit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sledgehammer.context.content_key import KeyRecipe, NoKey
from sledgehammer.destination import Destination
from sledgehammer.dockerfile.graph import Stage, StageGraph
from sledgehammer.facts import EngineFacts
from sledgehammer.operations import (
    Build,
    BuilderKind,
    BuildTool,
    CacheWriter,
    Operation,
    SelectBuilder,
    Text,
    text,
)
from sledgehammer.project import CacheSettings, Image


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that a strategy may go by. `build` is the image's build without any cache, `recipe` that of its content key,
    if it shall have one; `expectations` are the seconds that earlier builds let expect of strategies, empty where
    nothing is known of them."""

    image: Image
    build: Build
    graph: StageGraph
    facts: EngineFacts
    destination: Destination
    settings: CacheSettings
    recipe: KeyRecipe | NoKey | None = None
    expectations: Mapping[str, float] = field(default_factory=dict)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages that are built, in the file's order; the target is the last."""
        return self.graph.reachable(self.image.target, self.image.args)

    def cache_tag(self, prefix: str = "") -> tuple[Text, Text]:
        """The branch's and the default branch's cache ref; `prefix` goes before the branch in the tag.

        It ends in "_", which no branch's slug holds (letters, digits and "-"): so the ref of one kind and branch is
        never that of another, whatever branches and stages are called.
        """
        repository = self.destination.repositories[self.image.name]
        own = text(*repository.cache, ":", prefix, *self.destination.branch)
        shared = text(*(repository.home_cache or repository.cache), ":", prefix, *self.destination.default_branch)
        return own, shared

    def writer(self, prefix: str = "") -> CacheWriter:
        """Who may write the branch's ref of that prefix."""
        own, shared = self.cache_tag(prefix)
        trust = self.destination.trust
        return CacheWriter(ref=own, shared=shared, is_protected=trust.is_protected, here=trust.here, home=trust.home)

    def builder(self, *, must_export: bool) -> tuple[Operation, ...]:
        """The builder that the project asks for; without a wish, one that can export where that is needed."""
        kind = self.settings.builder
        if self.build.tool is not BuildTool.BUILDX or (kind is BuilderKind.AUTO and not must_export):
            return ()
        return (SelectBuilder(kind=kind, remote=self.settings.remote),)

    def builder_apart(self) -> tuple[Operation, ...]:
        """For what the engine's own builder cannot do: a BuildKit of its own, unless the project asks for another."""
        if self.build.tool is not BuildTool.BUILDX:
            return ()
        if self.settings.builder is BuilderKind.AUTO:
            return (SelectBuilder(kind=BuilderKind.CONTAINER, for_cache=True),)
        return (SelectBuilder(kind=self.settings.builder, remote=self.settings.remote),)


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheStrategy:
    """`refusal` gives the reason why it cannot hit in a situation, "" where it can, and only there `plan` is asked."""

    name: str
    summary: str
    refusal: Callable[[Situation], str]
    plan: Callable[[Situation], tuple[Operation, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The strategy that was taken, and why."""

    strategy: CacheStrategy
    reason: str
