"""What is wrong with a CI file, all of it at once, as GitLab's lint lists it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches

from sledgehammer.errors import ConfigurationError


class CiConfigError(ConfigurationError):
    """The CI file cannot become a pipeline; `sentences` is one per mistake, in GitLab's manner."""

    def __init__(self, *sentences: str) -> None:
        super().__init__("the CI file is not valid: " + "; ".join(sentences))
        self.sentences: tuple[str, ...] = sentences


class Problems:
    """Gathers the mistakes of independent parts, so that a reader sees all of them and not the first."""

    def __init__(self) -> None:
        self._sentences: list[str] = []

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Note the mistakes of the block and go on after it."""
        try:
            yield
        except CiConfigError as error:
            self._sentences.extend(error.sentences)

    def note(self, sentence: str) -> None:
        """Note one mistake."""
        self._sentences.append(sentence)

    def raise_any(self) -> None:
        """Raise CiConfigError if anything was noted."""
        if self._sentences:
            raise CiConfigError(*dict.fromkeys(self._sentences))


def nearest(word: str, known: Sequence[str]) -> str:
    """The clause `, did you mean …?` for a misspelt word, empty when nothing is near."""
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    return f", did you mean {close[0]}?" if close else ""
