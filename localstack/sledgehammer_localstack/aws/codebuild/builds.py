"""CodeBuild's builds: starting, stopping, retrying, reading them.

https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuild.html and its siblings.
"""

import logging
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass

from sledgehammer_localstack.aws.codebuild.build_queue import BuildQueue
from sledgehammer_localstack.aws.codebuild.build_record import BuildIdentity, BuildRecord, Status
from sledgehammer_localstack.aws.codebuild.build_run import BuildHouse, BuildRun
from sledgehammer_localstack.aws.codebuild.overrides import build_settings, refuse_unrunnable
from sledgehammer_localstack.aws.codebuild.paging import page
from sledgehammer_localstack.aws.codebuild.projects import Projects
from sledgehammer_localstack.aws.refusal import AwsError, invalid_input, not_found
from sledgehammer_localstack.aws.services import Caller, Document, Handler

log = logging.getLogger(__name__)

TOKEN_LIFE_S = 300
_RETRIED = (Status.FAILED, Status.FAULT, Status.TIMED_OUT)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    operation: str
    request: Document
    build_id: str
    at: float


class Builds:
    """The account's builds; `monotonic` is the clock of idempotency tokens."""

    def __init__(
        self,
        projects: Projects,
        house: BuildHouse,
        *,
        region: str,
        account: str,
        slots: int,
        monotonic: Callable[[], float],
    ) -> None:
        self._projects = projects
        self._house = house
        self._region = region
        self._account = account
        self._monotonic = monotonic
        self._queue = BuildQueue(slots, minute_s=house.minute_s, on_end=self._ended)
        self._runs: dict[str, BuildRun] = {}
        self._numbers: Counter[str] = Counter()
        self._tokens: dict[str, _Token] = {}
        self._lock = threading.RLock()

    @property
    def handlers(self) -> dict[str, Handler]:
        """The operations on builds."""
        return {
            "StartBuild": self._start,
            "RetryBuild": self._retry,
            "StopBuild": self._stop,
            "BatchGetBuilds": self._batch_get,
            "BatchDeleteBuilds": self._batch_delete,
            "ListBuilds": self._list,
            "ListBuildsForProject": self._list_for_project,
        }

    def close(self) -> None:
        """Stop what runs and wait for its end."""
        self._queue.close()

    def _start(self, caller: Caller, request: Document) -> Document:
        with self._lock:
            if (known := self._answered_before("StartBuild", request)) is not None:
                return known
            project = self._projects.get(request["projectName"])
            settings = build_settings(project, request)
            build = self._admit(project, settings, request, caller.access_key_id)
            return self._remember("StartBuild", request, build)

    def _retry(self, caller: Caller, request: Document) -> Document:
        if "id" not in request:
            raise invalid_input("RetryBuild needs the id of a build")
        with self._lock:
            if (known := self._answered_before("RetryBuild", request)) is not None:
                return known
            earlier = self._find(request["id"]).build
            project = self._projects.get(earlier.identity.project)
            build = self._admit(project, deepcopy(earlier.settings), earlier.request, caller.access_key_id)
            return self._remember("RetryBuild", request, build)

    def _admit(
        self,
        project: Document,
        settings: Document,
        request: Document,
        initiator: str,
        *,
        previous: BuildRecord | None = None,
    ) -> BuildRecord:
        refuse_unrunnable(settings, request)
        name = project["name"]
        self._projects.check_role(settings["serviceRole"], project=name)
        limit = project.get("concurrentBuildLimit")
        if limit is not None and self._active(name) >= limit:
            message = f"Cannot have more than {limit} active builds for the project {name}"
            raise AwsError("AccountLimitExceededException", message)
        self._queue.check_room()
        build = self._record(name, settings, request, initiator)
        if previous is not None:
            build.retry_number, build.previous_arn = previous.retry_number + 1, previous.identity.arn
            previous.next_arn = build.identity.arn
        run = BuildRun(build, self._house)
        self._runs[build.identity.id] = run
        self._queue.submit(run)
        return build

    def _active(self, project: str) -> int:
        builds = (run.build for run in self._runs.values())
        return sum(build.identity.project == project and not build.is_complete for build in builds)

    def _record(self, project: str, settings: Document, request: Document, initiator: str) -> BuildRecord:
        self._numbers[project] += 1
        build_uuid = str(uuid.uuid4())
        identity = BuildIdentity(
            project=project,
            uuid=build_uuid,
            arn=f"arn:aws:codebuild:{self._region}:{self._account}:build/{project}:{build_uuid}",
            number=self._numbers[project],
            initiator=initiator,
        )
        watch = settings.get("logsConfig", {}).get("cloudWatchLogs", {})
        group = "" if watch.get("status") == "DISABLED" else watch.get("groupName") or f"/aws/codebuild/{project}"
        prefix = watch.get("streamName", "")
        return BuildRecord(
            identity=identity,
            settings=settings,
            request=request,
            log_group=group,
            log_stream=f"{prefix}/{build_uuid}" if prefix else build_uuid,
            region=self._region,
        )

    def _stop(self, _caller: Caller, request: Document) -> Document:
        run = self._find(request["id"])
        self._queue.stop(run)
        return {"build": run.build.document()}

    def _batch_get(self, _caller: Caller, request: Document) -> Document:
        found, missing = [], []
        for build_id in dict.fromkeys(request["ids"]):
            try:
                found.append(self._find(build_id).build.document())
            except AwsError:
                missing.append(build_id)
        return {"builds": found, "buildsNotFound": missing}

    def _batch_delete(self, _caller: Caller, request: Document) -> Document:
        deleted, kept = [], []
        with self._lock:
            for build_id in dict.fromkeys(request["ids"]):
                run = self._runs.get(self._short(build_id))
                if run is None:
                    kept.append({"id": build_id, "statusCode": "BUILD_DOES_NOT_EXIST"})
                elif not run.build.is_complete:
                    kept.append({"id": build_id, "statusCode": "BUILD_IN_PROGRESS"})
                else:
                    del self._runs[run.build.identity.id]
                    deleted.append(run.build.identity.arn)
        return {"buildsDeleted": deleted, "buildsNotDeleted": kept}

    def _list(self, _caller: Caller, request: Document) -> Document:
        return page(self._ids(request), request, member="ids")

    def _list_for_project(self, _caller: Caller, request: Document) -> Document:
        name = self._projects.get(request["projectName"])["name"]
        ids = [build_id for build_id in self._ids(request) if build_id.startswith(f"{name}:")]
        return page(ids, request, member="ids")

    def _ids(self, request: Document) -> list[str]:
        with self._lock:
            ids = list(self._runs)  # in the order they were started
        return ids if request.get("sortOrder") == "ASCENDING" else ids[::-1]

    def _find(self, build_id: str) -> BuildRun:
        with self._lock:
            run = self._runs.get(self._short(build_id))
        if run is None:
            raise not_found(f"Build cannot be found: {build_id}")
        return run

    def _short(self, build_id: str) -> str:
        return build_id.removeprefix(f"arn:aws:codebuild:{self._region}:{self._account}:build/")

    def _answered_before(self, operation: str, request: Document) -> Document | None:
        """The build that this token started within five minutes (StartBuild reference, idempotencyToken)."""
        token = self._tokens.get(request.get("idempotencyToken", ""))
        if token is None or self._monotonic() - token.at > TOKEN_LIFE_S:
            return None
        if token.operation != operation or token.request != request:
            message = "The idempotency token was used before with other parameters: parameter mismatch"
            raise invalid_input(message)
        return {"build": self._find(token.build_id).build.document()}

    def _remember(self, operation: str, request: Document, build: BuildRecord) -> Document:
        if name := request.get("idempotencyToken"):
            self._tokens[name] = _Token(
                operation=operation, request=request, build_id=build.identity.id, at=self._monotonic()
            )
        return {"build": build.document()}

    def _ended(self, run: BuildRun) -> None:
        """Start the automatic retry of a failed build."""
        build = run.build
        if build.status not in _RETRIED or build.retry_number >= build.settings.get("autoRetryLimit", 0):
            return
        with self._lock:
            try:
                project = self._projects.get(build.identity.project)
                initiator = build.identity.initiator
                self._admit(project, deepcopy(build.settings), build.request, initiator, previous=build)
            except AwsError as error:
                log.warning("build %s is not retried: %s", build.identity.id, error.message)
