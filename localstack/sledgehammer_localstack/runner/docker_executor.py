"""Jobs in containers: the scripts in one of the job's image, the services beside it, all gone afterwards."""

import copy
import io
import shutil
import tarfile
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import PurePosixPath

from sledgehammer.errors import NotFoundError
from sledgehammer_localstack.container_files import add_files
from sledgehammer_localstack.container_spec import ContainerSpec
from sledgehammer_localstack.containers import ContainerEngine
from sledgehammer_localstack.runner.executor import Members
from sledgehammer_localstack.runner.failure import FailureReason, JobFailedError
from sledgehammer_localstack.runner.image_pulls import ensure_image
from sledgehammer_localstack.runner.interruption import Interruption
from sledgehammer_localstack.runner.payload import Job, Service
from sledgehammer_localstack.runner.script import DETECT_SHELL
from sledgehammer_localstack.runner.services import (
    RunningService,
    ports_to_dial,
    service_names,
    wait_for_services,
)
from sledgehammer_localstack.runner.settings import DockerSettings
from sledgehammer_localstack.runner.trace import JobTrace
from sledgehammer_localstack.runner.variables import JobVariables

RUNNER_LABEL = "sledgehammer.runner"

_ENGINE_DATA = "/var/lib/docker"  # an image that declares this volume holds a Docker engine of its own
_ENGINE_VOLUMES = (_ENGINE_DATA, "/var/lib/containerd")
_ENGINE_TMPFS = ("/run",)
_BUILDS = "/builds"


class DockerExecutor:
    """Runs one job. Every container is on two networks: the settings' one (the way out, to the server and its
    registry) and one of the job's own, internal, where services have their names; so two jobs at a time can both
    have a service `docker`. Sources and the settings' volumes are shared by all containers of the job."""

    def __init__(
        self,
        job: Job,
        variables: JobVariables,
        settings: DockerSettings,
        *,
        identity: str,
        project_path: str,
        engine: ContainerEngine,
        interruption: Interruption,
        trace: JobTrace,
    ) -> None:
        self._job, self._variables, self._settings = job, variables, settings
        self._engine, self._interruption, self._trace = engine, interruption, trace
        self._project_dir = f"{_BUILDS}/{project_path}"
        self._prefix = f"sledge-{identity}-job-{job.id}"
        self._labels = {**settings.labels, RUNNER_LABEL: identity, "sledgehammer.job": str(job.id)}
        self._build = f"{self._prefix}-build"
        self._volumes = tuple(f"{self._prefix}{path.replace('/', '-')}:{path}" for path in (_BUILDS, *settings.volumes))
        self._lock = threading.Lock()
        self._removal = threading.Lock()
        self._containers: list[str] = []
        self._is_stopped = False

    @property
    def project_dir(self) -> str:
        return self._project_dir

    def prepare(self) -> None:
        self._engine.create_network(self._prefix, labels=self._labels, is_internal=True)
        for volume in self._volumes:
            self._engine.create_volume(volume.partition(":")[0], labels=self._labels)
        started = [self._start_service(index, service) for index, service in enumerate(self._job.services)]
        if started:
            self._trace.note("Waiting for services to be up and running...")
        wait_for_services(
            started,
            engine=self._engine,
            network=self._settings.network,
            timeout_s=self._settings.services_timeout_s,
            interruption=self._interruption,
            trace=self._trace,
        )
        self._create_build()

    def put(self, fill: Callable[[tarfile.TarFile], None]) -> None:
        self._put_at(self._project_dir, fill)

    @contextmanager
    def members(self, root: str) -> Iterator[Members]:
        # A file, not a stream: a hard link's content may stand before it.
        with tempfile.TemporaryFile() as file:
            path = self._project_dir if root == "." else f"{self._project_dir}/{root}"
            try:
                with self._engine.copy_out(self._build, path) as source:
                    shutil.copyfileobj(source, file)
            except NotFoundError:
                yield iter(())
                return
            file.seek(0)
            with tarfile.open(fileobj=file) as tar:
                yield _relative(tar, root)

    def run(self, script: bytes, *, on_output: Callable[[bytes], None]) -> int:
        return self._engine.run(self._build, stdin=script, on_output=on_output)

    def stop_script(self) -> None:
        self._engine.kill(self._build)

    def stop(self) -> None:
        with self._removal:  # who comes second finds them gone, not half gone
            with self._lock:
                self._is_stopped = True
                containers = tuple(self._containers)
            for container in containers:
                self._engine.remove(container)

    def close(self) -> None:
        with ExitStack() as last_first:  # each is tried, whatever happens to the others
            for volume in self._volumes:
                last_first.callback(self._engine.remove_volume, volume.partition(":")[0])
            last_first.callback(self._engine.remove_network, self._prefix)
            last_first.callback(self.stop)

    def _start_service(self, index: int, service: Service) -> RunningService:
        image = self._variables.expand(service.name)
        own = JobVariables(service.variables, file_dir=self._variables.file_dir)
        extra = {key: self._variables.expand(value) for key, value in own.environment().items()}
        environment = {**self._variables.public_environment(), **extra}
        self._trace.note(f"Starting service {image} ...")
        self._ensure(image, service.pull_policies)
        name = f"{self._prefix}-service-{index}"
        config = self._engine.image_config(image)
        has_engine = _ENGINE_DATA in config.volumes
        self._create(
            ContainerSpec(
                image=image,
                name=name,
                command=service.command,
                entrypoint=service.entrypoint or None,
                env=environment,
                labels=self._labels,
                network=self._settings.network,
                volumes=(*self._volumes, *(_ENGINE_VOLUMES if has_engine else ())),
                tmpfs=_ENGINE_TMPFS if has_engine else (),
                privileged=self._settings.is_privileged,
            ),
            aliases=service_names(Service(name=image, alias=self._variables.expand(service.alias))),
        )
        self._copy_files(name, has_engine=has_engine)
        self._engine.start(name)
        return RunningService(name=image, container=name, ports=ports_to_dial(config.tcp_ports, environment))

    def _create_build(self) -> None:
        wanted = self._job.image
        image = self._variables.expand(wanted.name) if wanted else self._settings.default_image
        if not image:
            message = "the job names no image and the runner has no default image"
            raise JobFailedError(message, reason=FailureReason.SYSTEM)
        self._trace.note(f"Using docker image {image} ...")
        self._ensure(image, wanted.pull_policies if wanted else ())
        has_engine = _ENGINE_DATA in self._engine.image_config(image).volumes
        self._create(
            ContainerSpec(
                image=image,
                name=self._build,
                command=DETECT_SHELL,
                entrypoint=(wanted.entrypoint or None) if wanted else None,
                env=self._variables.environment(),
                labels=self._labels,
                network=self._settings.network,
                volumes=(*self._volumes, *(_ENGINE_VOLUMES if has_engine else ())),
                tmpfs=_ENGINE_TMPFS if has_engine else (),
                privileged=self._settings.is_privileged,
                is_interactive=True,
            ),
            aliases=("build",),
        )
        self._copy_files(self._build, has_engine=has_engine)
        self._put_at("/", self._add_project_dir)

    def _create(self, spec: ContainerSpec, *, aliases: tuple[str, ...]) -> None:
        self._interruption.check()
        with self._lock:
            self._containers.append(spec.name)
        self._engine.create(spec)
        self._engine.connect(self._prefix, spec.name, aliases=aliases)
        if self._is_stopped:  # between the check and the creation
            self._engine.remove(spec.name)
        self._interruption.check()

    def _ensure(self, image: str, policies: tuple[str, ...]) -> None:
        ensure_image(
            image,
            policies=policies or (self._settings.pull_policy,),
            logins=self._job.logins,
            engine=self._engine,
            trace=self._trace,
        )

    def _copy_files(self, container: str, *, has_engine: bool) -> None:
        files = {**self._settings.client_files, **(self._settings.engine_files if has_engine else {})}
        if files:
            self._put_at("/", lambda tar: add_files(tar, files), container=container)

    def _add_project_dir(self, tar: tarfile.TarFile) -> None:
        directory = PurePosixPath(self._project_dir)
        for path in [*reversed(directory.parents[:-2]), directory]:
            member = tarfile.TarInfo(str(path).lstrip("/"))
            member.type, member.mode = tarfile.DIRTYPE, 0o777
            tar.addfile(member)

    def _put_at(self, path: str, fill: Callable[[tarfile.TarFile], None], *, container: str = "") -> None:
        with tempfile.TemporaryFile() as file:
            with tarfile.open(fileobj=file, mode="w") as tar:
                fill(tar)
            self._engine.copy_in(container or self._build, path, file)


def _relative(tar: tarfile.TarFile, root: str) -> Members:
    """Members under names relative to the project directory; `docker cp` names them from the last part on."""
    parent = PurePosixPath(root).parent
    for found in tar:
        member = copy.copy(found)
        own = PurePosixPath(found.name)
        relative = PurePosixPath(*own.parts[1:]) if root == "." else parent / own
        if str(relative) == ".":
            continue
        member.name = str(relative)
        content = tar.extractfile(found) if found.isfile() or found.islnk() else None
        if content is not None and found.islnk():
            member.type, member.size = tarfile.REGTYPE, content.seek(0, io.SEEK_END)
            content.seek(0)
        yield member, content
