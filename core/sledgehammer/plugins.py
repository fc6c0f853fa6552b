"""What other distributions add through entry points: one owner per name, and one sentence when a part is missing."""

from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint

from sledgehammer.errors import ConfigurationError, MissingToolError

OUR_DISTRIBUTION = "sledgehammer"


def by_name(points: Iterable[EntryPoint], *, what: str) -> Mapping[str, EntryPoint]:
    """Entry points by name, in its order. One that is listed twice, as beside an editable install, counts once.

    Raises ConfigurationError when two distributions claim one name: importlib.metadata would silently take the first.
    """
    owners: dict[str, EntryPoint] = {}
    for point in points:
        twin = owners.setdefault(point.name, point)
        if twin.value != point.value or owner_of(twin) != owner_of(point):
            raise ConfigurationError(
                f'{what} "{point.name}" is claimed by two distributions: {owner_of(twin)} and {owner_of(point)}',
                hint="uninstall one of them",
            )
    return dict(sorted(owners.items()))


def owner_of(point: EntryPoint) -> str:
    """The distribution that brings an entry point."""
    return point.dist.name if point.dist is not None else "an unnamed distribution"


def missing_module(point: EntryPoint, error: ModuleNotFoundError, *, what: str, extra: str) -> MissingToolError:
    """The error for an entry point whose imports are not installed; ours come with our extra of that name."""
    owner = owner_of(point)
    ours, theirs = f"pip install 'sledgehammer[{extra}]'", f"install it, or uninstall {owner}"
    return MissingToolError(
        f'{what} "{point.name}" of {owner} needs the Python module {error.name}, which is not installed',
        hint=ours if owner == OUR_DISTRIBUTION else theirs,
    )
