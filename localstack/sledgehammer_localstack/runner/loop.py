"""The life of a runner: ask for jobs, run some at a time, leave nothing behind."""

import logging
import shutil
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sledgehammer.errors import RemoteError, SledgehammerError
from sledgehammer.polling import Clock
from sledgehammer.process import ProcessRunner
from sledgehammer_localstack.containers import ContainerEngine
from sledgehammer_localstack.runner.api import RunnerApi
from sledgehammer_localstack.runner.docker_executor import RUNNER_LABEL
from sledgehammer_localstack.runner.failure import FailureReason, JobFailedError
from sledgehammer_localstack.runner.interruption import Interruption
from sledgehammer_localstack.runner.job_run import JobRun
from sledgehammer_localstack.runner.job_setup import job_executor, job_trace, job_variables
from sledgehammer_localstack.runner.masking import Masker
from sledgehammer_localstack.runner.payload import Job, JobTicket
from sledgehammer_localstack.runner.payload_parsing import parse_job, parse_ticket
from sledgehammer_localstack.runner.settings import RunnerSettings
from sledgehammer_localstack.runner.trace import JobTrace
from sledgehammer_localstack.runner.trace_sender import TraceSender
from sledgehammer_localstack.runner.variables import JobVariables

log = logging.getLogger(__name__)

_STOP_S = 30.0
_ALWAYS_KNOWN = {FailureReason.SCRIPT, FailureReason.SYSTEM, FailureReason.TIMEOUT}


@dataclass(slots=True)
class _Slot:
    """A running job: its thread and the way to end it."""

    thread: threading.Thread
    interruption: Interruption = field(default_factory=Interruption)


class RunnerLoop:
    """One runner until `stop` is set. Only one may run for the same settings at a time: it removes what an
    earlier life of its own left behind."""

    def __init__(
        self,
        settings: RunnerSettings,
        api: RunnerApi,
        *,
        runner: ProcessRunner,
        clock: Clock,
        stop: threading.Event,
    ) -> None:
        self._settings, self._api, self._runner, self._clock = settings, api, runner, clock
        self._stop = stop
        self._slots: dict[int, _Slot] = {}

    def run(self) -> None:
        """Take jobs until told to stop, then end those that run as failed. Raises CredentialsError when the
        server does not know the runner."""
        self._settings.work_dir.mkdir(parents=True, exist_ok=True)
        self._remove_orphans()
        self._api.verify()
        log.info("runner %s takes jobs of %s", self._settings.name, self._settings.url)
        try:
            while not self._stop.is_set():
                slot = self._free_slot()
                if slot is None or not self._take_job(slot):
                    self._stop.wait(self._settings.check_interval_s)
        finally:
            self._end_jobs()

    def _free_slot(self) -> int | None:
        self._slots = {number: slot for number, slot in self._slots.items() if slot.thread.is_alive()}
        return next((n for n in range(self._settings.concurrency) if n not in self._slots), None)

    def _take_job(self, number: int) -> bool:
        try:
            payload = self._api.request_job()
        except RemoteError as error:
            log.warning("asking for a job: %s", error.message)
            return False
        if payload is None:
            return False
        interruption = Interruption()
        thread = threading.Thread(target=self._handle, args=(payload, number, interruption), daemon=True)
        self._slots[number] = _Slot(thread=thread, interruption=interruption)
        thread.start()
        return True

    def _handle(self, payload: Mapping[str, Any], slot: int, interruption: Interruption) -> None:
        ticket = parse_ticket(payload)
        log.info("job %d: taken", ticket.id)
        try:
            failure = self._run(payload, slot, interruption)
        except SledgehammerError as error:
            log.error("job %d: %s", ticket.id, error)
        except BaseException:
            log.exception("job %d: a bug in the runner", ticket.id)
            raise
        else:
            log.info("job %d: %s", ticket.id, failure.reason.value if failure else "success")

    def _run(self, payload: Mapping[str, Any], slot: int, interruption: Interruption) -> JobFailedError | None:
        """Run the job of a payload and report its end, also when the payload is not understood."""
        ticket = parse_ticket(payload)
        try:
            job = parse_job(payload)
            variables = job_variables(job, self._settings, slot=slot)
        except (KeyError, TypeError, ValueError) as malformed:
            error = JobFailedError(f"its payload cannot be read: {malformed!r}", reason=FailureReason.SYSTEM)
            return self._refuse(ticket, error, interruption)
        except JobFailedError as error:
            return self._refuse(ticket, error, interruption)
        trace = job_trace(job, variables, self._settings, clock=self._clock)
        sender = self._sender(ticket, trace, interruption)
        sender.start()
        failure: JobFailedError | None = JobFailedError("the runner failed", reason=FailureReason.SYSTEM)
        try:
            failure = self._run_stages(job, variables, trace, interruption)
        finally:
            self._report(sender, trace, failure, known_reasons=job.features.failure_reasons)
        return failure

    def _refuse(self, ticket: JobTicket, error: JobFailedError, interruption: Interruption) -> JobFailedError:
        trace = self._plain_trace()
        sender = self._sender(ticket, trace, interruption)
        sender.start()
        self._report(sender, trace, error, known_reasons=())
        return error

    def _run_stages(
        self, job: Job, variables: JobVariables, trace: JobTrace, interruption: Interruption
    ) -> JobFailedError | None:
        executor = job_executor(
            job, variables, self._settings, runner=self._runner, interruption=interruption, trace=trace
        )
        return JobRun(
            job,
            variables,
            executor,
            settings=self._settings,
            api=self._api,
            interruption=interruption,
            trace=trace,
            runner=self._runner,
        ).run()

    def _plain_trace(self) -> JobTrace:
        limit = self._settings.log_limit_bytes
        return JobTrace(Masker(()), limit_bytes=limit, has_sections=False, now=lambda: 0.0)

    def _sender(self, ticket: JobTicket, trace: JobTrace, interruption: Interruption) -> TraceSender:
        return TraceSender(
            self._api,
            ticket,
            trace,
            interruption=interruption,
            clock=self._clock,
            interval_s=self._settings.log_interval_s,
        )

    def _report(
        self,
        sender: TraceSender,
        trace: JobTrace,
        failure: JobFailedError | None,
        *,
        known_reasons: tuple[str, ...],
    ) -> None:
        if failure is None:
            trace.succeed()
            sender.finish(state="success", exit_code=0)
            return
        trace.fail(failure.message)
        reason = failure.reason
        if reason not in _ALWAYS_KNOWN and reason.value not in known_reasons:
            reason = FailureReason.SYSTEM
        exit_code = failure.job_exit_code if failure.reason is FailureReason.SCRIPT else None
        sender.finish(state="failed", failure_reason=reason.value, exit_code=exit_code)

    def _end_jobs(self) -> None:
        cause = JobFailedError("the runner was stopped", reason=FailureReason.SYSTEM)
        for slot in self._slots.values():
            slot.interruption.interrupt(cause)
        for slot in self._slots.values():
            slot.thread.join(_STOP_S)

    def _remove_orphans(self) -> None:
        shutil.rmtree(self._settings.work_dir / "builds", ignore_errors=True)
        for left in self._settings.work_dir.glob("sources-*"):
            shutil.rmtree(left, ignore_errors=True)
        if self._settings.docker is None:
            return
        engine = ContainerEngine(self._settings.docker.docker_host, runner=self._runner)
        label = f"{RUNNER_LABEL}={self._settings.identity}"
        containers = engine.list_containers(label=label)
        for container in containers:
            engine.remove(container)
        for network in engine.list_networks(label=label):
            engine.remove_network(network)
        for volume in engine.list_volumes(label=label):
            engine.remove_volume(volume)
        if containers:
            log.info("removed %d containers of an earlier life", len(containers))
