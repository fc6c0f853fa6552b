"""The built wheel in a fresh virtual environment: the command as a user has it, on both clouds of the stack."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from sledgehammer.outcome import BuiltImage
from sledgehammer.report import parse_report
from sledgehammer_localstack.config import StackConfig, load_secrets

pytestmark = pytest.mark.engine

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How one call ended."""

    exit_code: int
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """The command in its own environment, with the stack's endpoints and credentials."""

    command: Path
    variables: Mapping[str, str]

    def __call__(self, folder: Path, *argv: str) -> Ran:
        done = subprocess.run(
            [self.command, *argv], cwd=folder, env=dict(self.variables), capture_output=True, text=True, check=False
        )
        secrets = [value for name, value in self.variables.items() if name in {"GITLAB_TOKEN", "AWS_SECRET_ACCESS_KEY"}]
        assert not any(secret in done.stdout + done.stderr for secret in secrets)
        return Ran(exit_code=done.returncode, stdout=done.stdout, stderr=done.stderr)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    if shutil.which("uv"):
        argv = ["uv", "build", "--quiet", "--wheel", "--out-dir", str(folder), str(REPOSITORY)]
    else:
        argv = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(folder), str(REPOSITORY)]
    subprocess.run(argv, check=True)
    (made,) = folder.glob("*.whl")
    return made


def install(requirement: str, folder: Path) -> Path:
    """Install into a fresh environment; gives its `sledge`."""
    if shutil.which("uv"):
        subprocess.run(["uv", "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
        python = str(folder / "bin" / "python")
        subprocess.run(["uv", "pip", "install", "--quiet", "--python", python, requirement], check=True)
    else:
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([folder / "bin" / "pip", "install", "--quiet", requirement], check=True)
    return folder / "bin" / "sledge"


@pytest.fixture(scope="module")
def sledge(wheel: Path, stack: StackConfig, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel with both providers, but without the local stack's own dependencies."""
    folder = tmp_path_factory.mktemp("venv")
    secrets = load_secrets(stack.state_dir)
    return Installed(
        command=install(f"sledgehammer[gitlab,aws] @ {wheel.as_uri()}", folder / "full"),
        variables={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "GITLAB_URL": stack.gitlab_url,
            "GITLAB_TOKEN": secrets.gitlab_root_token.reveal(),
            "AWS_ENDPOINT_URL": stack.aws_url,
            "AWS_DEFAULT_REGION": stack.aws_region,
            "AWS_ACCESS_KEY_ID": secrets.aws_access_key_id,
            "AWS_SECRET_ACCESS_KEY": secrets.aws_secret_access_key.reveal(),
            **({"SLEDGE_HUB_MIRROR": f"http://{stack.mirror_address}"} if stack.mirror_address else {}),
        },
    )


def git(folder: Path, *argv: str) -> None:
    """Run git as nobody in particular."""
    identity = ("-c", "user.name=n", "-c", "user.email=e@example.com")
    subprocess.run(["git", *identity, *argv], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """examples/node-web as a repository of its own."""
    folder = tmp_path / "node-web"
    shutil.copytree(REPOSITORY / "examples" / "node-web", folder)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    return folder


def change(folder: Path, file: str, old: str, new: str) -> None:
    """Commit a replacement of text that must be there."""
    path = folder / file
    content = path.read_text()
    assert old in content
    path.write_text(content.replace(old, new))
    git(folder, "commit", "-q", "-a", "-m", f"change {file}")


def built(ran: Ran) -> BuiltImage:
    """The one image of a run that succeeded."""
    assert ran.exit_code == 0, ran.stdout[-3000:] + ran.stderr
    (image,) = parse_report(ran.stdout.splitlines())
    return image


@pytest.mark.parametrize("provider", ["gitlab", "aws"])
def test_the_main_job(provider: str, sledge: Installed, project: Path) -> None:
    """plan says 2, apply makes it, plan says 0; the first build is cold, the second finds its dependencies in the
    cache although the engine is gone, and `why` names the file that changed; a commit that changes nothing of the image
    is tagged, not built; a commit that was not applied is refused; a broken Dockerfile ends in 9."""
    assert sledge(project, "plan", "-p", provider).exit_code == 2
    applied = sledge(project, "apply", "-p", provider)
    assert applied.exit_code == 0, applied.stderr
    again = sledge(project, "plan", "-p", provider)
    assert (again.exit_code, "nothing to do" in again.stdout) == (0, True)
    repeated = sledge(project, "apply", "-p", provider)
    assert (repeated.exit_code, "nothing to do" in repeated.stdout) == (0, True)

    cold = built(sledge(project, "run", "-p", provider))
    assert cold.cached_steps == 0
    assert "@sha256:" in cold.reference

    change(project, "server.js", "Hello, world!", "Hello again, world!")
    behind = sledge(project, "run", "-p", provider)
    assert (behind.exit_code, f"sledge apply -p {provider}" in behind.stderr) == (6, True)
    assert sledge(project, "apply", "-p", provider).exit_code == 0
    warm = built(sledge(project, "run", "-p", provider))
    assert warm.cached_steps >= 3  # WORKDIR, COPY of the lock file, npm ci
    assert warm.reference != cold.reference
    why = sledge(project, "why", "-p", provider)
    assert why.exit_code == 0, why.stderr
    assert "server.js" in why.stdout, why.stdout
    assert "npm ci" not in why.stdout

    change(project, "README.md", "npm", "npm ")
    assert sledge(project, "apply", "-p", provider).exit_code == 0
    unchanged = sledge(project, "run", "-p", provider)
    assert (unchanged.exit_code, "nothing to build" in unchanged.stdout) == (0, True), unchanged.stdout[-3000:]
    assert f"already built, tagged {warm.reference.partition('@')[0]}@sha256:" in unchanged.stdout
    asked = built(sledge(project, "run", "-p", provider, "--no-skip"))
    assert (asked.is_reused, asked.cached_steps, asked.total_steps) == (False, warm.cached_steps, warm.total_steps)
    once_more = built(sledge(project, "run", "-p", provider, "--no-skip"))
    assert (once_more.cached_steps, once_more.reference) == (warm.total_steps, asked.reference)

    change(project, "Dockerfile", "RUN npm ci", "RUN false && npm ci")
    assert sledge(project, "apply", "-p", provider).exit_code == 0
    broken = sledge(project, "run", "-p", provider)
    assert broken.exit_code == 9
    assert "failed (user)" in broken.stderr
    assert "Traceback" not in broken.stderr


def test_a_wrong_token_is_one_sentence(sledge: Installed, project: Path) -> None:
    """Exit code 4, and the token itself is not in it."""
    wrong = Installed(command=sledge.command, variables={**sledge.variables, "GITLAB_TOKEN": "glpat-wrong"})

    ran = wrong(project, "plan", "-p", "gitlab")

    assert ran.exit_code == 4
    assert "GITLAB_TOKEN" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_the_schema_accepts_the_examples(sledge: Installed, tmp_path: Path) -> None:
    """What `sledge schema` prints validates every example's sledge.yaml."""
    schema = json.loads(sledge(tmp_path, "schema").stdout)

    for example in ("node-web", "rust-rocket", "python-api", "java-maven"):
        jsonschema.validate(YAML(typ="safe").load(REPOSITORY / "examples" / example / "sledge.yaml"), schema)


def test_a_bare_install_says_what_is_missing(wheel: Path, project: Path, tmp_path: Path) -> None:
    """Without extras rendering works, and what needs an SDK names the extra that brings it."""
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "GITLAB_TOKEN": "glpat-bare",
        "AWS_ACCESS_KEY_ID": "AKIABARE",
    }
    bare = Installed(command=install(f"sledgehammer @ {wheel.as_uri()}", tmp_path / "bare"), variables=variables)

    assert bare(project, "render", "-p", "gitlab").exit_code == 0
    for argv, extra in (
        (("plan", "-p", "gitlab"), "gitlab"),
        (("plan", "-p", "aws"), "aws"),
        (("stack", "up"), "localstack"),
    ):
        ran = bare(project, *argv)
        assert ran.exit_code == 10, ran.stderr
        assert f"sledgehammer[{extra}]" in ran.stderr
