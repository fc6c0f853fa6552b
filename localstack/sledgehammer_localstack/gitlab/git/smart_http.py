"""Git over HTTP: `git http-backend` behind GitLab's checks, bodies streamed both ways.

A push is checked by the pre-receive hook (protected branches) and reported by the post-receive hook.
"""

import subprocess
import tempfile
import threading
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import IO, cast

from werkzeug.wrappers import Request

from sledgehammer_localstack.gitlab.access import (
    DEVELOPER,
    REPORTER,
    ancestors,
    namespace_by_id,
    project_by_id_or_path,
    project_level,
)
from sledgehammer_localstack.gitlab.answers import ApiError, Reply, text
from sledgehammer_localstack.gitlab.call import Call
from sledgehammer_localstack.gitlab.git.hooks import PROTECTED_VARIABLE, REPORT_VARIABLE
from sledgehammer_localstack.gitlab.identity import ANONYMOUS, Caller, caller_of_password
from sledgehammer_localstack.gitlab.present_projects import repository_of
from sledgehammer_localstack.gitlab.project_settings import build_settings
from sledgehammer_localstack.gitlab.protection import protections
from sledgehammer_localstack.gitlab.pushes import RefChange, parse_push_options, refs_changed
from sledgehammer_localstack.gitlab.records import Project
from sledgehammer_localstack.gitlab.routing import Route, open_to_all
from sledgehammer_localstack.gitlab.services import Services
from sledgehammer_localstack.gitlab.store import Store

CHUNK = 1 << 16
READ_SCOPES = ("api", "read_api", "read_repository", "write_repository")
WRITE_SCOPES = ("api", "write_repository")


def info_refs(call: Call) -> Reply:
    """The advertisement of refs, for a fetch or a push."""
    service = call.request.args.get("service", "")
    if service not in ("git-upload-pack", "git-receive-pack"):
        return text("Dumb HTTP is not supported\n", status=403)
    return _serve(call, "/info/refs", is_push=service == "git-receive-pack", takes_body=False)


def upload_pack(call: Call) -> Reply:
    """A fetch."""
    return _serve(call, "/git-upload-pack", is_push=False, takes_body=True)


def receive_pack(call: Call) -> Reply:
    """A push, and what follows it."""
    return _serve(call, "/git-receive-pack", is_push=True, takes_body=True)


def _serve(call: Call, tail: str, *, is_push: bool, takes_body: bool) -> Reply:
    caller = _basic_caller(call)
    project = _project(call, caller, is_push=is_push)
    backend = _Backend(call.services, project, call.request, tail)
    if not (is_push and takes_body):
        return backend.run({})
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report"
        rules = _push_rules(call.store, caller, project)
        reply = backend.run({REPORT_VARIABLE: str(report), PROTECTED_VARIABLE: rules}, whole=True)
        if report.exists() and caller.user is not None and caller.job is None:
            changes, _, options = report.read_text().partition("\n\n")
            refs_changed(
                call.services,
                project,
                caller.user,
                [_change(line) for line in changes.splitlines()],
                parse_push_options(options.splitlines()),
            )
    return reply


def _change(line: str) -> RefChange:
    before, after, ref = line.split(" ", 2)
    return RefChange(ref=ref, before=before, after=after)


def _basic_caller(call: Call) -> Caller:
    basic = call.request.authorization
    if basic is None or basic.type != "basic":
        return ANONYMOUS
    try:
        return caller_of_password(call.store, basic.username or "", basic.password or "")
    except ApiError:
        raise _challenge() from None


def _challenge() -> ApiError:
    headers = {"WWW-Authenticate": 'Basic realm="GitLab"'}
    return ApiError(
        401, "HTTP Basic: Access denied. Give a user name and an access token with the scope for it.", headers
    )


def _project(call: Call, caller: Caller, *, is_push: bool) -> Project:
    """The project of the path, if the caller may fetch from it or push to it."""
    store = call.store
    project = project_by_id_or_path(store, call.path["repository"])
    if project is None or call.path["repository"].isdigit():
        raise _challenge() if caller.is_anonymous else _missing()
    if caller.is_anonymous:
        if project.visibility == "public" and not is_push:
            return project
        raise _challenge()
    if caller.deploy_token is not None:
        if not _deploy_token_covers(store, caller, project):
            raise _missing()
        if is_push or not caller.has_scope("read_repository"):
            raise _refused("You are not allowed to push code to this project.")
        return project
    level = project_level(store, caller, project)
    can_see = level >= REPORTER or (caller.job is None and project.visibility != "private")
    if not can_see:
        raise _missing()
    if caller.job is not None:
        if is_push and not build_settings(project).job_may_push:
            raise _refused("You are not allowed to upload code with a job token.")
    elif not caller.has_scope(*(WRITE_SCOPES if is_push else READ_SCOPES)):
        raise _refused("Your token does not have the scope for this.")
    if is_push and (level < DEVELOPER or project.archived):
        raise _refused("You are not allowed to push code to this project.")
    return project


def _deploy_token_covers(store: Store, caller: Caller, project: Project) -> bool:
    token = caller.deploy_token
    if token is None or token.project_id is not None:
        return token is not None and token.project_id == project.id
    chain = ancestors(store, namespace_by_id(store, project.namespace_id))
    return any(one.id == token.namespace_id for one in chain)


def _missing() -> ApiError:
    return ApiError(404, "The project you were looking for could not be found or you don't have permission to view it.")


def _refused(sentence: str) -> ApiError:
    return ApiError(403, sentence)


def _push_rules(store: Store, caller: Caller, project: Project) -> str:
    """What the pre-receive hook reads, exact names before wildcards."""
    level = project_level(store, caller, project)
    rules = sorted(protections(store, project), key=lambda rule: "*" in rule.name)
    return "\n".join(
        f"{'yes' if 0 < rule.push_level <= level else 'no'} {'yes' if rule.allow_force_push else 'no'} {rule.name}"
        for rule in rules
    )


class _Backend:
    """One run of `git http-backend` (git-http-backend(1)) as a CGI program."""

    def __init__(self, services: Services, project: Project, request: Request, tail: str) -> None:
        self._request = request
        path = repository_of(services, project).path
        self._env = {
            "GIT_PROJECT_ROOT": str(path.parent),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": f"/{path.name}{tail}",
            "REQUEST_METHOD": request.method,
            "QUERY_STRING": request.query_string.decode(),
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "REMOTE_USER": "gitlab",
            "REMOTE_ADDR": request.remote_addr or "",
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/nonexistent",
        }
        if encoding := request.headers.get("Content-Encoding"):
            self._env["HTTP_CONTENT_ENCODING"] = encoding
        if protocol := request.headers.get("Git-Protocol"):
            self._env["GIT_PROTOCOL"] = protocol
        if request.content_length is not None:
            self._env["CONTENT_LENGTH"] = str(request.content_length)

    def run(self, more_env: dict[str, str], *, whole: bool = False) -> Reply:
        """The program's answer: streamed, or with `whole` after it has ended."""
        process = subprocess.Popen(
            ("git", "http-backend"),
            env={**self._env, **more_env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - PIPE was asked for
        feeder = threading.Thread(target=self._feed, args=(process.stdin,), daemon=True)
        feeder.start()
        headers: dict[str, str] = {}
        for line in iter(process.stdout.readline, b""):
            if not line.strip():
                break
            name, _, value = line.decode().partition(":")
            headers[name] = value.strip()
        status = int(headers.pop("Status", "200").split()[0])
        content_type = headers.pop("Content-Type", "application/octet-stream")
        body: Iterator[bytes] | tuple[bytes, ...] = _drain(process, feeder)
        if whole:
            body = tuple(body)
        return Reply(status=status, headers=headers, stream=body, content_type=content_type)

    def _feed(self, pipe: IO[bytes]) -> None:
        """Hand the request's body over; a program that ends early (a refused push) stops reading."""
        try:
            with pipe:
                while chunk := self._request.stream.read(CHUNK):
                    pipe.write(chunk)
        except BrokenPipeError:
            return


def _drain(process: subprocess.Popen[bytes], feeder: threading.Thread) -> Iterator[bytes]:
    reader = cast(BufferedReader, process.stdout)  # what Popen makes of PIPE
    with process:
        try:
            while chunk := reader.read1(CHUNK):
                yield chunk
        except GeneratorExit:
            process.terminate()
            raise
    feeder.join(timeout=10)


ROUTES: tuple[Route, ...] = tuple(
    open_to_all(method, f"/{{repository:path}}{suffix}{tail}", handler)
    for suffix in (".git", "")
    for method, tail, handler in (
        ("GET", "/info/refs", info_refs),
        ("POST", "/git-upload-pack", upload_pack),
        ("POST", "/git-receive-pack", receive_pack),
    )
)
