"""Ends what nobody will end: jobs past their timeout, jobs whose runner fell silent."""

import logging
import threading

from sledgehammer_localstack.gitlab import timestamps
from sledgehammer_localstack.gitlab.builds.changes import finish_job
from sledgehammer_localstack.gitlab.records import Job
from sledgehammer_localstack.gitlab.services import Services

log = logging.getLogger(__name__)

INTERVAL_S = 5.0
GRACE_S = 30.0  # a runner ends a job at its timeout itself; after so much longer the server does


class Watchdog:
    """Looks at the running jobs every few seconds while started."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="gitlab-watchdog", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, at once."""
        self._stopped.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stopped.wait(INTERVAL_S):
            try:
                end_lost_jobs(self._services)
            except Exception:
                log.exception("looking after running jobs failed: a bug of the local GitLab")


def end_lost_jobs(services: Services) -> None:
    """Fail the running jobs that are past their time or unheard of for too long."""
    for job in services.store.all(Job, "SELECT * FROM jobs WHERE status IN ('running', 'canceling')"):
        ran = timestamps.seconds_between(job.started_at, None) or 0.0
        silent = timestamps.seconds_between(job.heard_at or job.started_at, None) or 0.0
        if ran > job.timeout_s + GRACE_S:
            finish_job(services, job, succeeded=False, failure_reason="job_execution_timeout")
        elif silent > services.settings.silent_runner_s:
            finish_job(services, job, succeeded=False, failure_reason="stuck_or_timeout_failure")
