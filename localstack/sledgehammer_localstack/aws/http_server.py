"""A threaded HTTP server around a WSGI application, for as long as it is entered."""

import threading
from types import TracebackType
from typing import TYPE_CHECKING, Self

from cheroot.wsgi import Server as CherootServer

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

THREADS = 24  # pushes of layers and followers of logs hold one each
BACKLOG = 128  # clients that connect at once; one more than the system takes tries again a second later


class HttpServer:
    """Listens from construction on (so its port is known), serves while entered."""

    def __init__(self, host: str, port: int, app: "WSGIApplication | None" = None) -> None:
        self._server = CherootServer(
            (host, port), app, numthreads=THREADS, request_queue_size=BACKLOG, server_name="Server"
        )
        self._server.shutdown_timeout = 1
        self._server.prepare()
        self._thread = threading.Thread(target=self._server.serve, name=f"http-{self.port}", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.bind_addr[1])

    def install(self, app: "WSGIApplication") -> None:
        """Set the application, before entering."""
        self._server.wsgi_app = app

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()
        self._thread.join()
