"""The server's life: from settings to a listening socket and back."""

import logging
import threading
from types import TracebackType
from typing import Self

from cheroot.wsgi import Server as CherootServer

from sledgehammer.errors import ConflictError
from sledgehammer.process import LocalProcessRunner
from sledgehammer_localstack.fault_middleware import FaultMiddleware, GitLabDialect
from sledgehammer_localstack.faults import FaultScript
from sledgehammer_localstack.gitlab.app import GitLabApplication
from sledgehammer_localstack.gitlab.bootstrap import prepare_state
from sledgehammer_localstack.gitlab.builds.watchdog import Watchdog
from sledgehammer_localstack.gitlab.git.hooks import write_hooks
from sledgehammer_localstack.gitlab.routes import all_routes
from sledgehammer_localstack.gitlab.services import Services
from sledgehammer_localstack.gitlab.settings import GitLabSettings
from sledgehammer_localstack.gitlab.store import Store

log = logging.getLogger(__name__)

THREADS = 40  # a waiting job request, a clone and an upload hold one each
BACKLOG = 128  # clients that connect at once; one more than the system takes tries again a second later
IDLE_S = 65  # that a connection is kept open, as nginx in front of GitLab does


class GitLabServer:
    """Serves in background threads while entered; `url` is known inside."""

    def __init__(self, settings: GitLabSettings) -> None:
        self._settings = settings
        self._http = CherootServer(
            (settings.host, settings.port),
            None,
            numthreads=THREADS,
            request_queue_size=BACKLOG,
            timeout=IDLE_S,
            server_name="nginx",
        )
        self._thread = threading.Thread(target=self._http.serve, name="gitlab-http", daemon=True)
        self.url = ""

    def __enter__(self) -> Self:
        settings = self._settings
        settings.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._http.shutdown_timeout = 1
        self._http.expiration_interval = 0.1  # how soon it notices that it shall stop
        try:
            self._http.prepare()
        except OSError as error:
            raise ConflictError(f"GitLab cannot listen on {settings.host}:{settings.port}: {error}") from error
        self.url = settings.external_url or f"http://{settings.host}:{self._http.bind_addr[1]}"
        store = Store(settings.state_dir / "gitlab.sqlite3")
        self._services = Services(settings=settings, store=store, processes=LocalProcessRunner(), url=self.url)
        write_hooks(settings.state_dir)
        prepare_state(self._services)
        application = GitLabApplication(self._services, all_routes())
        self._http.wsgi_app = FaultMiddleware(application, FaultScript(), GitLabDialect())
        self._watchdog = Watchdog(self._services)
        self._watchdog.start()
        self._thread.start()
        log.info("GitLab listens on %s", self.url)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watchdog.stop()
        self._services.work.close()
        self._http.stop()
        self._thread.join()
        self._services.background.wait()
        self._services.store.close()
