"""From a payload to a job that is ready to run: its variables, its masked log, its executor."""

import platform
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from sledgehammer.polling import Clock
from sledgehammer.process import ProcessRunner
from sledgehammer_localstack.containers import ContainerEngine
from sledgehammer_localstack.runner.api import VERSION
from sledgehammer_localstack.runner.docker_executor import DockerExecutor
from sledgehammer_localstack.runner.executor import Executor
from sledgehammer_localstack.runner.failure import unsupported
from sledgehammer_localstack.runner.interruption import Interruption
from sledgehammer_localstack.runner.masking import Masker
from sledgehammer_localstack.runner.payload import Job, Variable
from sledgehammer_localstack.runner.settings import RunnerSettings
from sledgehammer_localstack.runner.shell_executor import ShellExecutor
from sledgehammer_localstack.runner.trace import JobTrace
from sledgehammer_localstack.runner.variables import JobVariables

# Variables by which a job steers GitLab's runner in ways that this one does not know. Those that only tune speed
# or repeat a stage that failed change no result and are left alone.
_REFUSED = (
    "CI_DEBUG_SERVICES",
    "RUNNER_AFTER_SCRIPT_IGNORE_ERRORS",
    "RUNNER_AFTER_SCRIPT_TIMEOUT",
    "RUNNER_SCRIPT_TIMEOUT",
)


def builds_dir(job: Job, settings: RunnerSettings) -> str:
    """CI_BUILDS_DIR: in the container, or a directory of the job's own on this machine."""
    return "/builds" if settings.docker else str(settings.work_dir / "builds" / str(job.id))


def job_variables(job: Job, settings: RunnerSettings, *, slot: int) -> JobVariables:
    """The server's variables over those that only a runner knows (GitLab's page "Predefined variables").

    Raises JobFailedError for a variable that asks the runner for something it cannot do."""
    directory = f"{builds_dir(job, settings)}/{_project_path(job)}"
    kind = "CI_DISPOSABLE_ENVIRONMENT" if settings.docker else "CI_SHARED_ENVIRONMENT"
    own = {
        "CI_BUILDS_DIR": builds_dir(job, settings),
        "CI_PROJECT_DIR": directory,
        "CI_CONCURRENT_ID": str(slot),
        "CI_CONCURRENT_PROJECT_ID": str(slot),
        "CI_SERVER": "yes",
        "CI_RUNNER_VERSION": VERSION,
        "CI_RUNNER_EXECUTABLE_ARCH": f"linux/{platform.machine()}",
        kind: "true",
    }
    from_runner = [Variable(key=key, value=value, is_public=True, is_raw=True) for key, value in own.items()]
    variables = JobVariables([*from_runner, *job.variables], file_dir=f"{directory}.tmp").expanded()
    for name in _REFUSED:
        if variables.get(name):
            raise unsupported(f"the variable {name}")
    return variables


def job_secrets(job: Job, variables: JobVariables) -> Sequence[str]:
    """Every text that must not show in the job's log, as written and as expanded."""
    written = [variable.value for variable in job.variables if variable.is_masked]
    tokens = [job.token, *(login.password for login in job.logins), *(d.token for d in job.dependencies)]
    return [*written, *variables.secrets(), *(token.reveal() for token in tokens)]


def job_trace(job: Job, variables: JobVariables, settings: RunnerSettings, *, clock: Clock) -> JobTrace:
    """The job's log, with the job's secrets masked."""
    return JobTrace(
        Masker(job_secrets(job, variables), token_prefixes=job.features.token_prefixes),
        limit_bytes=settings.log_limit_bytes,
        has_sections=job.features.has_trace_sections,
        now=lambda: clock.now().timestamp(),
    )


def job_executor(
    job: Job,
    variables: JobVariables,
    settings: RunnerSettings,
    *,
    runner: ProcessRunner,
    interruption: Interruption,
    trace: JobTrace,
) -> Executor:
    """The executor that the settings ask for."""
    path = _project_path(job)
    if settings.docker is None:
        return ShellExecutor(Path(builds_dir(job, settings)), project_path=path)
    return DockerExecutor(
        job,
        variables,
        settings.docker,
        identity=settings.identity,
        project_path=path,
        engine=ContainerEngine(settings.docker.docker_host, runner=runner),
        interruption=interruption,
        trace=trace,
    )


def _project_path(job: Job) -> str:
    said = [variable.value for variable in job.variables if variable.key == "CI_PROJECT_PATH"]
    path = said[-1] if said else urlsplit(job.git.repo_url).path.removesuffix(".git")
    parts = [part for part in path.split("/") if part not in {"", ".", ".."}]
    return "/".join(parts) or job.project_name
