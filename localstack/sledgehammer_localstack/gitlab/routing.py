"""From method and raw path to a handler.

Paths are matched before percent-decoding, because GitLab's ids are full paths whose slashes are encoded
(`/projects/team%2Fapp`); each placeholder takes one raw segment and hands it over decoded. A last placeholder
`{name:path}` takes the rest of the path.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from sledgehammer_localstack.gitlab.answers import Reply

if TYPE_CHECKING:
    from sledgehammer_localstack.gitlab.call import Call

Handler = Callable[["Call"], Reply]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method on one path. `scopes`: any of them admits a token. `anonymous`: no credential needed.
    `job_token`: a running job's token admits too."""

    method: str
    pattern: str
    handler: Handler
    scopes: tuple[str, ...]
    anonymous: bool = False
    job_token: bool = False


def reads(pattern: str, handler: Handler, *, scopes: tuple[str, ...] = (), job_token: bool = False) -> Route:
    """A GET for `api`, `read_api` or one of `scopes`."""
    scopes = ("api", "read_api", *scopes)
    return Route(method="GET", pattern=pattern, handler=handler, scopes=scopes, job_token=job_token)


def writes(method: str, pattern: str, handler: Handler, *, scopes: tuple[str, ...] = ()) -> Route:
    """A changing method for `api` or one of `scopes`."""
    return Route(method=method, pattern=pattern, handler=handler, scopes=("api", *scopes))


def open_to_all(method: str, pattern: str, handler: Handler) -> Route:
    """A route that checks its callers itself."""
    return Route(method=method, pattern=pattern, handler=handler, scopes=(), anonymous=True)


class Router:
    """Finds the route of a request; the first that matches wins."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = [(route, re.compile(_expression(route.pattern))) for route in routes]

    def find(self, method: str, raw_path: str) -> tuple[Route, Mapping[str, str]] | None:
        """The route and its decoded placeholders; HEAD is answered by GET's route."""
        wanted = "GET" if method == "HEAD" else method
        for route, expression in self._routes:
            if route.method in (method, wanted) and (found := expression.fullmatch(raw_path)):
                return route, {name: unquote(value) for name, value in found.groupdict().items()}
        return None

    def methods(self, raw_path: str) -> set[str]:
        """The methods that this path knows."""
        return {route.method for route, expression in self._routes if expression.fullmatch(raw_path)}


def _expression(pattern: str) -> str:
    parts = re.split(r"(\{[a-z_]+(?::path)?\})", pattern)
    out = []
    for part in parts:
        if part.startswith("{"):
            name = part[1:-1].removesuffix(":path")
            out.append(f"(?P<{name}>.+)" if part.endswith(":path}") else f"(?P<{name}>[^/]+)")
        else:
            out.append(re.escape(part))
    return "".join(out) + "/?"
