"""`sledge stack`: the local stack from the command line."""

import argparse
import shlex
from pathlib import Path

from sledgehammer.cli.command import Command
from sledgehammer.process import LocalProcessRunner
from sledgehammer_localstack.config import StackConfig, load_secrets, load_stack
from sledgehammer_localstack.engine.nested import NESTED_FILE
from sledgehammer_localstack.progress import say_to_stderr
from sledgehammer_localstack.stack import StackOptions, default_state_dir, down, reset, status, up

_NOT_UP = 1
_ACTIONS = {
    "up": "start the stack, or what of it does not run",
    "status": "say what runs; exit code 0 when all does, 1 when something does not",
    "env": 'print the variables that clients need: eval "$(sledge stack env)"',
    "down": "end what up started; what is stored stays",
    "reset": "end it and delete all that it stored; with an engine of its own, its images too",
}


def _configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, text in _ACTIONS.items():
        action = actions.add_parser(name, help=text, description=text)
        action.add_argument(
            "--state-dir",
            type=Path,
            metavar="DIR",
            help="where everything of the stack lies (default: $XDG_STATE_HOME/sledgehammer/NAME)",
        )
        action.add_argument("--name", default="default", help="which stack, where several run side by side")
        if name == "up":
            action.add_argument(
                "--no-runner", action="store_true", help="leave the jobs to a gitlab-runner of yours; says how"
            )


def _run(arguments: argparse.Namespace) -> int:
    state_dir: Path = (arguments.state_dir or default_state_dir(arguments.name)).absolute()
    processes = LocalProcessRunner()
    if arguments.action == "up":
        options = StackOptions(state_dir=state_dir, name=arguments.name, with_runner=not arguments.no_runner)
        config = up(options, runner=processes, say=say_to_stderr)
        _print(_welcome(config, command=_own_options(arguments)))
        if arguments.no_runner:
            _print(runner_instructions(config))
    elif arguments.action == "status":
        return _report_status(state_dir, processes)
    elif arguments.action == "env":
        _print(environment_text(load_stack(state_dir)))
    elif arguments.action == "down":
        down(state_dir, runner=processes, say=say_to_stderr)
    else:
        reset(state_dir, runner=processes, say=say_to_stderr)
    return 0


def _report_status(state_dir: Path, processes: LocalProcessRunner) -> int:
    parts = status(state_dir, runner=processes)
    for part in parts:
        _print(f"{part.part:<16} {part.state:<8} {part.endpoint}")
    return 0 if all(part.is_up for part in parts) else _NOT_UP


def environment_text(config: StackConfig) -> str:
    """Shell lines that point clients of GitLab and of AWS at the stack."""
    secrets = load_secrets(config.state_dir)
    values = {
        "GITLAB_URL": config.gitlab_url,
        **({"SLEDGE_HUB_MIRROR": f"http://{config.mirror_address}"} if config.mirror_address else {}),
        "GITLAB_TOKEN": secrets.gitlab_root_token.reveal(),
        "AWS_ENDPOINT_URL": config.aws_url,
        "AWS_ACCESS_KEY_ID": secrets.aws_access_key_id,
        "AWS_SECRET_ACCESS_KEY": secrets.aws_secret_access_key.reveal(),
        "AWS_DEFAULT_REGION": config.aws_region,
    }
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in values.items())


def _welcome(config: StackConfig, *, command: str) -> str:
    return f"""\
GitLab     {config.gitlab_url}  (administrator: root)
registry   http://{config.registry_address}
AWS        {config.aws_url}  (account {config.aws_account}, {config.aws_region})
ECR        {config.ecr_address}
engine     {config.docker_host}
log in     eval "$(sledge stack env{command})"
logs       {config.state_dir / "logs"}"""


def _own_options(arguments: argparse.Namespace) -> str:
    """The options that led to this stack, for commands we tell the user to type."""
    given = [("--name", arguments.name)] if arguments.name != "default" else []
    given += [("--state-dir", str(arguments.state_dir))] if arguments.state_dir else []
    return "".join(f" {flag} {shlex.quote(value)}" for flag, value in given)


def runner_instructions(config: StackConfig) -> str:
    """For a genuine gitlab-runner: https://docs.gitlab.com/runner/register/, with an authentication token. Its
    `dockerd` services need to know the stack's registries, as those of our own runner do."""
    token = load_secrets(config.state_dir).gitlab_runner_token.reveal()
    daemon_file = shlex.quote(f"{config.state_dir / 'engine' / NESTED_FILE}:/etc/docker/daemon.json:ro")
    return f"""
no runner was started. URL {config.gitlab_url}, runner authentication token {token}
CI_SERVER_TOKEN={token} gitlab-runner register --non-interactive --url {config.gitlab_url} \\
  --executor docker --docker-host {config.docker_host} --docker-network-mode {config.network} \\
  --docker-image debian:trixie-slim --docker-privileged --docker-volumes /certs/client --docker-volumes /cache \\
  --docker-volumes {daemon_file} \\
  --docker-pull-policy if-not-present"""


def _print(text: str) -> None:
    print(text)  # noqa: T201 - the command line's own voice


COMMAND = Command(
    name="stack", help="run the local stack: GitLab, AWS, registries, engine", configure=_configure, run=_run
)
