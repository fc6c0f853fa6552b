"""Which stages a job reads and writes under their content: run by sh against a docker that keeps a registry in a
folder, for buildx, for the BuildKit of a client without it, and for the classic builder."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from sledgehammer.destination import Destination, Repository, Trust
from sledgehammer.operations import BuilderKind, EnvVar, Login, PasswordFromEnv, WaitForEngine, text
from sledgehammer.project import CacheSettings, Image, Project
from sledgehammer.report import parse_report
from sledgehammer.session import plan_for
from sledgehammer.shell import render_script

DOCKERFILE = """FROM debian AS deps
COPY lock /lock
RUN install
FROM deps AS build
COPY source /source
RUN make
FROM debian
COPY --from=build /program /program
"""

DOCKER = (
    f"#!{sys.executable} -IS\n"
    + """
import fcntl, json, os, pathlib, sys
here = pathlib.Path(__file__).parent
argv = sys.argv[1:]
turn = (here / "turn").open("w")
fcntl.flock(turn, fcntl.LOCK_EX)  # a cache is written, and a ref looked at, beside the build
with (here / "calls").open("a") as file:
    file.write(json.dumps(argv) + "\\n")
store, local = here / "registry.json", here / "local.json"
tags, images = json.loads(store.read_text()), json.loads(local.read_text())
lock, source = pathlib.Path("lock").read_text(), pathlib.Path("source").read_text()
content = {"deps": lock, "build": lock + source, "": lock + source + "final"}

def values(flag):
    return [argv[at + 1] for at, word in enumerate(argv) if word == flag]

def build(target):
    read = [word.rpartition("ref=")[2] for word in values("--cache-from")]
    for number, ref in enumerate(read):
        print(f"#{90 + number} importing cache manifest from {ref}")
        print(f"#{90 + number} DONE 0.1s" if ref in tags else f"#{90 + number} ERROR: {ref}: not found")
    for number, stage in enumerate(("deps", "build")):
        is_kept = any(tags.get(ref, images.get(ref)) == content[stage] for ref in read)
        is_kept = is_kept and stage != os.environ.get("FAKE_LOST")
        if os.environ.get("DOCKER_BUILDKIT") == "0":
            print("Step 1/1 : RUN x", *([" ---> Using cache"] if is_kept else []), sep="\\n")
        print(f"#{number + 1} [{stage} 2/2] RUN x", f"#{number + 1} {'CACHED' if is_kept else 'DONE 1.0s'}", sep="\\n")
    if values("--metadata-file"):
        pathlib.Path(values("--metadata-file")[0]).write_text('"containerimage.digest": "sha256:1"')
    for cache in values("--cache-to"):
        tags[cache.partition("ref=")[2].partition(",")[0]] = content[target]
    for name in values("--tag"):
        images[name] = content[target]

if "--format" in argv and "Mirrors" in argv[-1]:
    print(os.environ.get("FAKE_MIRROR", ""), "plain r:1", sep="\\n")
elif argv[0] == "info":
    print('26.1.5 [["Backing Filesystem","extfs"]]')
elif argv[:2] in (["manifest", "inspect"], ["image", "inspect"]) or "imagetools" in argv:
    known = images if argv[0] == "image" else tags
    if argv[-1] not in known:
        sys.exit(f"{argv[-1]}: not found")
    print(known[argv[-1]])
elif "build" in argv:
    build((values("--target") or [""])[0])
elif argv[0] == "push":
    tags[argv[1]] = images[argv[1]]
    print("x: digest: sha256:1 size: 1")
elif argv[0] == "tag":
    images[argv[2]] = images[argv[1]]
elif argv[0] == "pull":
    if argv[-1] not in tags:
        sys.exit(f"{argv[-1]}: not found")
    images[argv[-1]] = tags[argv[-1]]
store.write_text(json.dumps(tags))
local.write_text(json.dumps(images))
"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Jobs:
    """Jobs of one project by one builder, each with an engine of its own."""

    folder: Path
    version: str
    builder: BuilderKind

    def run(self, branch: str, *, protected: bool = False, here: str = "home", **variables: str) -> str:
        """One job; gives what it said."""
        values = {"BRANCH": branch, "PROTECTED": "true" if protected else "false", "HERE": here, "PASS": "p"}
        tools = self.folder.parent / "bin"
        tools.joinpath("local.json").write_text("{}")
        tools.joinpath("calls").unlink(missing_ok=True)
        environment = {"PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(tools), **values, **variables}
        environment["SLEDGE_NO_SKIP"] = "true"
        done = subprocess.run(
            ["sh", "-c", self.script()],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert len(parse_report(done.stdout.splitlines())) == 1
        return done.stdout

    def script(self) -> str:
        """What the CI file holds."""
        destination = Destination(
            repositories={
                "web": Repository(
                    image=("r:1/web",), cache=text("r:1/", EnvVar("HERE"), "/cache"), home_cache=("r:1/home/cache",)
                )
            },
            engine=WaitForEngine(),
            login=Login(registry=("r:1",), username=("u",), password=PasswordFromEnv(variable="PASS")),
            commit=("c1",),
            branch=(EnvVar("BRANCH"),),
            default_branch=("main",),
            trust=Trust(is_protected=(EnvVar("PROTECTED"),), here=(EnvVar("HERE"),), home=("home",)),
        )
        settings = CacheSettings(strategy="per-stage", builder=self.builder)
        project = Project(
            name="web",
            images=(Image(name="web"),),
            root=self.folder,
            docker_version=self.version,
            cache=settings,
        )
        return render_script(plan_for(project, destination))

    def write(self, **files: str) -> None:
        """Change files of the project."""
        for name, content in files.items():
            (self.folder / name).write_text(content)

    @property
    def tags(self) -> dict[str, str]:
        """The cache tags that the registry holds, with the keys of contents written as K."""
        held = json.loads((self.folder.parent / "bin" / "registry.json").read_text())
        return {re.sub("[0-9a-f]{32}", "K", ref): value for ref, value in held.items() if "/cache:" in ref}

    @property
    def read(self) -> list[str]:
        """The last part of what the build was given as cache, in order, or of what was pulled for it."""
        calls = [json.loads(line) for line in (self.folder.parent / "bin" / "calls").read_text().splitlines()]
        pulled = [call[-1] for call in calls if call[0] == "pull"]
        (first, *_) = [call for call in calls if "build" in call]
        given = [first[at + 1] for at, word in enumerate(first) if word == "--cache-from"]
        return [re.sub("[0-9a-f]{32}", "K", ref.rpartition(":")[2]) for ref in pulled or given]


BUILDX, BUILDKIT, CLASSIC = ("28.5", BuilderKind.AUTO), ("20.10", BuilderKind.AUTO), ("20.10", BuilderKind.CLASSIC)

by_all = pytest.mark.parametrize(
    "jobs", [BUILDX, BUILDKIT, CLASSIC], indirect=True, ids=["buildx", "buildkit", "classic"]
)
by_buildkit = pytest.mark.parametrize("jobs", [BUILDKIT], indirect=True, ids=["buildkit"])


@pytest.fixture
def jobs(request: pytest.FixtureRequest, tmp_path: Path) -> Jobs:
    """A project at a registry that has its base image."""
    folder, tools = tmp_path / "project", tmp_path / "bin"
    folder.mkdir()
    tools.mkdir()
    (tools / "docker").write_text(DOCKER)
    (tools / "docker").chmod(0o755)
    (tools / "registry.json").write_text(json.dumps({"debian": "b"}))
    version, builder = request.param
    made = Jobs(folder=folder, version=version, builder=builder)
    made.write(Dockerfile=DOCKERFILE, lock="L1", source="S1")
    return made


@by_all
def test_branches_of_equal_content_share_a_stage(jobs: Jobs) -> None:
    """A protected branch writes each stage under its content and its branch; another branch with the same lock file
    finds the dependencies there, first of all, and does not write them again."""
    jobs.run("release", protected=True)
    for stage, content in (("deps", "L1"), ("build", "L1S1")):
        assert jobs.tags[f"r:1/home/cache:keyed-K-{stage}"] == content
        assert jobs.tags[f"r:1/home/cache:stage-{stage}_release"] == content
    jobs.write(source="S2")

    said = jobs.run("topic")

    assert jobs.read[0] == "keyed-K-deps"
    assert re.search(r"stage deps not written: r:1/home/cache:keyed-[0-9a-f]{32}-deps holds it already", said)
    assert "r:1/home/cache:stage-deps_topic" not in jobs.tags
    assert jobs.tags["r:1/home/cache:keyed-K_topic_build"] == "L1S2"
    assert jobs.tags["r:1/home/cache:stage-build_topic"] == "L1S2"


@by_all
def test_what_an_unprotected_branch_wrote_a_protected_one_does_not_read(jobs: Jobs) -> None:
    """It writes the shared ref itself."""
    jobs.run("topic")
    assert jobs.tags["r:1/home/cache:keyed-K_topic_deps"] == "L1"
    assert "r:1/home/cache:keyed-K-deps" not in jobs.tags

    jobs.run("main", protected=True)

    assert not [ref for ref in jobs.read if ref.endswith("topic")]
    assert jobs.tags["r:1/home/cache:keyed-K-deps"] == "L1"


@by_buildkit
def test_an_unprotected_branch_finds_its_own_again(jobs: Jobs) -> None:
    """No other branch looks there."""
    jobs.run("topic")
    jobs.write(source="S2")

    assert "stage deps not written: r:1/home/cache:keyed-" in jobs.run("topic")

    jobs.run("other")
    assert not [ref for ref in jobs.read if ref.endswith("topic")]


@by_buildkit
def test_a_fork_reads_and_writes_nothing(jobs: Jobs) -> None:
    """Not even where its own branch is protected there."""
    jobs.run("main", protected=True)
    held = jobs.tags
    jobs.write(source="S2")

    said = jobs.run("main", protected=True, here="fork")

    assert jobs.read[0] == "keyed-K-deps"
    assert "stage deps not written: fork is a fork of home" in said
    assert jobs.tags == held


@by_buildkit
def test_a_default_branch_that_nobody_protects(jobs: Jobs) -> None:
    """It keeps off the ref that every branch reads, but has one of its own by content."""
    jobs.run("main")

    assert jobs.tags["r:1/home/cache:keyed-K_main_deps"] == "L1"
    assert "r:1/home/cache:stage-deps_main" not in jobs.tags


@by_buildkit
def test_a_base_image_that_cannot_be_asked_for(jobs: Jobs) -> None:
    """The branch's refs are there all the same."""
    (jobs.folder.parent / "bin" / "registry.json").write_text("{}")

    assert "base image debian: its digest is not known: debian: not found" in jobs.run("main", protected=True)

    assert not [ref for ref in jobs.tags if "keyed" in ref]
    assert jobs.tags["r:1/home/cache:stage-deps_main"] == "L1"


@by_all
def test_a_ref_that_has_lost_its_layers_is_written_again(jobs: Jobs) -> None:
    """It was found, but a step of the stage ran."""
    jobs.run("main", protected=True)
    if jobs.builder is BuilderKind.CLASSIC:  # it compares what it pulled with what it made
        tools = jobs.folder.parent / "bin"
        held = json.loads((tools / "registry.json").read_text())
        (tools / "registry.json").write_text(json.dumps({ref: "lost" if "-deps" in ref else held[ref] for ref in held}))

    assert "stage deps written in" in jobs.run("main", protected=True, FAKE_LOST="deps")

    assert jobs.tags["r:1/home/cache:keyed-K-deps"] == "L1"


@by_buildkit
def test_a_ref_that_was_cleaned_up_is_written_again(jobs: Jobs) -> None:
    """The branch's own ref still has the stage, so none of its steps runs."""
    jobs.run("main", protected=True)
    registry = jobs.folder.parent / "bin" / "registry.json"
    held = json.loads(registry.read_text())
    registry.write_text(json.dumps({ref: held[ref] for ref in held if "keyed" not in ref}))
    jobs.write(source="S2")

    assert "stage deps written in" in jobs.run("main", protected=True)

    assert jobs.tags["r:1/home/cache:keyed-K-deps"] == "L1"


@by_buildkit
def test_a_moved_base_image_moves_the_key(jobs: Jobs) -> None:
    """The stage is written anew beside the old one. Without buildx the engine's mirror of Docker Hub is asked."""
    registry = jobs.folder.parent / "bin" / "registry.json"
    jobs.run("main", protected=True)
    before = {ref for ref in json.loads(registry.read_text()) if ref.endswith("-deps")}
    moved = {**json.loads(registry.read_text()), "debian": "c", "mirror:2/library/debian": "c"}
    registry.write_text(json.dumps(moved))

    jobs.run("main", protected=True, FAKE_MIRROR="mirror http://mirror:2/", FAKE_LOST="deps")

    assert len({ref for ref in json.loads(registry.read_text()) if ref.endswith("-deps")} - before) == 1
    calls = (jobs.folder.parent / "bin" / "calls").read_text()
    assert '["manifest", "inspect", "--insecure", "mirror:2/library/debian"]' in calls


@by_buildkit
def test_a_stage_without_a_name_is_left_out(jobs: Jobs) -> None:
    """No builder takes its number as a target: the build does not fail on it."""
    jobs.write(Dockerfile=DOCKERFILE.replace("FROM deps AS build", "FROM deps").replace("--from=build", "--from=1"))

    jobs.run("main", protected=True)

    assert {ref.rpartition(":")[2] for ref in jobs.tags} == {"final_main", "keyed-K-deps", "stage-deps_main"}


@by_buildkit
def test_a_tag_is_never_too_long(jobs: Jobs) -> None:
    """A tag has at most 128 characters (OCI distribution spec), whatever stage and branch are called."""
    name = "a" * 200
    jobs.write(Dockerfile=DOCKERFILE.replace("deps", name))

    script = jobs.script()

    used = re.findall(r'cache:(keyed-)"\${sledge_stage_key}"_"\${BRANCH}"(_a+-[0-9a-f]+)', script)
    assert used
    assert all(len("".join(parts)) + 1 + 32 + 63 <= 128 for parts in used)


@by_buildkit
def test_no_branch_writes_what_another_reads(jobs: Jobs) -> None:
    """Whatever stages and branches are called: a stage "deps" on a branch "test-main" is none "deps-test" on "main",
    and two long names that begin alike are two."""
    begin = "a" * 60
    jobs.write(
        Dockerfile="FROM base AS deps\nCOPY lock /\nFROM base AS deps-test\nCOPY lock /\n"
        f"FROM base AS {begin}1\nCOPY lock /\nFROM base AS {begin}2\nCOPY lock /\nFROM base AS package\n"
        "COPY --from=deps /lock /1\nCOPY --from=deps-test /lock /2\n"
        f"COPY --from={begin}1 /lock /3\nCOPY --from={begin}2 /lock /4\n"
    )
    used = set(re.findall(r'cache:(stage-[^"]*)"\${BRANCH}"', jobs.script()))
    assert len(used) == 4
    assert len({f"{ref}{branch}" for ref in used for branch in ("main", "test-main")}) == 8
