"""The stage graph: what each stage is made from, and what a target needs."""

import pytest

from sledgehammer.dockerfile import ImageSource, ScratchSource, Source, StageSource, parse_dockerfile
from sledgehammer.errors import ConfigurationError

WEB_APPLICATION = """\
# syntax=docker/dockerfile:1
ARG NODE=20
ARG VARIANT=prod
FROM --platform=$BUILDPLATFORM node:${NODE}-slim AS deps
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci

FROM deps AS test
RUN npm test

FROM golang:1.23 AS tool
RUN --mount=type=bind,from=deps,source=/app,target=/web go build ./...

FROM scratch AS assets-prod
COPY --from=deps /app/dist /

FROM assets-prod AS assets-dev
COPY --from=busybox:1 /bin/busybox /

FROM assets-${VARIANT} AS assets

FROM alpine:3.20 AS package
COPY --from=assets / /srv
COPY --from=2 /bin/tool /bin/
COPY --from=Deps --chown=1:1 /a /b
"""


def labels(text: str, target: str = "", **args: str) -> list[str]:
    return [stage.label for stage in parse_dockerfile(text).reachable(target, args)]


def all_sources(text: str) -> list[tuple[Source, ...]]:
    graph = parse_dockerfile(text)
    return [graph.sources(stage) for stage in graph.stages]


def test_a_target_needs_what_it_copies_mounts_and_starts_from() -> None:
    """Stages that the target does not lead to are not built: the test stage here."""
    assert labels(WEB_APPLICATION) == ["deps", "tool", "assets-prod", "assets", "package"]
    assert labels(WEB_APPLICATION, "test") == ["deps", "test"]
    assert labels(WEB_APPLICATION, "DEPS") == ["deps"]


def test_a_build_argument_decides_which_stage_is_the_base() -> None:
    """FROM with a variable chooses between stages, so the same file has two graphs."""
    assert labels(WEB_APPLICATION, VARIANT="dev") == ["deps", "tool", "assets-prod", "assets-dev", "assets", "package"]


def test_images_that_a_target_pulls() -> None:
    """Bases and foreign copies, with arguments put in, each once; none of stages that are not built."""
    graph = parse_dockerfile(WEB_APPLICATION)
    assert graph.base_images() == ("node:20-slim", "golang:1.23", "alpine:3.20")
    assert graph.base_images(args={"NODE": "22", "VARIANT": "dev"}) == (
        "node:22-slim",
        "golang:1.23",
        "busybox:1",
        "alpine:3.20",
    )
    assert graph.base_images("test") == ("node:20-slim",)


def test_an_unknown_target_is_answered_with_the_nearest_stage() -> None:
    """A typo in `target` names the stage that was probably meant, and all others."""
    with pytest.raises(ConfigurationError, match='Dockerfile has no stage "pakage"; did you mean "package"') as caught:
        parse_dockerfile(WEB_APPLICATION).stage("pakage")
    assert caught.value.hint.startswith("its stages: deps, test, tool")


def test_a_stage_without_a_name_is_reached_by_number_only() -> None:
    """COPY --from counts stages from zero; --target cannot name such a stage."""
    text = "FROM a\nFROM b\nCOPY --from=0 x y\n"
    assert labels(text) == ["0", "1"]
    with pytest.raises(ConfigurationError, match="none of its stages has a name"):
        parse_dockerfile(text).stage("0")


@pytest.mark.parametrize(
    ("text", "sources"),
    [
        ("FROM scratch\n", (ScratchSource(),)),
        ("FROM a:1@sha256:0\n", (ImageSource("a:1@sha256:0"),)),
        ("FROM host:5000/a/b:1\n", (ImageSource("host:5000/a/b:1"),)),
        ("ARG A=x\nFROM ${A}:${B:-1}\n", (ImageSource("x:1"),)),
        ('ARG A="x:1"\nFROM "$A"\n', (ImageSource("x:1"),)),
        ("ARG A=x B=$A-y\nFROM $B\n", (ImageSource("x-y"),)),
        ("ARG A\nFROM ${A:-x}\n", (ImageSource("x"),)),
        ("FROM x-$TARGETARCH\n", (ImageSource("x-amd64"),)),
        ("ARG TARGETARCH\nFROM x-$TARGETARCH\n", (ImageSource("x-amd64"),)),
        ("FROM a\nRUN --mount=from=b,target=/x y\n", (ImageSource("a"), ImageSource("b"))),
        ('FROM a\nRUN --mount=type=bind,"from=b",target=/x y\n', (ImageSource("a"), ImageSource("b"))),
        ("FROM a\nRUN --mount=type=cache,from=scratch,target=/x y\n", (ImageSource("a"), ScratchSource())),
        ("FROM a\nRUN --mount=type=bind,from=0,target=/x y\n", (ImageSource("a"), ImageSource("0"))),
        ("FROM a\nADD --from=b x y\n", (ImageSource("a"), ImageSource("b"))),
        ("FROM a\nCOPY --from=b x y\nCOPY --from=b z y\n", (ImageSource("a"), ImageSource("b"))),
        ('FROM a\nCOPY --from="b" x y\n', (ImageSource("a"), ImageSource("b"))),
        ("FROM a\nCOPY --from= x y\n", (ImageSource("a"),)),
        ("FROM a\nRUN cp --from=b x y\n", (ImageSource("a"),)),
        ("FROM a\nONBUILD COPY --from=b x y\n", (ImageSource("a"),)),
    ],
)
def test_a_stages_sources(text: str, sources: tuple[Source, ...]) -> None:
    """Every way in which a stage can name what it takes from."""
    assert all_sources(text)[-1] == sources


def test_an_argument_of_a_stage_is_unknown_to_later_from_lines() -> None:
    """Only ARGs above the first FROM count there; one inside a stage does not leak out."""
    graph = parse_dockerfile("ARG A=x\nFROM $A\nARG A=y\nFROM $A\n")
    assert graph.base(graph.stages[1]) == ImageSource("x")
    leaking = parse_dockerfile("FROM x\nARG B=y\nFROM ${B:-none}\n")
    assert leaking.base(leaking.stages[1]) == ImageSource("none")
    assert leaking.base(leaking.stages[1], {"B": "z"}) == ImageSource("none")


def test_onbuild_triggers_belong_to_the_stage_that_starts_from_theirs() -> None:
    """The base stage itself takes nothing, nor does the grandchild: triggers run once."""
    text = "FROM x AS tools\nFROM y AS base\nONBUILD COPY --from=tools a b\nFROM base AS child\nFROM child\n"
    assert all_sources(text) == [
        (ImageSource("x"),),
        (ImageSource("y"),),
        (StageSource(1), StageSource(0)),
        (StageSource(2),),
    ]
    assert labels(text, "base") == ["base"]
    assert labels(text, "child") == ["tools", "base", "child"]


def test_of_two_stages_with_one_name_the_last_counts() -> None:
    """FROM sees the one above it; COPY and --target the last one of the file, as in BuildKit."""
    text = "FROM x AS a\nFROM a AS b\nFROM y AS a\nFROM z\nCOPY --from=a p q\n"
    assert all_sources(text)[1] == (StageSource(0),)
    assert all_sources(text)[3] == (ImageSource("z"), StageSource(2))
    assert parse_dockerfile(text).stage("a").index == 2


def test_a_later_stage_as_base_is_read_as_an_image() -> None:
    """FROM looks only upwards; a stage defined below is not seen, an image of that name is pulled."""
    assert all_sources("FROM later\nFROM x AS later\n")[0] == (ImageSource("later"),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("FROM a\nCOPY --from=1 x y\n", "Dockerfile:2: --from=1: there are only the stages 0 to 0"),
        ("FROM a\nCOPY --from=-1 x y\n", "Dockerfile:2: --from=-1: there are only the stages 0 to 0"),
        ("FROM a\nARG B=c\nCOPY --from=$B x y\n", "Dockerfile:3: from=$B: variables are not expanded there"),
        ("FROM a\nRUN --mount=from=${B},target=/x y\n", "Dockerfile:2: from=${B}: variables are not expanded there"),
        ("FROM a\nONBUILD COPY --from=$B x y\n", "Dockerfile:2: from=$B: variables are not expanded there"),
    ],
)
def test_a_source_that_cannot_be_is_refused(text: str, message: str) -> None:
    """What BuildKit cannot take from, with file and line."""
    with pytest.raises(ConfigurationError) as caught:
        parse_dockerfile(text)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "FROM a AS one\nCOPY --from=two x y\nFROM b AS two\n",
            'Dockerfile:2: COPY takes from the stage "two", which must be defined before the stage "one"',
        ),
        ("FROM a AS one\nCOPY --from=one x y\n", 'Dockerfile:2: COPY takes from the stage "one"'),
        ("FROM a\nRUN --mount=from=b,target=/x y\nFROM c AS b\n", 'Dockerfile:2: RUN takes from the stage "b"'),
        ("ARG A\nFROM $A\n", "Dockerfile:2: FROM $A names nothing"),
        ("FROM ${A:?unset}\n", "Dockerfile:1: A: unset"),
        ("ARG A=${B\nFROM x$A\n", "Dockerfile:1: `${B` ends where a `}` is missing"),
        (
            "FROM a AS build\nFROM Build\n",
            "Dockerfile:2: FROM Build is read as an image, whose name cannot have capitals",
        ),
        (
            "FROM a AS base\nONBUILD COPY --from=tools x y\nFROM base AS child\nFROM z AS tools\n",
            'Dockerfile:2: COPY takes from the stage "tools", which must be defined before the stage "child"',
        ),
    ],
)
def test_a_stage_that_cannot_be_built_is_refused_when_it_is_asked_for(text: str, message: str) -> None:
    """Such a stage may stand in the file as long as no target needs it; FROM is judged with its arguments."""
    with pytest.raises(ConfigurationError) as caught:
        all_sources(text)
    assert str(caught.value).startswith(message)


def test_a_broken_stage_does_not_matter_to_a_target_that_does_not_need_it() -> None:
    """BuildKit builds such a file, so the graph answers for it."""
    text = "FROM a AS one\nCOPY --from=two x y\nFROM b AS two\n"
    assert labels(text) == ["two"]
    with pytest.raises(ConfigurationError, match='takes from the stage "two"'):
        labels(text, "one")
