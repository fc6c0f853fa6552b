"""The main job on the local stack: both examples, both clouds, cold and cached; run by `./dev demo`.

Ends with a table of what was done and how long each step took. Fails when a second build cached no step, when an
apply that should have nothing to do has something, or when the page of a pushed image does not answer.
"""

import argparse
import base64
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
from serving import Login, fetch_page

from sledgehammer.errors import RemoteError, SledgehammerError
from sledgehammer.outcome import BuiltImage
from sledgehammer.process import Command, LocalProcessRunner, run_checked
from sledgehammer.secret import Secret
from sledgehammer.session import open_session
from sledgehammer_localstack.config import StackConfig, load_secrets
from sledgehammer_localstack.progress import say_to_stderr
from sledgehammer_localstack.stack.down import down
from sledgehammer_localstack.stack.options import StackOptions, default_state_dir
from sledgehammer_localstack.stack.up import up

EXAMPLES = Path(__file__).parent
GREETING, NEW_GREETING = "Hello, world!", "Hello again, world!"
PROCESSES = LocalProcessRunner()


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """`source` is the file whose change must leave the dependency steps cached."""

    name: str
    source: str
    port: int


ALL = (
    Example(name="node-web", source="server.js", port=3000),
    Example(name="rust-rocket", source="src/main.rs", port=8000),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table."""

    example: str
    provider: str
    step: str
    seconds: float
    note: str


class Demo:
    """The main job for one example on one provider; adds the table's rows as its steps are done."""

    def __init__(
        self, stack: StackConfig, example: Example, provider: str, variables: Mapping[str, str], *, rows: list[Row]
    ) -> None:
        self._rows = rows
        self._stack = stack
        self._example = example
        self._provider = provider
        self._variables = variables

    def run(self, folder: Path) -> None:
        """Everything, in order, on a fresh repository in `folder`."""
        copy_example(self._example.name, folder, owner=f"demo-{secrets.token_hex(3)}")
        git(folder, "init", "--quiet", "--initial-branch", "main")
        commit(folder, "first")
        self._apply(folder, "apply")
        self._apply_again(folder)
        self._build(folder, "cold build")
        source = folder / self._example.source
        source.write_text(source.read_text().replace(GREETING, NEW_GREETING))
        commit(folder, "change one source file")
        self._apply(folder, "apply the change")
        image = self._build(folder, "build after the change")
        if image.cached_steps == 0:
            raise RemoteError(f"no step of {self._example.name} was cached on {self._provider}")
        self._serve(image)

    def _apply(self, folder: Path, step: str) -> None:
        with self._timed(step) as note:
            changes = open_session(folder, self._provider, variables=self._variables).apply()
            note.append(f"{len(changes.pending)} changes")

    def _apply_again(self, folder: Path) -> None:
        with self._timed("plan again") as note:
            pending = open_session(folder, self._provider, variables=self._variables).plan().pending
            if pending:
                raise RemoteError(f"a second apply would still change {', '.join(c.address for c in pending)}")
            note.append("nothing to do")

    def _build(self, folder: Path, step: str) -> BuiltImage:
        with self._timed(step) as note:
            session = open_session(folder, self._provider, variables=self._variables)
            (image,) = session.run(on_log=lambda line: print(f"  {line}", flush=True)).images
            note.append(f"{image.cached_steps} of {image.total_steps} steps cached")
        return image

    def _serve(self, image: BuiltImage) -> None:
        with self._timed("pull by digest and start") as note:
            login = pull_login(self._provider, self._variables)
            page = fetch_page(self._stack, image.reference, port=self._example.port, login=login)
            if NEW_GREETING not in page:
                raise RemoteError(f"{image.reference} does not say {NEW_GREETING!r} but {page[:80]!r}")
            note.append(f"the page says {page.strip()!r}")

    @contextmanager
    def _timed(self, step: str) -> Iterator[list[str]]:
        print(f"== {self._example.name} on {self._provider}: {step}", flush=True)
        note: list[str] = []
        started = time.monotonic()
        yield note
        seconds = time.monotonic() - started
        row = Row(example=self._example.name, provider=self._provider, step=step, seconds=seconds, note="; ".join(note))
        self._rows.append(row)


def copy_example(name: str, folder: Path, *, owner: str) -> None:
    """The example under names of its own: what an earlier demo left on the stack is not in its way, nor its cache."""
    shutil.copytree(EXAMPLES / name, folder, dirs_exist_ok=True)
    file = folder / "sledge.yaml"
    own_gitlab = file.read_text().replace("project: examples/", f"project: {owner}/")
    file.write_text(own_gitlab.replace("aws: {}", f"aws: {{repository: {owner}/{name}}}"))


def pull_login(provider: str, variables: Mapping[str, str]) -> Login:
    """What a person would use to pull: the GitLab token, or an ECR token."""
    if provider == "gitlab":
        return Login(username="root", password=Secret(variables["GITLAB_TOKEN"]))
    client = boto3.client(
        "ecr",
        region_name=variables["AWS_DEFAULT_REGION"],
        endpoint_url=variables["AWS_ENDPOINT_URL"],
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
    )
    (data,) = client.get_authorization_token()["authorizationData"]
    username, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
    return Login(username=username, password=Secret(password))


def git(folder: Path, *argv: str) -> None:
    """Run git with a name of its own, so that the demo needs no configuration."""
    identity = ("-c", "user.name=Sledgehammer demo", "-c", "user.email=demo@example.com")
    run_checked(PROCESSES, Command(argv=("git", *identity, *argv), cwd=folder))


def commit(folder: Path, message: str) -> None:
    """Commit everything in the folder."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)


def render_table(rows: list[Row]) -> str:
    """The rows under one another."""
    lines = [("example", "cloud", "step", "seconds", "")]
    lines += [(row.example, row.provider, row.step, f"{row.seconds:.1f}", row.note) for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    cells = [
        f"{line[0]:<{widths[0]}}  {line[1]:<{widths[1]}}  {line[2]:<{widths[2]}}  {line[3]:>{widths[3]}}  {line[4]}"
        for line in lines
    ]
    return "\n".join(cell.rstrip() for cell in cells) + "\n"


def variables_for(stack: StackConfig) -> dict[str, str]:
    """What `sledge stack env` prints: endpoints and credentials of both clouds."""
    secrets = load_secrets(stack.state_dir)
    return {
        "PATH": os.environ["PATH"],
        "GITLAB_URL": stack.gitlab_url,
        "GITLAB_TOKEN": secrets.gitlab_root_token.reveal(),
        "AWS_ENDPOINT_URL": stack.aws_url,
        "AWS_DEFAULT_REGION": stack.aws_region,
        "AWS_ACCESS_KEY_ID": secrets.aws_access_key_id,
        "AWS_SECRET_ACCESS_KEY": secrets.aws_secret_access_key.reveal(),
    }


def main() -> int:
    """Bring the stack up, run every example on every provider, print the table."""
    parser = argparse.ArgumentParser(prog="./dev demo", description=__doc__)
    parser.add_argument("--state-dir", type=Path, default=default_state_dir("demo"), help="where the stack lives")
    parser.add_argument("--name", default="demo", help="the stack's name")
    parser.add_argument("--example", action="append", choices=[one.name for one in ALL], help="only this one")
    parser.add_argument("--provider", action="append", choices=["gitlab", "aws"], help="only this one")
    parser.add_argument("--keep", action="store_true", help="leave the stack running")
    arguments = parser.parse_args()
    rows: list[Row] = []
    state_dir = arguments.state_dir.absolute()
    exit_code = 0
    try:
        started = time.monotonic()
        stack = up(StackOptions(state_dir=state_dir, name=arguments.name), runner=PROCESSES, say=say_to_stderr)
        rows.append(Row(example="-", provider="-", step="stack up", seconds=time.monotonic() - started, note=""))
        for provider in arguments.provider or ["gitlab", "aws"]:
            for example in ALL:
                if example.name in (arguments.example or [example.name]):
                    demo = Demo(stack, example, provider, variables_for(stack), rows=rows)
                    with tempfile.TemporaryDirectory() as folder:
                        demo.run(Path(folder))
    except SledgehammerError as error:
        print(f"demo: {error}", file=sys.stderr)
        exit_code = error.exit_code
    finally:
        if not arguments.keep:
            down(state_dir, runner=PROCESSES, say=say_to_stderr)
        print(render_table(rows), flush=True)
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
