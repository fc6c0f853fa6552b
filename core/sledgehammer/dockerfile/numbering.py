"""How far BuildKit numbers the steps of each stage in its progress, as far as the Dockerfile brings them."""

import posixpath
from collections.abc import Mapping
from contextlib import suppress

from sledgehammer.dockerfile.graph import NO_ARGS, StageGraph
from sledgehammer.dockerfile.instruction import ImageSource, StageSource
from sledgehammer.dockerfile.scope import scoped_instructions
from sledgehammer.errors import ConfigurationError


def last_steps(graph: StageGraph, target: str = "", args: Mapping[str, str] = NO_ARGS) -> Mapping[str, int]:
    """The number of the last step by stage, for all that a target needs; a stage without a name is `stage-N`.

    FROM an image is the first step, ONBUILD triggers of a stage below come before the stage's own; WORKDIR / is none
    (frontend/dockerfile/dockerfile2llb/convert.go). Steps that the ONBUILD of an image brings are not counted, so a
    build has more where there are such. Raises ConfigurationError.
    """
    folders: dict[int, str] = {}
    found = {}
    for stage in graph.reachable(target, args):
        base = graph.base(stage, args)
        count = int(isinstance(base, ImageSource))
        folder = folders[base.index] if isinstance(base, StageSource) else "/"
        for scoped in scoped_instructions(graph, stage, args):
            if scoped.instruction.keyword in ("ADD", "COPY", "RUN"):
                count += 1
            elif scoped.instruction.keyword == "WORKDIR":
                with suppress(ConfigurationError):  # a variable that only the image may know
                    folder = posixpath.normpath(posixpath.join(folder, scoped.expanded(scoped.instruction.text)))
                    count += folder != "/"
        folders[stage.index] = folder
        found[stage.name or f"stage-{stage.index}"] = count
    return found
