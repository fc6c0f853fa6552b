"""Whether a build runs at all, in the rendered script: run by sh against a docker that keeps a registry in a folder."""

import json
import os
import subprocess
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import pytest

from sledgehammer.context import KeyRecipe, NoKey, WorkTree, content_key, key_recipe
from sledgehammer.dockerfile import parse_dockerfile
from sledgehammer.dockerfile.numbering import last_steps
from sledgehammer.operations import Build, EnvVar, Login, PasswordFromEnv, Reuse, WaitForEngine, text
from sledgehammer.plan import BuildPlan
from sledgehammer.report import parse_report
from sledgehammer.shell import render_script

MANIFESTS = {f"sha256:{sha256(one.encode()).hexdigest()}": one for one in ("base", "built\n", "moved", "fresh")}
BASE, BUILT, MOVED, FRESH = MANIFESTS
DOCKERFILE = "FROM debian AS build\nCOPY a b/ /x/\nRUN make\nFROM build\n"

DOCKER = """#!/usr/bin/env python3
import json, os, pathlib, sys
here = pathlib.Path(__file__).parent
argv = [word for word in sys.argv[1:]]
with (here / "calls").open("a") as file:
    file.write(json.dumps(argv) + "\\n")
registry = here / "registry.json"
tags = json.loads(registry.read_text())
if "imagetools" in argv:
    config = json.loads((pathlib.Path(os.environ["DOCKER_CONFIG"]) / "config.json").read_text())
    (here / "auth").write_text(json.dumps(config))
if "--format" in argv and "imagetools" in argv:
    print(os.environ.get("FAKE_MADE", "linux/amd64"))
elif "inspect" in argv:
    if argv[-1] not in tags:
        sys.exit(f"ERROR: {argv[-1]}: not found")
    if "--raw" not in argv:
        sys.exit("reads all that the manifest names")
    print(MANIFESTS[tags[argv[-1]]], end="")
if "create" in argv:
    source = argv[-1].partition("@")[2]
    if os.environ.get("FAKE_BUILDX") == "0.13" and "--prefer-index=false" in argv:
        sys.exit("unknown flag: --prefer-index\\nSee 'docker buildx imagetools create --help'.")
    if os.environ.get("FAKE_DENIED"):
        sys.exit("ERROR: denied")
    tags[argv[argv.index("--tag") + 1]] = source
if "info" in argv:
    print('26.1.5 [["driver-type","io.containerd.snapshotter.v1"]]')
if "build" in argv:
    print(os.environ.get("FAKE_STEPS", "#7 [build 2/3] COPY a b/ /x/"), "#7 DONE 0.1s", sep="\\n", file=sys.stderr)
    metadata = pathlib.Path(argv[argv.index("--metadata-file") + 1])
    digest = os.environ.get("FAKE_DIGEST", "BUILT")
    metadata.write_text(json.dumps({"containerimage.digest": digest}, indent=2))
    print(f"#8 pushing manifest for r:1/web:c1@{digest} 0.1s done", file=sys.stderr)
    tags.update({argv[at + 1]: digest for at, word in enumerate(argv) if word == "--tag"})
registry.write_text(json.dumps(tags))
""".replace('"BUILT"', repr(BUILT)).replace("MANIFESTS", repr(MANIFESTS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Runs the script for a project's folder; tags are what the registry holds then."""

    folder: Path
    recipe: KeyRecipe | NoKey
    key: str
    steps: tuple[tuple[str, int], ...] = (("build", 3), ("stage-1", 0))

    def __call__(self, *, immutable: bool = False, **variables: str) -> str:
        values = {"SHA": "c1", "BRANCH": "topic", "PROTECTED": "true", "HERE": "home", "PASS": "s3cret"}
        values = {**values, "DOCKER_DEFAULT_PLATFORM": "linux/amd64", **variables}
        reuse = Reuse(
            recipe=self.recipe,
            steps=self.steps,
            repository=("r:1/web",),
            tag=(EnvVar("SHA"),),
            branch=(EnvVar("BRANCH"),),
            is_protected=(EnvVar("PROTECTED"),),
            here=(EnvVar("HERE"),),
            home=("home",),
            is_immutable=immutable,
        )
        build = Build(
            image="web",
            context=".",
            dockerfile="Dockerfile",
            target="",
            args=(),
            tags=(text("r:1/web:", EnvVar("SHA")),),
            push=True,
            reuse=reuse,
        )
        login = Login(registry=("r:1",), username=("bob",), password=PasswordFromEnv(variable="PASS"))
        script = render_script(BuildPlan(operations=(WaitForEngine(), login, build)))
        tools = self.folder.parent / "bin"
        environment = {"PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(tools), **values}
        (tools / "calls").unlink(missing_ok=True)
        done = subprocess.run(
            ["sh", "-c", script], cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "s3cret" not in done.stdout + done.stderr + (tools / "calls").read_text()
        return done.stdout

    @property
    def calls(self) -> list[list[str]]:
        """What docker was asked."""
        lines = (self.folder.parent / "bin" / "calls").read_text().splitlines()
        return [json.loads(line) for line in lines]

    @property
    def is_built(self) -> bool:
        """Whether the last job built, or asked an engine for anything."""
        return any(call[0] != "buildx" or "imagetools" not in call for call in self.calls)

    @property
    def tags(self) -> dict[str, str]:
        """What the registry holds."""
        found: dict[str, str] = json.loads((self.folder.parent / "bin" / "registry.json").read_text())
        return found


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """A project of a Dockerfile and two files, at a registry that has its base image."""
    folder, tools = tmp_path / "project", tmp_path / "bin"
    (folder / "b").mkdir(parents=True)
    tools.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "a").write_text("a")
    (folder / "b/c").write_text("c")
    (tools / "docker").write_text(DOCKER)
    (tools / "docker").chmod(0o755)
    (tools / "registry.json").write_text(json.dumps({"debian": BASE}))
    recipe = key_recipe(WorkTree(folder))
    assert isinstance(recipe, KeyRecipe)
    key = content_key(recipe, WorkTree(folder), {"debian": BASE})
    assert isinstance(key, str)
    return Job(folder=folder, recipe=recipe, key=key[:32])


@pytest.mark.parametrize("buildx", ["0.13", "0.29"])
def test_the_same_content_is_tagged_and_not_built(job: Job, buildx: str) -> None:
    """Another commit with the same content gets the image by its digest; no engine is asked, nothing is logged in."""
    job(FAKE_BUILDX=buildx)
    assert job.is_built

    said = job(SHA="c2", FAKE_BUILDX=buildx)

    assert not job.is_built
    assert job.tags["r:1/web:c2"] == BUILT
    (image,) = parse_report(said.splitlines())
    assert (image.reference, image.is_reused) == (f"r:1/web@{BUILT}", True)


def test_other_content_is_built(job: Job) -> None:
    """A changed file, its executable bit, and a moved base image each; a time and an unused file do not count."""
    job()
    (job.folder / "unused").write_text("x")
    os.utime(job.folder / "a", (0, 0))
    job(SHA="c2")
    assert not job.is_built
    (job.folder / "a").write_text("A")
    job(SHA="c3")
    assert job.is_built
    (job.folder / "a").chmod(0o755)
    job(SHA="c4")
    assert job.is_built
    registry = job.folder.parent / "bin" / "registry.json"
    registry.write_text(json.dumps({**job.tags, "debian": MOVED}))
    job(SHA="c5")
    assert job.is_built


def test_what_only_unprotected_branches_built_protected_ones_build_anew(job: Job) -> None:
    """A branch finds its own image and the protected branches', not the other way round; a fork is never protected."""
    job(PROTECTED="false")
    assert f"r:1/web:key-{job.key}-topic" in job.tags
    job(PROTECTED="false", SHA="c2")
    assert not job.is_built
    job(PROTECTED="false", BRANCH="other", SHA="c3")
    assert job.is_built
    job(HERE="fork", BRANCH="stolen", SHA="c4")
    assert f"r:1/web:key-{job.key}" not in job.tags
    job(SHA="c5")
    assert job.is_built
    job(PROTECTED="false", BRANCH="third", SHA="c6")
    assert not job.is_built


def test_a_build_can_be_asked_for(job: Job) -> None:
    """SLEDGE_NO_SKIP builds; where tags cannot be moved, the key stays with the image that has it."""
    job()
    said = job(SHA="c2", SLEDGE_NO_SKIP="true", FAKE_DIGEST=FRESH)
    assert job.is_built
    assert "as SLEDGE_NO_SKIP asks" in said
    assert job.tags[f"r:1/web:key-{job.key}"] == FRESH
    job(SHA="c3", SLEDGE_NO_SKIP="true", immutable=True)
    assert job.tags[f"r:1/web:key-{job.key}"] == FRESH


ONBUILD_STEPS = {
    "a copy": ("FROM debian\nRUN x\n", "#7 [stage-0 2/2] COPY a /a\n#8 [stage-0 3/2] RUN x"),
    "a copy, as newer ones tell it": ("FROM debian\nRUN x\n", "#7 [2/3] ONBUILD COPY a /a\n#8 [3/3] RUN x"),
    "a mount": ("FROM debian\n", "#7 [stage-0 2/2] RUN --mount=type=bind,target=/src make"),
    "a copy, of two equal own ones one told": (
        "FROM debian AS a\nCOPY a /\nFROM debian AS b\nCOPY a /\n"
        "FROM debian AS c\nCOPY --from=a / /\nCOPY --from=b / /\n",
        "#7 [a 2/2] COPY a /\n#8 [linux/amd64 c 2/3] COPY . /app\n"
        "#9 [c 3/3] COPY --from=a / /\n#10 [c 4/3] COPY --from=b / /",
    ),
    "another stage": ("FROM debian AS a\nRUN x\nFROM debian\n", "#7 [stage-1 1/1] FROM debian\n#8 [a 2/2] RUN x"),
}
OWN_STEPS = {
    "no step": ("FROM debian\n", "#7 [1/1] FROM debian"),
    "own triggers": (
        "FROM debian AS p\nONBUILD COPY a /a\nFROM p\nRUN x\n",
        "#7 [p 1/1] FROM debian\n#8 [stage-1 1/1] COPY a /a\n#9 [stage-1 2/1] RUN x",
    ),
    "folders": (
        "FROM debian AS App\nWORKDIR /\nWORKDIR /app\nFROM app\nWORKDIR b\nWORKDIR /\nCOPY a .\n",
        "#7 [app 2/3] WORKDIR /app\n#8 [stage-1 1/3] WORKDIR /app/b\n#9 [stage-1  2/3] COPY a .",
    ),
    "an image beside": (
        "FROM debian\nCOPY --from=alpine /a /\n",
        "#7 FROM alpine\n#8 [stage-0 2/2] COPY --from=alpine /a /",
    ),
}


@pytest.mark.parametrize("case", ONBUILD_STEPS)
def test_an_image_with_steps_that_its_base_brings_is_not_found_again(job: Job, case: str) -> None:
    """ONBUILD of a base image may use files that the key does not know: such an image is built every time."""
    dockerfile, progress = ONBUILD_STEPS[case]
    job = replace(job, steps=tuple(last_steps(parse_dockerfile(dockerfile)).items()))
    assert "ONBUILD brings steps of its own" in job(FAKE_STEPS=progress)
    assert f"r:1/web:key-{job.key}" not in job.tags


@pytest.mark.parametrize("case", OWN_STEPS)
def test_an_image_whose_steps_are_all_its_dockerfiles_is_found_again(job: Job, case: str) -> None:
    """Triggers of its own stages, too, are in the Dockerfile."""
    dockerfile, progress = OWN_STEPS[case]
    job = replace(job, steps=tuple(last_steps(parse_dockerfile(dockerfile)).items()))
    assert "not kept" not in job(FAKE_STEPS=progress)
    assert job.tags[f"r:1/web:key-{job.key}"] == BUILT


def test_an_image_of_another_platform_is_not_found_again(job: Job) -> None:
    """An engine elsewhere may build for another machine than the job's: what it made is not kept under the key."""
    assert "not kept under its content: it is for linux/arm64, this job for linux/amd64" in job(FAKE_MADE="linux/arm64")
    assert f"r:1/web:key-{job.key}" not in job.tags


def test_a_job_on_another_platform_builds(job: Job) -> None:
    """What was built on x86 is not what an ARM runner would make of the same files."""
    job()
    assert "this job builds for linux/arm64" in job(SHA="c2", DOCKER_DEFAULT_PLATFORM="linux/arm64")
    assert job.is_built


def test_whatever_goes_wrong_the_build_runs(job: Job) -> None:
    """A base image that cannot be asked for, a tag that may not be written, a Dockerfile newer than the CI file, a
    content without key: each is said, and the image is built."""
    job()
    assert "could not be tagged: ERROR: denied" in job(SHA="c2", FAKE_DENIED="1")
    assert job.is_built
    job.folder.joinpath("Dockerfile").write_text(DOCKERFILE + "RUN more\n")
    assert "the Dockerfile changed since sledge apply" in job(SHA="c3")
    assert job.is_built
    job.folder.joinpath("Dockerfile").write_text(DOCKERFILE)
    (job.folder.parent / "bin" / "registry.json").write_text("{}")
    assert "base image debian: its digest is not known: ERROR: debian: not found" in job(SHA="c4")
    assert job.is_built
    assert "no content key: because" in replace(job, recipe=NoKey(reason="because"))(SHA="c5")
    assert job.is_built
