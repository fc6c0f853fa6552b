"""A local GitLab on loopback with people to ask it: clients whose exchanges are checked, git, and a runner by hand."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gitlab
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from gitlab.v4.objects import Project
from gitlab_openapi import checked_session

from sledgehammer.secret import Secret
from sledgehammer_localstack.gitlab.server import GitLabServer
from sledgehammer_localstack.gitlab.settings import GitLabSettings

ROOT = "glpat-root-of-the-test"
RUNNER = "glrt-runner-of-the-test"
IDENTITY = {"GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.com"} | {
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
}


def settings_in(state_dir: Path) -> GitLabSettings:
    """Settings of a server that keeps its state there."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return GitLabSettings(
        state_dir=state_dir / "gitlab",
        root_token=Secret(ROOT),
        runner_token=Secret(RUNNER),
        signing_key=Secret(pem),
        long_poll_s=0.2,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalGitLab:
    """A running server."""

    url: str
    settings: GitLabSettings

    def client(self, token: str = ROOT) -> gitlab.Gitlab:
        """python-gitlab with a token."""
        return gitlab.Gitlab(self.url, private_token=token, session=checked_session(), timeout=20)

    def call(self, method: str, path: str, *, token: str | None = ROOT, **options: Any) -> requests.Response:
        """One REST call."""
        headers = {"PRIVATE-TOKEN": token} if token else {}
        headers |= options.pop("headers", {})
        return checked_session().request(method, f"{self.url}/api/v4{path}", headers=headers, timeout=20, **options)

    def user(self, username: str) -> str:
        """Make an ordinary user; gives a token with scope api."""
        made = self.client().users.create(
            {
                "username": username,
                "name": username.title(),
                "email": f"{username}@example.com",
                "password": "correct horse",
            }
        )
        return self.token_of(made.id, "api")

    def token_of(self, user_id: int, *scopes: str) -> str:
        """A personal access token."""
        answer = self.call(
            "POST", f"/users/{user_id}/personal_access_tokens", json={"name": "t", "scopes": list(scopes)}
        )
        return str(answer.json()["token"])

    def runner(self) -> "HandRunner":
        """A runner that does what the test says."""
        return HandRunner(gitlab=self, token=RUNNER)


@contextmanager
def running(settings: GitLabSettings) -> Iterator[LocalGitLab]:
    """Serve while the block runs."""
    with GitLabServer(settings) as server:
        yield LocalGitLab(url=server.url, settings=settings)


@contextmanager
def fresh_gitlab(tmp_path: Path, **changes: Any) -> Iterator[LocalGitLab]:
    """A new server with its state under `tmp_path`."""
    with running(replace(settings_in(tmp_path), **changes)) as local:
        yield local


@dataclass(frozen=True, slots=True, kw_only=True)
class HandRunner:
    """Speaks the runner API."""

    gitlab: LocalGitLab
    token: str

    def ask(self, **more: Any) -> requests.Response:
        """Ask for a job, once."""
        body = {"token": self.token, "info": {"version": "17.0", "platform": "linux"}, **more}
        return self.gitlab.call("POST", "/jobs/request", token=None, json=body)

    def take(self, **more: Any) -> dict[str, Any]:
        """The next job; there must be one."""
        answer = self.ask(**more)
        assert answer.status_code == 201, f"no job to take: {answer.status_code} {answer.text}"
        payload: dict[str, Any] = answer.json()
        return payload

    def log(self, job: Mapping[str, Any], data: bytes, *, start: int = 0) -> requests.Response:
        """Send a piece of the log."""
        headers = {"JOB-TOKEN": job["token"], "Content-Range": f"{start}-{start + len(data) - 1}"}
        return self.gitlab.call("PATCH", f"/jobs/{job['id']}/trace", token=None, data=data, headers=headers)

    def end(self, job: Mapping[str, Any], state: str = "success", **more: Any) -> requests.Response:
        """Report the end of a job."""
        body = {"token": job["token"], "state": state, **more}
        return self.gitlab.call("PUT", f"/jobs/{job['id']}", token=None, json=body)

    def do(self, state: str = "success", **more: Any) -> str:
        """Take the next job and end it so; gives its name."""
        job = self.take()
        assert self.end(job, state, **more).status_code == 200
        return str(job["job_info"]["name"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A working copy with its remote."""

    path: Path
    remote: str

    def git(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run git here, whatever the exit code."""
        env = {**os.environ, **IDENTITY, "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_GLOBAL": os.devnull}
        return subprocess.run(
            ("git", "-C", str(self.path), *arguments), check=False, capture_output=True, text=True, env=env
        )

    def commit(self, files: Mapping[str, str], message: str = "Change") -> str:
        """Write and commit files; gives the SHA."""
        for name, content in files.items():
            target = self.path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content)
        self.git("add", "--all")
        done = self.git("commit", "--quiet", "--message", message)
        assert done.returncode == 0, done.stderr
        return self.git("rev-parse", "HEAD").stdout.strip()

    def push(self, *arguments: str, token: str = ROOT) -> subprocess.CompletedProcess[str]:
        """Push with a token."""
        url = self.remote.replace("://", f"://any:{token}@")
        return self.git("push", "--quiet", url, *(arguments or ("main",)))


def checkout_of(project: Project, path: Path) -> Checkout:
    """An empty working copy on branch main for a project."""
    subprocess.run(("git", "init", "--quiet", "--initial-branch=main", str(path)), check=True)
    return Checkout(path=path, remote=str(project.http_url_to_repo))


TWO_STAGES = """
stages: [build, test]
build:
  stage: build
  script: [make]
  artifacts:
    paths: [out]
test:
  stage: test
  script: [make test]
"""


def commit_ci(project: Project, ci_text: str, **more: Any) -> str:
    """A first commit on main with that CI file; gives its id."""
    actions = [{"action": "create", "file_path": ".gitlab-ci.yml", "content": ci_text}]
    made = project.commits.create({"branch": "main", "commit_message": "CI", "actions": actions, **more})
    return str(made.id)


def job_statuses(project: Project, pipeline_id: int) -> dict[str, str]:
    """By job name."""
    jobs = project.pipelines.get(pipeline_id).jobs.list(get_all=True)
    return {job.name: job.status for job in jobs}
