"""What happened since the last build, in the order in which every variant meets it."""

from enum import Enum


class Scenario(Enum):
    """`COLD` comes first and fills the registry; each later one finds what the builds before it left there. `REBUILD`
    changes nothing either, but insists on a build (SLEDGE_NO_SKIP): what it costs where every step is cached."""

    COLD = "cold"
    NOTHING = "nothing changed"
    REBUILD = "rebuild"
    SOURCE = "source change"
    DEPENDENCY = "dependency change"
