"""Our job beside those of somebody else's CI file."""

import pytest
from ruamel.yaml import YAML

from sledgehammer.errors import ConflictError
from sledgehammer_gitlab.ci_merge import END, ci_text_for

OURS = "# Managed by sledge (format 1, content 000000000000): x\nworkflow:\n  rules: []\nbuild:\n  script:\n    - one\n"
NEWER = OURS.replace("- one", "- two")
THEIRS = """\
# pipelines of the web team
stages:   [lint, build, deploy]

.base: &base   # a template
    image: "rust:1"
    before_script:
    - echo hi

lint: {<<: *base, stage: lint, script: [cargo clippy]}

deploy:
    <<: *base
    stage: deploy
    script: ['./deploy']   # by hand
"""


def merged(own: str | None = THEIRS, ours: str = OURS) -> str:
    return ci_text_for(own, ours).text


def test_gitlab_ci_merge_without_a_file_of_their_own_is_our_file() -> None:
    """Nothing is to be merged."""
    assert merged(None) == OURS


def test_gitlab_ci_merge_keeps_their_text_to_the_letter() -> None:
    """Comments, anchors, order and odd spaces; our job is added, and our workflow is not."""
    text = merged()
    assert text.startswith(THEIRS)
    document = YAML(typ="safe", pure=True).load(text)
    assert list(document) == ["stages", ".base", "lint", "deploy", "build"]
    assert document["build"] == {"stage": "build", "inherit": {"default": False}, "script": ["one"]}


def test_gitlab_ci_merge_replaces_our_job_and_nothing_else() -> None:
    """A newer job takes the older one's place, also with jobs behind it; the same again changes nothing."""
    once = merged()
    assert merged(once) == once
    assert merged(once, NEWER) == merged(ours=NEWER)
    later = f"{once}\nrelease:\n  script: [ship]\n"
    twice = merged(later, NEWER)
    assert (twice.count("# Managed by sledge"), twice.count("release:")) == (1, 1)
    assert YAML(typ="safe", pure=True).load(twice)["build"]["script"] == ["two"]


@pytest.mark.parametrize(
    ("stages", "stage"),
    [("stages: [a, test]", "test"), ("stages: [a, b]", "a"), ("stages: [x, build]", "build"), ("x: {script: [y]}", "")],
)
def test_gitlab_ci_merge_takes_a_stage_that_is_there(stages: str, stage: str) -> None:
    """One of theirs; GitLab's own where they name none."""
    document = YAML(typ="safe", pure=True).load(merged(f"{stages}\n"))
    assert document["build"].get("stage", "") == stage


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ("build: {script: [make]}\n", 'has a job "build" of its own'),
        (merged().replace("- one", "- mine"), "was changed by hand"),
        (merged().replace(END, ""), "was changed by hand"),
        ("a: [\n", "is not YAML"),
        ("- a\n", "is no mapping"),
    ],
)
def test_gitlab_ci_merge_that_cannot_be_is_a_conflict(own: str, message: str) -> None:
    """With what to do about it."""
    with pytest.raises(ConflictError, match=message) as caught:
        merged(own)
    assert caught.value.hint


def test_gitlab_ci_merge_says_when_a_file_includes_others() -> None:
    """A lint must then find them on the server, those of the repository in what was pushed."""
    for own in ("a.yml", "[{local: a.yml}]", "[{template: Jobs/Build.gitlab-ci.yml}, 'ci/*.yml']", "{local: a.yml}"):
        assert ci_text_for(f"include: {own}\n", OURS).reads_files
    for elsewhere in ("https://example.com/a.yml", "[{project: a/b, file: c.yml}]", "{component: a/b@1}"):
        assert not ci_text_for(f"include: {elsewhere}\n", OURS).reads_files
    assert not ci_text_for(THEIRS, OURS).reads_files
