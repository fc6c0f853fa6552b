"""Finding providers: the entry-point group `sledgehammer.providers`, ours by the same door as anybody's."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from sledgehammer.errors import ConfigurationError
from sledgehammer.plugins import by_name, missing_module
from sledgehammer.ports import Provider

GROUP = "sledgehammer.providers"


def load_providers(found: Iterable[EntryPoint] | None = None) -> Mapping[str, Provider]:
    """All installed providers by name, looked for once in a process, each imported when it is first asked for.

    Raises ConfigurationError when two distributions claim one name. To ask for a provider raises MissingToolError when
    its own imports are not installed.
    """
    return _installed() if found is None else _loaded(found)


def find_provider(name: str, providers: Mapping[str, Provider]) -> Provider:
    """The provider of that name. Raises ConfigurationError with the nearest one."""
    if name in providers:
        return providers[name]
    near = difflib.get_close_matches(name, providers, n=1)
    guess = f'; did you mean "{near[0]}"?' if near else ""
    raise ConfigurationError(f'unknown provider "{name}"{guess}', hint=f"installed: {', '.join(providers) or 'none'}")


@cache
def _installed() -> Mapping[str, Provider]:
    """Looking through all distributions takes longer than reading a project's file, and many projects are opened."""
    return _loaded(entry_points(group=GROUP))


def _loaded(found: Iterable[EntryPoint]) -> Mapping[str, Provider]:
    return _Providers(by_name(found, what="provider"))


class _Providers(Mapping[str, Provider]):
    def __init__(self, points: Mapping[str, EntryPoint]) -> None:
        self._points = points
        self._loaded: dict[str, Provider] = {}

    def __getitem__(self, name: str) -> Provider:
        if name not in self._loaded:
            self._loaded[name] = _load(self._points[name])
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in self._points

    def __iter__(self) -> Iterator[str]:
        return iter(self._points)

    def __len__(self) -> int:
        return len(self._points)


def _load(point: EntryPoint) -> Provider:
    try:
        loaded: Provider = point.load()
    except ModuleNotFoundError as error:
        raise missing_module(point, error, what="provider", extra=point.name) from error
    return loaded
