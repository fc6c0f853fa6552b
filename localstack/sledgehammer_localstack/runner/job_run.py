"""One job from its payload to its final state, in the stages and the words of GitLab's runner."""

import logging
import tempfile
import threading
from functools import partial
from pathlib import Path

from sledgehammer.errors import SledgehammerError
from sledgehammer.process import ProcessRunner
from sledgehammer_localstack.runner.api import VERSION, RunnerApi
from sledgehammer_localstack.runner.artifacts import download_dependency, upload_artifacts
from sledgehammer_localstack.runner.caches import CacheStore, restore_cache, save_cache, with_policy
from sledgehammer_localstack.runner.executor import Executor
from sledgehammer_localstack.runner.failure import FailureReason, JobFailedError
from sledgehammer_localstack.runner.interruption import Interruption
from sledgehammer_localstack.runner.payload import Job, Step
from sledgehammer_localstack.runner.script import job_script
from sledgehammer_localstack.runner.settings import RunnerSettings
from sledgehammer_localstack.runner.sources import SourcePlan, fetch_sources, pack, plan_sources, tracked_files
from sledgehammer_localstack.runner.trace import JobTrace
from sledgehammer_localstack.runner.variables import JobVariables

log = logging.getLogger(__name__)

AFTER_SCRIPT_S = 300.0  # GitLab's page "CI/CD YAML syntax reference", after_script


class JobRun:
    """The stages of one job. `run` gives None for success or the failure to report; the executor is closed then."""

    def __init__(
        self,
        job: Job,
        variables: JobVariables,
        executor: Executor,
        *,
        settings: RunnerSettings,
        api: RunnerApi,
        interruption: Interruption,
        trace: JobTrace,
        runner: ProcessRunner,
    ) -> None:
        self._job, self._variables, self._executor = job, variables, executor
        self._settings, self._api, self._runner = settings, api, runner
        self._interruption, self._trace = interruption, trace
        self._caches = CacheStore(settings.work_dir / "cache", project_id=job.project_id)
        self._tracked: frozenset[str] = frozenset()

    def run(self) -> JobFailedError | None:
        """Run every stage. The timeout of the job counts from here."""
        timeout = JobFailedError(
            f"execution took longer than {self._job.timeout_s} seconds", reason=FailureReason.TIMEOUT
        )
        timer = threading.Timer(self._job.timeout_s, self._interruption.interrupt, (timeout,))
        timer.daemon = True
        self._interruption.on_interrupt(self._executor.stop)
        timer.start()
        try:
            return self._stages()
        finally:
            timer.cancel()
            self._clean_up()

    def _clean_up(self) -> None:
        """A job's result does not hang on this: what stays behind is removed when the runner starts again."""
        try:
            self._executor.close()
        except SledgehammerError as error:
            log.warning("job %d: cleaning up: %s", self._job.id, error.message)

    def _stages(self) -> JobFailedError | None:
        try:
            self._trace.note(f"Running with sledgehammer runner {VERSION} on {self._settings.name}")
            self._prepare()
            failure = self._scripts()
            self._interruption.check()
            failure = self._keep(failure)
            self._interruption.check()
        except SledgehammerError as error:
            return self._cause(error)
        return failure

    def _cause(self, error: SledgehammerError) -> JobFailedError:
        """What an error means for the job: an interruption breaks whatever runs at that moment."""
        try:
            self._interruption.check()
        except JobFailedError as interruption:
            return interruption
        if isinstance(error, JobFailedError):
            return error
        return JobFailedError(error.message, reason=FailureReason.SYSTEM)

    def _prepare(self) -> None:
        plan = plan_sources(self._job.git, self._variables)
        executor = self._settings.executor
        with self._trace.section("prepare_executor", f"Preparing the {executor} executor"):
            if executor == "shell" and (self._job.image or self._job.services):
                self._trace.warn("scripts run on the runner's own machine: image and services are not used")
            self._executor.prepare()
        self._interruption.check()
        with self._trace.section("get_sources", "Getting source from Git repository"):
            self._get_sources(plan)
        self._interruption.check()
        self._bring_files()

    def _get_sources(self, plan: SourcePlan) -> None:
        if not plan.has_sources:
            self._trace.note("Skipping Git repository setup")
            return
        with tempfile.TemporaryDirectory(dir=self._settings.work_dir, prefix="sources-") as scratch:
            directory = Path(scratch)
            fetch_sources(
                self._job.git,
                plan,
                token=self._job.token,
                into=directory,
                runner=self._runner,
                timeout_s=self._job.timeout_s,
                say=self._trace.note,
            )
            self._tracked = tracked_files(directory, runner=self._runner)
            self._executor.put(partial(pack, directory))

    def _bring_files(self) -> None:
        caches = with_policy(self._job.caches, "pull", variables=self._variables)
        if caches:
            with self._trace.section("restore_cache", "Restoring cache"):
                for cache in caches:
                    restore_cache(
                        cache,
                        variables=self._variables,
                        store=self._caches,
                        executor=self._executor,
                        trace=self._trace,
                    )
        if self._job.dependencies:
            with self._trace.section("download_artifacts", "Downloading artifacts"):
                for dependency in self._job.dependencies:
                    download_dependency(dependency, api=self._api, executor=self._executor, trace=self._trace)
        self._interruption.check()

    def _scripts(self) -> JobFailedError | None:
        """The job's script, then its after_script, whose failure changes nothing."""
        failure: JobFailedError | None = None
        for step in self._job.steps:
            if step.name == "script":
                failure = self._script(step)
                self._interruption.check()
            elif step.commands:
                self._after_script(step, "failed" if failure else "success")
        return failure

    def _script(self, step: Step) -> JobFailedError | None:
        with self._trace.section("step_script", 'Executing "step_script" stage of the job script'):
            exit_code = self._executor.run(
                self._script_text(step, self._variables.environment()), on_output=self._trace.write
            )
        if exit_code == 0 or step.may_fail:
            return None
        return JobFailedError(f"exit code {exit_code}", reason=FailureReason.SCRIPT, exit_code=exit_code)

    def _after_script(self, step: Step, status: str) -> None:
        environment = {**self._variables.environment(), "CI_JOB_STATUS": status}
        is_late = threading.Event()

        def end() -> None:
            is_late.set()
            self._executor.stop_script()

        timer = threading.Timer(AFTER_SCRIPT_S, end)
        timer.daemon = True
        with self._trace.section("after_script", "Running after_script"):
            timer.start()
            try:
                script = self._script_text(step, environment)
                exit_code = self._executor.run(script, on_output=self._trace.write)
            finally:
                timer.cancel()
            self._interruption.check()
            if is_late.is_set():
                self._trace.warn(f"after_script ran longer than {AFTER_SCRIPT_S:g} s, but the job goes on")
            elif exit_code != 0:
                self._trace.warn(f"after_script failed with exit code {exit_code}, but the job goes on")

    def _script_text(self, step: Step, environment: dict[str, str]) -> bytes:
        return job_script(
            step.commands,
            environment=environment,
            files=self._variables.files(),
            directory=self._executor.project_dir,
            is_traced=self._variables.has_true("CI_DEBUG_TRACE", default=False),
        )

    def _keep(self, failure: JobFailedError | None) -> JobFailedError | None:
        """Save caches and upload artifacts. What goes wrong here fails a job that had not failed yet."""
        outcome = "on_failure" if failure else "on_success"
        try:
            self._save_caches(outcome)
            self._upload_artifacts(outcome)
        except SledgehammerError as error:
            cause = self._cause(error)
            if failure is None or cause.reason in {FailureReason.TIMEOUT, FailureReason.CANCELED}:
                return cause
            self._trace.warn(cause.message)
        return failure

    def _save_caches(self, outcome: str) -> None:
        pushed = with_policy(self._job.caches, "push", variables=self._variables)
        caches = [cache for cache in pushed if cache.when in {"always", outcome}]
        if not caches:
            return
        with self._trace.section("archive_cache", "Saving cache"):
            for cache in caches:
                save_cache(
                    cache,
                    variables=self._variables,
                    store=self._caches,
                    executor=self._executor,
                    trace=self._trace,
                    tracked=self._tracked,
                )

    def _upload_artifacts(self, outcome: str) -> None:
        orders = [order for order in self._job.artifacts if order.when in {"always", outcome}]
        if not orders:
            return
        ending = "failed" if outcome == "on_failure" else "successful"
        with self._trace.section(f"upload_artifacts_{outcome}", f"Uploading artifacts for {ending} job"):
            for order in orders:
                upload_artifacts(
                    order,
                    job=self._job.ticket,
                    variables=self._variables,
                    api=self._api,
                    executor=self._executor,
                    trace=self._trace,
                    tracked=self._tracked,
                )
