"""What decides the content of one stage: a recipe like the whole target's, but of that stage and those below it alone.

A stage's key says where its layers are kept, not whether they are right: a builder compares each step itself. So it may
leave out what only other stages see, and a change of theirs, or of a comment, moves no other stage.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace

from sledgehammer.context.content_key import KeyRecipe, NoKey
from sledgehammer.context.git_folder import may_take_git
from sledgehammer.context.usage import context_use
from sledgehammer.dockerfile.graph import NO_ARGS, Stage, StageGraph
from sledgehammer.dockerfile.instruction import Instruction, arguments_of
from sledgehammer.platforms import platform_args


def stage_recipe(
    recipe: KeyRecipe, graph: StageGraph, stage: str, args: Mapping[str, str] = NO_ARGS
) -> KeyRecipe | NoKey:
    """The recipe of a named stage; `recipe` is that of a target which needs it, `graph` their Dockerfile.

    `dockerfile_digest` is that of the part that the stage sees, as `content_key` takes it, not that of a file.
    """
    use = context_use(graph, target=stage, args=args)
    stages = graph.reachable(stage, args)
    known = _declared(graph, stages)
    part = replace(
        recipe,
        dockerfile_digest=_part_digest(graph, stages),
        target=stage,
        args=tuple((name, value) for name, value in recipe.args if name in known),
        base_images=graph.base_images(stage, args),
        use=use,
    )
    if use.unknown:
        return NoKey(reason=use.unknown[0], recipe=part)
    if recipe.sends_git and any(may_take_git(source) for source in use.sources):
        return NoKey(reason="it may hold .git itself", recipe=part)
    return part


def _declared(graph: StageGraph, stages: Iterable[Stage]) -> frozenset[str]:
    """Names of the build arguments that can reach the stages."""
    declared = [
        name
        for stage in stages
        for instruction in stage.instructions
        if instruction.keyword == "ARG"
        for name, _ in arguments_of(instruction.text)
    ]
    return frozenset((*declared, *(known.name for known in graph.global_args), *platform_args(graph.platform)))


def _part_digest(graph: StageGraph, stages: Iterable[Stage]) -> str:
    """Over what is written for these stages: neither comments nor lines nor places count, but for that of a stage,
    which a number in `COPY --from` may mean."""
    written = [
        [graph.directives.syntax, graph.directives.escape],
        [[known.name, known.default] for known in graph.global_args],
        *(
            [stage.index, stage.name, stage.base, stage.platform, [_written(one) for one in stage.instructions]]
            for stage in stages
        ),
    ]
    return hashlib.sha256(json.dumps(written).encode()).hexdigest()


def _written(instruction: Instruction) -> list[object]:
    flags = [[flag.name, flag.value] for flag in instruction.flags]
    return [instruction.keyword, flags, instruction.text, [document.content for document in instruction.heredocs]]
