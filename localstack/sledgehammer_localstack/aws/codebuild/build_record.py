"""One build as it goes on: what BatchGetBuilds says about it.

https://docs.aws.amazon.com/codebuild/latest/APIReference/API_Build.html
"""

import threading
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum

from sledgehammer_localstack.aws.services import Document

_NOT_IN_BUILD = ("autoRetryLimit", "logsConfig")  # a Build has them in another form


class Status(Enum):
    """`buildStatus` and `phaseStatus`."""

    IN_PROGRESS = "IN_PROGRESS"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    FAULT = "FAULT"
    TIMED_OUT = "TIMED_OUT"
    STOPPED = "STOPPED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Why a phase ended as it did."""

    code: str
    message: str


@dataclass(slots=True, kw_only=True)
class Phase:
    """A phase that was entered."""

    name: str
    started: datetime
    ended: datetime | None = None
    status: Status = Status.IN_PROGRESS
    context: Context = Context(code="", message="")

    def document(self) -> Document:
        """As the API has it; COMPLETED has neither an end nor a status."""
        if self.name == "COMPLETED":
            return {"phaseType": self.name, "startTime": self.started}
        answer: Document = {"phaseType": self.name, "startTime": self.started}
        if self.ended is None:
            return answer
        answer |= {"phaseStatus": self.status.value, "endTime": self.ended}
        answer["durationInSeconds"] = int((self.ended - self.started).total_seconds())
        answer["contexts"] = [{"statusCode": self.context.code, "message": self.context.message}]
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildIdentity:
    """What names a build. `uuid` is the part of the id after the colon."""

    project: str
    uuid: str
    arn: str
    number: int
    initiator: str

    @property
    def id(self) -> str:
        return f"{self.project}:{self.uuid}"

    @property
    def project_arn(self) -> str:
        return self.arn.replace(":build/", ":project/").rpartition(":")[0]


@dataclass(kw_only=True)
class BuildRecord:
    """A build's settings (members of the API's Build) and its history. Its own lock guards every change."""

    identity: BuildIdentity
    settings: Document
    request: Document  # the StartBuild request it came from
    log_group: str  # "" where CloudWatch Logs are off
    log_stream: str
    region: str
    retry_number: int = 0
    previous_arn: str = ""
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended: datetime | None = None
    status: Status = Status.IN_PROGRESS
    phases: list[Phase] = field(default_factory=list)
    exported: Mapping[str, str] = field(default_factory=dict)
    resolved_version: str = ""
    artifacts: Document = field(default_factory=dict)
    next_arn: str = ""
    has_log: bool = False

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def enter(self, name: str) -> None:
        """Begin a phase at this moment."""
        with self._lock:
            self.phases.append(Phase(name=name, started=datetime.now(UTC)))

    def leave(self, status: Status, context: Context = Context(code="", message="")) -> Phase:
        """End the current phase at this moment."""
        with self._lock:
            phase = self.phases[-1]
            phase.ended, phase.status, phase.context = datetime.now(UTC), status, context
            return phase

    def complete(self, status: Status) -> None:
        """The build is over."""
        with self._lock:
            now = datetime.now(UTC)
            self.phases.append(Phase(name="COMPLETED", started=now))
            self.status, self.ended = status, now

    @property
    def is_complete(self) -> bool:
        """Whether nothing more will change."""
        return self.ended is not None

    @property
    def current_phase(self) -> str:
        """The phase entered last."""
        return self.phases[-1].name if self.phases else "SUBMITTED"

    def document(self) -> Document:
        """A copy in the API's shape."""
        with self._lock:
            answer = deepcopy({name: value for name, value in self.settings.items() if name not in _NOT_IN_BUILD})
            answer |= {
                "id": self.identity.id,
                "arn": self.identity.arn,
                "buildNumber": self.identity.number,
                "projectName": self.identity.project,
                "initiator": self.identity.initiator,
                "startTime": self.started,
                "currentPhase": self.current_phase,
                "buildStatus": self.status.value,
                "buildComplete": self.is_complete,
                "phases": [phase.document() for phase in self.phases],
                "artifacts": dict(self.artifacts),
                "logs": self._logs(),
                "exportedEnvironmentVariables": [
                    {"name": name, "value": value} for name, value in self.exported.items()
                ],
            }
            if self.ended is not None:
                answer["endTime"] = self.ended
            if self.resolved_version:
                answer["resolvedSourceVersion"] = self.resolved_version
            if limit := self.settings.get("autoRetryLimit"):
                answer["autoRetryConfig"] = self._retries(limit)
            return answer

    def _logs(self) -> Document:
        logs: Document = deepcopy(self.settings.get("logsConfig", {}))
        if self.has_log:
            page = f"https://console.aws.amazon.com/cloudwatch/home?region={self.region}#logsV2:log-groups"
            account = self.identity.arn.split(":")[4]
            arn = f"arn:aws:logs:{self.region}:{account}:log-group:{self.log_group}:log-stream:{self.log_stream}"
            logs |= {"groupName": self.log_group, "streamName": self.log_stream}
            logs |= {"deepLink": page, "cloudWatchLogsArn": arn}
        return logs

    def _retries(self, limit: int) -> Document:
        config: Document = {"autoRetryLimit": limit, "autoRetryNumber": self.retry_number}
        config |= {"nextAutoRetry": self.next_arn} if self.next_arn else {}
        return config | ({"previousAutoRetry": self.previous_arn} if self.previous_arn else {})
