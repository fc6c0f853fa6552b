"""moto answers one request after the other: it keeps its objects in plain dicts, and whatever iterates over one ends
with "dictionary changed size during iteration" where another request adds to it."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_WAITING = "/sqs/aws4_request"
"""In the signature's scope of calls that may wait for a message, which another call has to bring."""


class OneAtATime:
    """In front of a WSGI application."""

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app
        self._lock = threading.Lock()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if _WAITING in environ.get("HTTP_AUTHORIZATION", ""):
            return self._app(environ, start_response)
        with self._lock:
            return self._app(environ, start_response)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """No request is answered meanwhile, for whoever looks at the objects themselves."""
        with self._lock:
            yield
