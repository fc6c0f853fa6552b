"""What happened since the last build, in the order in which every variant meets it."""

from enum import Enum


class Scenario(Enum):
    """`COLD` comes first and fills the registry; each later one finds what the builds before it left there."""

    COLD = "cold"
    NOTHING = "nothing changed"
    SOURCE = "source change"
    DEPENDENCY = "dependency change"
