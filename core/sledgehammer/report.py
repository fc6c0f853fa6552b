"""The lines by which a build's script reports to whoever reads its log.

`sledge: image NAME: N of M steps cached` and `sledge: image NAME: pushed REPOSITORY@sha256:…`, or, where it was not
built, `sledge: image NAME: already built, tagged REPOSITORY@sha256:…`
"""

import re
from collections.abc import Iterable
from dataclasses import replace

from sledgehammer.outcome import BuiltImage

_CACHED = re.compile(r"sledge: image (\S+): (\d+) of (\d+) steps cached")
_REUSED = re.compile(r"sledge: image (\S+): already built, tagged (\S+@sha256:[0-9a-f]{64})")
_PUSHED = re.compile(r"sledge: image (\S+): pushed (\S+@sha256:[0-9a-f]{64})")


def parse_report(lines: Iterable[str]) -> tuple[BuiltImage, ...]:
    """What the log says of each image, in the order of their builds."""
    images: dict[str, BuiltImage] = {}
    for line in lines:
        if (cached := _CACHED.search(line)) is not None:
            name, hits, steps = cached.groups()
            images[name] = BuiltImage(image=name, reference="", cached_steps=int(hits), total_steps=int(steps))
        elif (reused := _REUSED.search(line)) is not None:
            name, reference = reused.groups()
            images[name] = BuiltImage(image=name, reference=reference, cached_steps=0, total_steps=0, is_reused=True)
        elif (pushed := _PUSHED.search(line)) is not None and pushed[1] in images:
            images[pushed[1]] = replace(images[pushed[1]], reference=pushed[2])
    return tuple(images.values())
