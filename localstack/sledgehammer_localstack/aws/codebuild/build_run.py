"""The life of one build, from PROVISIONING to COMPLETED.

Order and consequences of phases:
https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details-phases.html
"""

import logging
import threading
from dataclasses import dataclass, replace

from botocore.exceptions import BotoCoreError, ClientError

from sledgehammer.errors import ConfigurationError, CredentialsError, NotFoundError, SledgehammerError
from sledgehammer_localstack.aws.cloud import Cloud
from sledgehammer_localstack.aws.codebuild.artifacts import upload_artifacts
from sledgehammer_localstack.aws.codebuild.build_environment import (
    VariableError,
    build_variables,
    service_variables,
)
from sledgehammer_localstack.aws.codebuild.build_record import BuildRecord, Context, Status
from sledgehammer_localstack.aws.codebuild.buildspec import Buildspec, PhaseName, PhaseSpec
from sledgehammer_localstack.aws.codebuild.buildspec_parser import parse_buildspec
from sledgehammer_localstack.aws.codebuild.buildspec_source import find_buildspec
from sledgehammer_localstack.aws.codebuild.log_stream import BuildLog, SecretMask
from sledgehammer_localstack.aws.codebuild.phase_runner import PhaseRunner
from sledgehammer_localstack.aws.codebuild.s3_cache import S3Cache, open_cache, place_of
from sledgehammer_localstack.aws.codebuild.shell_program import stops_build
from sledgehammer_localstack.aws.codebuild.sources import as_tar, fetch_source
from sledgehammer_localstack.aws.codebuild.workspace import BuildExecutor, ImagePullError, Provision, Workspace
from sledgehammer_localstack.aws.codebuild.yaml_nodes import YamlFileError
from sledgehammer_localstack.aws.role_access import RoleAccess
from sledgehammer_localstack.aws.services import Document

log = logging.getLogger(__name__)

SESSION_S = 3600
_NO_CONTEXT = Context(code="", message="")


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildHouse:
    """What all builds of an account share. `minute_s` is the length of a minute of their timeouts."""

    cloud: Cloud
    executor: BuildExecutor
    endpoint_url: str
    minute_s: float


class _Ended(Exception):  # noqa: N818 - carries an end, which need not be an error
    """The current phase ended the build."""

    def __init__(self, status: Status, context: Context) -> None:
        super().__init__(context.message)
        self.status = status
        self.context = context


class BuildRun:
    """Runs one build in the thread that calls `run`; `interrupt` may come from any thread, at any time."""

    def __init__(self, build: BuildRecord, house: BuildHouse) -> None:
        self.build = build
        self._house = house
        self._mask = SecretMask()
        self._log = BuildLog(group=build.log_group, stream=build.log_stream, mask=self._mask)
        self._lock = threading.Lock()
        self._interruption: Status | None = None
        self._workspace: Workspace | None = None
        self._cache: S3Cache | None = None
        self._is_failed = False
        self._is_aborted = False
        self._phase_specs: dict[PhaseName, PhaseSpec] = {}

    def interrupt(self, status: Status) -> None:
        """End the build as STOPPED or TIMED_OUT; the first word counts."""
        with self._lock:
            if self._interruption is None:
                self._interruption = status
            workspace = self._workspace
        if workspace is not None:
            workspace.stop()

    @property
    def is_interrupted(self) -> bool:
        """Whether somebody ended it."""
        return self._interruption is not None

    def run(self) -> None:
        """Everything after QUEUED; returns when the build is complete, however it went."""
        minutes = self.build.settings["timeoutInMinutes"]
        timer = threading.Timer(minutes * self._house.minute_s, self.interrupt, [Status.TIMED_OUT])
        timer.daemon = True
        timer.start()
        status = Status.SUCCEEDED
        try:
            self._work()
        except _Ended as end:
            self._leave(end.status, end.context)
            status = end.status
        except Exception as error:
            log.exception("build %s failed", self.build.identity.id)
            self._leave(Status.FAULT, Context(code="INTERNAL_ERROR", message=str(error)))
            status = Status.FAULT
        if status is Status.SUCCEEDED and self._is_failed:
            status = Status.FAILED
        timer.cancel()
        self._finalize(status)

    def _work(self) -> None:
        access, env = self._provision()
        spec, env = self._download_source(access)
        assert self._workspace is not None  # noqa: S101 - _provision made it
        self._run_phases(spec, self._workspace, env)
        if not self._is_aborted:
            self._enter("UPLOAD_ARTIFACTS")
            try:
                self.build.artifacts = upload_artifacts(access, self.build, spec.artifacts, self._workspace)
            except SledgehammerError as error:
                raise _Ended(Status.FAILED, Context(code="CLIENT_ERROR", message=error.message)) from error
            if self._cache is not None and not self._is_failed:
                self._cache.save()
            self._leave(Status.SUCCEEDED)

    def _provision(self) -> tuple[RoleAccess, dict[str, str]]:
        self._enter("PROVISIONING")
        build, house = self.build, self._house
        try:
            access = house.cloud.assume(
                build.settings["serviceRole"],
                project_arn=build.identity.project_arn,
                session=f"AWSCodeBuild-{build.identity.uuid}",
                duration_s=SESSION_S,
            )
            self._log.open(access.logs)
            build.has_log = bool(build.log_group)
        except (ClientError, BotoCoreError, CredentialsError) as error:
            raise _Ended(Status.FAILED, Context(code="ACCESS_DENIED", message=str(error))) from error
        credentials = access.credentials
        self._mask.add(credentials.secret_access_key)
        self._mask.add(credentials.session_token)
        env = service_variables(build, endpoint_url=house.endpoint_url, credentials=credentials)
        environment = build.settings["environment"]
        self._log.say(f"Running on image {environment['image']}")
        provision = Provision(
            build_id=build.identity.uuid,
            image=environment["image"],
            privileged=environment.get("privilegedMode", False),
            env=env,
            layers_of=build.identity.project if _keeps_layers(build.settings) else "",
        )
        try:
            workspace = house.executor.open(provision)
        except ImagePullError as error:
            context = Context(code="BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE", message=error.message)
            raise _Ended(Status.FAILED, context) from error
        except SledgehammerError as error:
            raise _Ended(Status.FAULT, Context(code="INTERNAL_ERROR", message=error.message)) from error
        with self._lock:
            self._workspace = workspace
        self._leave(Status.SUCCEEDED)
        return access, env

    def _download_source(self, access: RoleAccess) -> tuple[Buildspec, dict[str, str]]:
        self._enter("DOWNLOAD_SOURCE")
        build = self.build
        assert self._workspace is not None  # noqa: S101 - _provision made it
        try:
            source = fetch_source(access, build.settings["source"], build.settings.get("sourceVersion", ""))
            build.resolved_version = source.version
            spec = _with_all_phases(parse_buildspec(find_buildspec(self._buildspec, source.archive)))
            self._phase_specs = {phase.name: phase for phase in spec.phases}
            variables = build_variables(build, spec, access, self._mask)
            if source.archive:
                with as_tar(source.archive) as tar:
                    self._workspace.upload(self._workspace.source_dir, tar)
        except YamlFileError as error:
            raise _Ended(Status.FAILED, Context(code="YAML_FILE_ERROR", message=error.message)) from error
        except VariableError as error:
            raise _Ended(Status.FAILED, Context(code=error.code, message=error.message)) from error
        except (NotFoundError, ConfigurationError) as error:
            raise _Ended(Status.FAILED, Context(code="CLIENT_ERROR", message=error.message)) from error
        env = {"CODEBUILD_SRC_DIR": self._workspace.source_dir, "CODEBUILD_RESOLVED_SOURCE_VERSION": source.version}
        env |= variables
        self._restore_cache(spec, self._workspace, env, access)
        self._leave(Status.SUCCEEDED)
        return spec, env

    def _restore_cache(self, spec: Buildspec, workspace: Workspace, env: dict[str, str], access: RoleAccess) -> None:
        settings = self.build.settings.get("cache", {})
        if settings.get("type") != "S3":
            return
        if spec.cache is None:
            self._log.say("Unable to initialize cache download: no paths specified to be cached")
            return
        place = place_of(settings, self.build.identity.project)
        self._cache = open_cache(access, place, spec.cache, workspace, env=env, say=self._log.say)
        if self._cache is not None:
            self._cache.restore()

    @property
    def _buildspec(self) -> str:
        return str(self.build.settings["source"].get("buildspec", ""))

    def _run_phases(self, spec: Buildspec, workspace: Workspace, env: dict[str, str]) -> None:
        runner = PhaseRunner(spec, workspace, self, is_interrupted=lambda: self.is_interrupted)
        try:
            runner.run(env)
        except SledgehammerError as error:
            if not self.is_interrupted:
                raise _Ended(Status.FAULT, Context(code="INTERNAL_ERROR", message=error.message)) from error
        self._check_interruption()
        self.build.exported = runner.exported

    def phase_started(self, phase: PhaseName) -> None:
        self._enter(phase.name)

    def phase_ended(self, phase: PhaseName, failure: str) -> None:
        if not failure:
            self._leave(Status.SUCCEEDED)
            return
        self._is_failed = True
        self._is_aborted = self._is_aborted or stops_build(self._phase_specs[phase])
        self._leave(Status.FAILED, Context(code="COMMAND_EXECUTION_ERROR", message=failure))

    def command_started(self, command: str) -> None:
        self._log.say(f"Running command {command}")

    def command_failed(self, command: str, status: int) -> None:
        if not self.is_interrupted:
            self._log.say(f"Command did not exit successfully {command} exit status {status}")

    def output(self, chunk: bytes) -> None:
        self._log.write(chunk)

    def _enter(self, name: str) -> None:
        self.build.enter(name)
        self._log.say(f"Entering phase {name}")
        self._check_interruption()

    def _leave(self, status: Status, context: Context = _NO_CONTEXT) -> None:
        if self.build.phases[-1].ended is not None:
            self.build.enter(_phase_after(self.build.current_phase))
        masked = Context(code=context.code, message=self._mask.apply(context.message))
        phase = self.build.leave(status, masked)
        self._log.say(f"Phase complete: {phase.name} State: {status.value}")
        self._log.say(f"Phase context status code: {masked.code} Message: {masked.message}")

    def _check_interruption(self) -> None:
        if self._interruption is Status.TIMED_OUT:
            raise _Ended(Status.TIMED_OUT, Context(code="BUILD_TIMED_OUT", message="Build has timed out."))
        if self._interruption is not None:
            raise _Ended(self._interruption, _NO_CONTEXT)

    def _finalize(self, status: Status) -> None:
        self.build.enter("FINALIZING")
        if self._workspace is not None:
            try:
                self._workspace.close()
            except SledgehammerError:
                log.exception("removing the workspace of build %s", self.build.identity.id)
        self._log.close()
        self.build.leave(Status.SUCCEEDED)
        self.build.complete(status)


def _keeps_layers(settings: Document) -> bool:
    cache, is_privileged = settings.get("cache", {}), settings["environment"].get("privilegedMode", False)
    return is_privileged and cache.get("type") == "LOCAL" and "LOCAL_DOCKER_LAYER_CACHE" in cache.get("modes", [])


def _with_all_phases(spec: Buildspec) -> Buildspec:
    """CodeBuild enters all four phases; one without commands succeeds at once."""
    given = {phase.name: phase for phase in spec.phases}
    return replace(spec, phases=tuple(given.get(name, PhaseSpec(name=name, commands=())) for name in PhaseName))


def _phase_after(name: str) -> str:
    order = ["PROVISIONING", "DOWNLOAD_SOURCE", *(phase.name for phase in PhaseName), "UPLOAD_ARTIFACTS", "FINALIZING"]
    return order[order.index(name) + 1] if name in order[:-1] else "FINALIZING"
