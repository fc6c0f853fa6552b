"""A secret that never prints."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Secret:
    """Text whose repr and str are `***`; `source` says where it came from (an environment variable, a file)."""

    _text: str = field(repr=False)
    source: str = ""

    def reveal(self) -> str:
        """The text itself: for request headers and standard input only, never for argv, logs or errors."""
        return self._text

    def __repr__(self) -> str:
        return f"Secret(***, source={self.source!r})"

    def __str__(self) -> str:
        return "***"
