"""Our job in a CI file that somebody else wrote: put in, replaced, and everything else kept to the letter. Pure.

The file is read as YAML to know what is in it, and changed as text: a round trip through a YAML library would keep
comments and anchors, but not every line as it was.
"""

import re
from dataclasses import dataclass
from io import StringIO

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from sledgehammer.errors import ConflictError
from sledgehammer_gitlab.render import CI_FILE, JOB, Origin, content_digest, origin_of

BEGIN = re.compile(r"^# Managed by sledge \(format 1, content ([0-9a-f]{12})\)[^\n]*\n", re.MULTILINE | re.ASCII)
END = "# End of what sledge manages\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class CiText:
    """The CI file as it shall be. `reads_files` when it includes files of its repository, which a lint must find on the
    server."""

    text: str
    reads_files: bool = False


def ci_text_for(own: str | None, ours: str) -> CiText:
    """What the repository's own CI file (None for none) becomes with our job; `ours` is our file as rendered.

    Raises ConflictError where the two cannot be one, or where our part of it was changed by hand.
    """
    if own is None or origin_of(own) is Origin.OURS:
        return CiText(text=ours)
    if origin_of(own) is Origin.EDITED:
        raise ConflictError(
            f"the checkout's {CI_FILE} was written by sledge and then changed by hand",
            hint=f"bring the change into sledge.yaml, then: sledge render -p gitlab > {CI_FILE}, and commit",
        )
    theirs = _without_our_part(own)
    top = _top_level(theirs)
    if JOB in top:
        raise ConflictError(
            f'the checkout\'s {CI_FILE} has a job "{JOB}" of its own, and so has sledge',
            hint=f"rename yours, or remove it: sledge's {JOB} builds and pushes the images",
        )
    merged = f"{theirs.rstrip()}\n\n{_our_part(ours, _stage_in(top))}"
    if {name: node for name, node in _top_level(merged).items() if name != JOB}.keys() != top.keys():
        raise ConflictError(f"sledge's job cannot be put at the end of the checkout's {CI_FILE}", hint="end it plainly")
    return CiText(text=merged, reads_files="include" in top and _reads_files(top["include"]))


_ELSEWHERE = frozenset({"remote", "project", "template", "component", "artifact"})
"""What an include names that is not of the repository (GitLab documentation, "CI/CD YAML syntax", `include`)."""


def _reads_files(include: Node) -> bool:
    """Whether one of these is, or may be, a file of the repository's own."""
    if isinstance(include, SequenceNode):
        return any(_reads_files(entry) for entry in include.value)
    if isinstance(include, MappingNode):
        return not _ELSEWHERE & {str(key.value) for key, _ in include.value}
    return not str(include.value).startswith(("https://", "http://"))


def _our_part(ours: str, stage: str) -> str:
    """Our job alone, in a stage of theirs and without their defaults for jobs, between two marks."""
    lines = ours[ours.index(f"\n{JOB}:\n") + len(f"\n{JOB}:\n") :]
    stages = f"  stage: {stage}\n" if stage else ""
    job = f"{JOB}:\n{stages}  inherit:\n    default: false\n{lines}"
    return f"# Managed by sledge (format 1, content {content_digest(job)}): change sledge.yaml instead\n{job}{END}"


def _without_our_part(own: str) -> str:
    """Their file. Raises ConflictError where our part was changed by hand, or has lost its end."""
    begin = BEGIN.search(own)
    if begin is None:
        return own
    end = own.find(END, begin.end())
    if end < 0 or content_digest(own[begin.end() : end]) != begin[1]:
        raise ConflictError(
            f"sledge's job in the checkout's {CI_FILE} was changed by hand",
            hint="bring the change into sledge.yaml and remove the job there, from its first comment to its last",
        )
    return own[: begin.start()] + own[end + len(END) :]


def _stage_in(top: dict[str, Node]) -> str:
    """A stage for our job: GitLab's own are there unless the file names others."""
    node = top.get("stages")
    names = (
        [str(item.value) for item in node.value if isinstance(item, ScalarNode)]
        if isinstance(node, SequenceNode)
        else []
    )
    if not names:
        return ""
    return next((name for name in ("build", "test") if name in names), names[0])


def _top_level(text: str) -> dict[str, Node]:
    """Jobs and keywords of a CI file by name."""
    try:
        root = YAML(pure=True).compose(StringIO(text))
    except YAMLError as error:
        said = " ".join(str(error).split())
        raise ConflictError(f"the checkout's {CI_FILE} is not YAML: {said}", hint="correct it and commit") from error
    if root is None:
        return {}
    if not isinstance(root, MappingNode):
        raise ConflictError(f"the checkout's {CI_FILE} has no jobs: it is no mapping", hint="correct it and commit")
    return {str(key.value): value for key, value in root.value}
