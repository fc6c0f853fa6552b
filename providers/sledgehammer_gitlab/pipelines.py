"""Builds as GitLab pipelines: trigger, follow, cancel."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from sledgehammer.errors import ConflictError, NotFoundError
from sledgehammer.operations import NO_SKIP_VARIABLE
from sledgehammer.outcome import Outcome, Run, Status
from sledgehammer.polling import Clock, poll_until
from sledgehammer.ports import OnLog
from sledgehammer.report import parse_report
from sledgehammer_gitlab.api import Api, Json
from sledgehammer_gitlab.mirror import Mirror
from sledgehammer_gitlab.paths import project_path, read_tip
from sledgehammer_gitlab.statuses import STATUSES, Job, State, failure_of, parse_job, state_of
from sledgehammer_gitlab.trace import TraceReader

PROVIDER = "gitlab"

RUN_ID = "SLEDGE_RUN_ID"
"""Pipeline variable by which a pipeline is found again when the answer to its creation was lost."""

INTERVAL_S = 2.0
LONGEST_INTERVAL_S = 10.0
"""Every read brings a whole trace: long builds are asked less often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Snapshot:
    """A pipeline at one read."""

    state: State
    jobs: tuple[Job, ...]
    duration_s: float
    yaml_errors: str


class GitLabPipelines:
    """Pipelines of one project's branch, for one commit of the checkout."""

    def __init__(
        self, api: Api, mirror: Mirror, *, path: str, branch: str, commit: str, wait_s: float, clock: Clock
    ) -> None:
        self._api = api
        self._mirror = mirror
        self._path = project_path(path)
        self._name = path
        self._branch = branch
        self._commit = commit
        self._wait_s = wait_s
        self._clock = clock

    def tip(self) -> str:
        """The commit on GitLab's branch. Raises ConflictError when that does not hold the checkout's content."""
        tip = read_tip(self._api, self._name, branch=self._branch)
        if not tip or not self._mirror.compare(tip).is_same:
            raise ConflictError(
                f"GitLab's {self._branch} of {self._name} does not hold commit {self._commit[:12]} with its CI file",
                hint="run sledge apply -p gitlab",
            )
        return tip

    def trigger(self, *, rebuild: bool) -> Run:
        """Start one pipeline. Raises ConflictError when GitLab's branch does not hold the checkout's content."""
        tip = self.tip()
        run_id = uuid.uuid4().hex
        variables = {RUN_ID: run_id, **({NO_SKIP_VARIABLE: "true"} if rebuild else {})}
        rows = [{"key": key, "value": value} for key, value in variables.items()]
        body = {"ref": self._branch, "variables": rows}
        made = self._api.create(f"{self._path}/pipeline", body, find=lambda: self._find(tip, run_id))
        return Run(provider=PROVIDER, id=str(made["id"]), url=made["web_url"], commit=self._commit)

    def follow(self, run: Run, *, on_log: OnLog) -> Outcome:
        """Show the jobs' logs as they grow, until the pipeline has ended."""
        lines: list[str] = []

        def show(line: str) -> None:
            lines.append(line)
            on_log(line)

        logs = _Logs(self._api, self._path, show)

        def read() -> _Snapshot:
            snapshot = self._read(run.id)
            logs.show_new(snapshot.jobs)
            return snapshot

        end = poll_until(
            read,
            what=f"pipeline {run.id} of {self._name}",
            is_final=lambda snapshot: snapshot.state.is_final,
            interval_s=INTERVAL_S,
            longest_interval_s=LONGEST_INTERVAL_S,
            deadline_s=self._wait_s,
            clock=self._clock,
        )
        kind, reason = failure_of(end.state, end.jobs, yaml_errors=end.yaml_errors)
        return Outcome(
            run=run,
            status=STATUSES.get(end.state, Status.FAILED),
            failure=kind,
            reason=reason,
            duration_s=end.duration_s,
            images=parse_report(lines),
        )

    def cancel(self, run: Run) -> None:
        """Stop a pipeline; one that has ended is left as it is."""
        self._api.post_repeatable(f"{self._path}/pipelines/{run.id}/cancel")

    def _read(self, pipeline: str) -> _Snapshot:
        row = self._api.get(f"{self._path}/pipelines/{pipeline}")
        jobs = self._api.get_list(f"{self._path}/pipelines/{pipeline}/jobs", include_retried="true")
        return _Snapshot(
            state=state_of(row["status"]),
            jobs=tuple(sorted((parse_job(job) for job in jobs), key=lambda job: job.id)),
            duration_s=float(row.get("duration") or 0),
            yaml_errors=row.get("yaml_errors") or "",
        )

    def _find(self, sha: str, run_id: str) -> Json | None:
        for row in self._api.get_page(f"{self._path}/pipelines", ref=self._branch, sha=sha, source="api"):
            variables = self._api.get_list(f"{self._path}/pipelines/{row['id']}/variables")
            if any((variable["key"], variable["value"]) == (RUN_ID, run_id) for variable in variables):
                return row
        return None


class _Logs:
    """The logs of a pipeline's jobs; a job whose end has been shown is not read again."""

    def __init__(self, api: Api, path: str, show: Callable[[str], None]) -> None:
        self._api = api
        self._path = path
        self._show = show
        self._readers: dict[int, TraceReader] = {}
        self._closed: set[int] = set()

    def show_new(self, jobs: tuple[Job, ...]) -> None:
        for job in jobs:
            if job.id in self._closed or not job.state.has_started:
                continue
            reader = self._readers.setdefault(job.id, TraceReader())
            for line in reader.read(self._trace(job), is_complete=job.state.is_final):
                self._show(line)
            if job.state.is_final:
                self._closed.add(job.id)

    def _trace(self, job: Job) -> bytes:
        try:
            return self._api.get_bytes(f"{self._path}/jobs/{job.id}/trace")
        except NotFoundError:
            return b""  # canceled before a runner took it, or erased
