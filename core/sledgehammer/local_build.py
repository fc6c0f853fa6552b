"""The full local build: the same operations, rendered by the same renderer, run on this machine's engine."""

from sledgehammer.destination import Destination, Repository
from sledgehammer.errors import BuildFailedError, MissingToolError
from sledgehammer.operations import WaitForEngine, text
from sledgehammer.outcome import BuiltImage
from sledgehammer.plan import BuildPlan
from sledgehammer.ports import OnLog
from sledgehammer.process import Command, ProcessRunner
from sledgehammer.project import Project
from sledgehammer.report import parse_report
from sledgehammer.shell import render_script


def local_destination(project: Project, *, commit: str) -> Destination:
    """Images stay in this machine's engine as `<name>:<commit>`; its own layer cache is the cache."""
    return Destination(
        repositories={
            image.name: Repository(image=text(image.name), cache=text(f"{image.name}-cache"))
            for image in project.images
        },
        engine=WaitForEngine(timeout_s=10),
        login=None,
        commit=text(commit),
        branch=text("local"),
        default_branch=text(project.default_branch),
        push=False,
    )


def build_here(project: Project, plan: BuildPlan, *, processes: ProcessRunner, on_log: OnLog) -> tuple[BuiltImage, ...]:
    """Run the plan's script in the project's folder. Raises BuildFailedError, or MissingToolError without buildx."""
    probe = processes.run(Command(argv=("docker", "buildx", "version")))
    if probe.exit_code != 0:
        raise MissingToolError(
            "docker on this machine has no buildx plugin, which a local build needs",
            hint="install Docker 23 or newer with its docker-buildx-plugin (Debian: docker-buildx)",
        )
    lines: list[str] = []

    def keep(line: str) -> None:
        lines.append(line)
        on_log(line)

    script = render_script(plan)
    code = processes.stream(Command(argv=("sh", "-c", script), cwd=project.root), on_line=keep)
    if code != 0:
        raise BuildFailedError(f"the local build of {project.name} failed with exit code {code}")
    return parse_report(lines)
