"""Whole CI files compiled: includes, inheritance, stages, workflow, realistic files."""

from collections.abc import Mapping

import pytest

from sledgehammer_localstack.ci.compiler import NO_JOBS, WORKFLOW_FILTERED, compile_pipeline, merged_yaml
from sledgehammer_localstack.ci.errors import CiConfigError
from sledgehammer_localstack.ci.model import Filtered, Job, Pipeline, Service, Variable, When
from sledgehammer_localstack.ci.source import PipelineSource
from sledgehammer_localstack.ci.variables import as_mapping

DIND = """
stages: [build, test]

variables:
  DOCKER_TLS_CERTDIR: /certs
  IMAGE_TAG: $CI_REGISTRY_IMAGE:$CI_COMMIT_SHORT_SHA

workflow:
  rules:
    - if: $CI_COMMIT_TAG
      when: never
    - when: always

.docker:
  image: docker:26.1-cli
  services:
    - name: docker:26.1-dind
      alias: docker
      command: ["--mtu=1400"]
      variables:
        HEALTHCHECK_TCP_PORT: "2376"
  before_script:
    - echo "$CI_REGISTRY_PASSWORD" | docker login -u "$CI_REGISTRY_USER" --password-stdin "$CI_REGISTRY"

build:
  extends: .docker
  stage: build
  timeout: 1h 30m
  script:
    - docker build -t "$IMAGE_TAG" .
    - docker push "$IMAGE_TAG"
  retry:
    max: 2
    when: [runner_system_failure, stuck_or_timeout_failure]

smoke:
  extends: .docker
  stage: test
  needs: [build]
  script: docker run --rm "$IMAGE_TAG" true
"""


def source(files: str | Mapping[str, str], **predefined: str) -> PipelineSource:
    """A commit that holds these files; text alone is its `.gitlab-ci.yml`."""
    tree = {".gitlab-ci.yml": files} if isinstance(files, str) else files
    return PipelineSource(
        read_file=tree.get,
        list_files=lambda: list(tree),
        predefined=tuple(Variable(key=key, value=value) for key, value in predefined.items()),
    )


def compiled(files: str | Mapping[str, str], **predefined: str) -> Pipeline:
    """The pipeline of these files, which is not filtered out."""
    result = compile_pipeline(source(files, **predefined))
    assert isinstance(result, Pipeline)
    return result


def job(pipeline: Pipeline, name: str) -> Job:
    """The job of this name."""
    return next(job for job in pipeline.jobs if job.name == name)


def test_a_docker_in_docker_file_compiles_whole() -> None:
    """The shape that `sledge render` writes keeps image, service, login and retry where they belong."""
    pipeline = compiled(DIND, CI_COMMIT_BRANCH="main")
    assert pipeline.stages == ("build", "test")
    build, smoke = pipeline.jobs
    assert build.services == (
        Service(
            name="docker:26.1-dind",
            alias="docker",
            command=("--mtu=1400",),
            variables=(Variable(key="HEALTHCHECK_TCP_PORT", value="2376"),),
        ),
    )
    assert build.timeout_s == 5400
    assert (build.retry.max, build.retry.when) == (2, ("runner_system_failure", "stuck_or_timeout_failure"))
    assert build.before_script[0].startswith("echo")
    assert [need.job for need in smoke.needs or ()] == ["build"]
    assert smoke.script == ('docker run --rm "$IMAGE_TAG" true',)
    assert as_mapping(smoke.variables)["IMAGE_TAG"] == "$CI_REGISTRY_IMAGE:$CI_COMMIT_SHORT_SHA"


def test_workflow_rules_can_leave_out_the_whole_pipeline() -> None:
    """A matching `never` and no match at all both give the reason that GitLab shows."""
    assert compile_pipeline(source(DIND, CI_COMMIT_TAG="v1")) == Filtered(reason=WORKFLOW_FILTERED)
    unmatched = "workflow: {rules: [{if: $NOWHERE}]}\na: {script: x}"
    assert compile_pipeline(source(unmatched)) == Filtered(reason=WORKFLOW_FILTERED)


def test_a_pipeline_without_jobs_is_filtered() -> None:
    """Rules that leave no job, or only jobs of .pre and .post, make no pipeline."""
    result = compile_pipeline(source("a: {script: x, rules: [{if: $NO}]}\nb: {stage: .pre, script: x}"))
    assert result == Filtered(reason=NO_JOBS)


def test_workflow_names_the_pipeline_and_sets_variables() -> None:
    """`workflow:name` is expanded with the variables that the matching workflow rule sets."""
    pipeline = compiled(
        "workflow: {name: 'To $WHERE of $CI_COMMIT_BRANCH', rules: [{variables: {WHERE: production}}]}\n"
        "variables: {WHERE: nowhere}\na: {script: x}",
        CI_COMMIT_BRANCH="main",
    )
    assert pipeline.name == "To production of main"
    assert as_mapping(pipeline.jobs[0].variables) == {"WHERE": "production"}


def test_stages_default_and_order_jobs_between_pre_and_post() -> None:
    """Jobs come in stage order whatever the file's order; unused stages are left out."""
    pipeline = compiled(
        "z: {stage: .post, script: x}\nd: {stage: deploy, script: x}\nt: {script: x}\na: {stage: .pre, script: x}"
    )
    assert [job.name for job in pipeline.jobs] == ["a", "t", "d", "z"]
    assert pipeline.stages == (".pre", "test", "deploy", ".post")


def test_included_files_are_merged_below_the_including_one() -> None:
    """Later includes win over earlier ones, the file itself over all; nested includes and patterns work."""
    files = {
        ".gitlab-ci.yml": "include: [/ci/a.yml, {local: 'ci/more/*.yml'}]\njob: {script: main}",
        "ci/a.yml": "include: {local: ci/deep.yml}\njob: {script: a, image: from-a}\nvariables: {V: a}",
        "ci/deep.yml": "job: {image: from-deep, stage: deploy}",
        "ci/more/b.yml": "variables: {V: b}",
        "ci/more/c.yml": "c: {script: x}",
    }
    pipeline = compiled(files)
    only = job(pipeline, "job")
    assert only.image is not None
    assert (only.script, only.image.name, only.stage) == (("main",), "from-a", "deploy")
    assert as_mapping(only.variables) == {"V": "b"}
    assert job(pipeline, "c").script == ("x",)


def test_include_rules_and_variables_choose_files() -> None:
    """An include can depend on variables, on files, and carry a variable in its path."""
    files = {
        ".gitlab-ci.yml": (
            "include:\n"
            "  - {local: '$WHICH.yml', rules: [{exists: [Dockerfile]}]}\n"
            "  - {local: never.yml, rules: [{if: $NO}]}\n"
        ),
        "Dockerfile": "",
        "some.yml": "a: {script: x}",
    }
    assert [job.name for job in compiled(files, WHICH="some").jobs] == ["a"]


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({".gitlab-ci.yml": "include: gone.yml"}, "Local file `gone.yml` does not exist!"),
        ({".gitlab-ci.yml": "include: gone.txt"}, "does not have YAML extension"),
        ({".gitlab-ci.yml": "include: https://example.com/a.yml"}, "uses `remote`"),
        ({".gitlab-ci.yml": "include: [{template: Docker.gitlab-ci.yml}]"}, "uses `template`"),
        ({".gitlab-ci.yml": "include: [{component: x}]"}, "uses `component`"),
        ({".gitlab-ci.yml": "include: [{locl: x.yml}]"}, "unknown keys: locl, did you mean local?"),
        ({".gitlab-ci.yml": "include: a.yml", "a.yml": "include: a.yml"}, "includes itself"),
        ({".gitlab-ci.yml": "include: a.yml", "a.yml": "- list"}, "a.yml: Invalid configuration format"),
        ({".gitlab-ci.yml": "a: {script: x}\n b: ["}, ".gitlab-ci.yml:2: Invalid configuration format"),
        ({".gitlab-ci.yml": "a: {script: x}\na: {script: y}"}, ".gitlab-ci.yml:2: Invalid configuration format"),
        ({".gitlab-ci.yml": ""}, "it is empty"),
        ({".gitlab-ci.yml": "spec: {inputs: {}}\n---\na: {script: x}"}, "header document"),
        ({}, "no such file"),
    ],
)
def test_files_that_cannot_be_read_are_errors_that_name_them(files: Mapping[str, str], sentence: str) -> None:
    """Missing, foreign, circular and broken files each give a sentence with the file or the keyword."""
    with pytest.raises(CiConfigError) as caught:
        compile_pipeline(source(files))
    assert sentence in str(caught.value)


def test_extends_merges_mappings_and_replaces_lists() -> None:
    """Several parents merge from left to right, over several levels, the job last."""
    pipeline = compiled(
        ".a: {variables: {X: a, Y: a}, script: [a], tags: [one]}\n"
        ".b: {extends: .a, variables: {Y: b}}\n"
        ".c: {script: [c]}\n"
        "job: {extends: [.b, .c], variables: {Z: job}, tags: [two]}"
    )
    only = pipeline.jobs[0]
    assert as_mapping(only.variables) == {"X": "a", "Y": "b", "Z": "job"}
    assert (only.script, only.tags) == (("c",), ("two",))


def test_references_reach_into_other_jobs_and_nest() -> None:
    """Scripts, rules and single values can be taken from elsewhere, also by way of another reference."""
    pipeline = compiled(
        ".setup: {script: [one, two], variables: {V: value}}\n"
        ".more: {script: [!reference [.setup, script], three]}\n"
        ".rules: {rules: [{if: $NO}, {when: always}]}\n"
        "job:\n"
        "  script: [!reference [.more, script], four]\n"
        "  variables: {W: !reference [.setup, variables, V]}\n"
        "  rules: [!reference [.rules, rules]]\n"
    )
    only = pipeline.jobs[0]
    assert only.script == ("one", "two", "three", "four")
    assert as_mapping(only.variables) == {"W": "value"}
    assert only.when is When.ALWAYS


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: {extends: .gone, script: x}\n.gon: {}", "a: unknown keys in `extends` (.gone), did you mean .gon?"),
        (".a: {extends: .b}\n.b: {extends: .a}\nc: {extends: .a}", "circular dependency detected in `extends`"),
        ("a: {script: [!reference [.b, script]]}", '!reference [".b", "script"] could not be found'),
        (
            ".a: {script: [!reference [.b, script]]}\n.b: {script: [!reference [.a, script]]}\nc: {script: x}",
            "circular chain",
        ),
    ],
)
def test_broken_inheritance_is_an_error(text: str, sentence: str) -> None:
    """Unknown parents, circles and references to nothing are named."""
    with pytest.raises(CiConfigError) as caught:
        compile_pipeline(source(text))
    assert sentence in str(caught.value)


def test_defaults_reach_jobs_as_far_as_they_inherit() -> None:
    """`default` and the older keywords at the top apply; a job's own value and `inherit` hold them back."""
    pipeline = compiled(
        "image: top\ndefault: {before_script: [setup], tags: [t], retry: 1}\nvariables: {A: '1', B: '2'}\n"
        "all: {script: x}\n"
        "own: {script: x, before_script: [], image: own}\n"
        "none: {script: x, inherit: {default: false, variables: false}}\n"
        "some: {script: x, inherit: {default: [tags], variables: [B]}}\n"
    )
    every, own, none, some = pipeline.jobs
    assert every.image is not None
    assert (every.image.name, every.before_script, every.tags, every.retry.max) == ("top", ("setup",), ("t",), 1)
    assert own.image is not None
    assert (own.image.name, own.before_script) == ("own", ())
    assert (none.image, none.before_script, none.variables) == (None, (), ())
    assert (some.before_script, some.tags, as_mapping(some.variables)) == ((), ("t",), {"B": "2"})


def test_all_mistakes_of_a_file_are_listed_at_once() -> None:
    """Lint shows every independent mistake, each with its job and keyword and the nearest known word."""
    with pytest.raises(CiConfigError) as caught:
        compile_pipeline(
            source(
                "stages: [build]\n"
                "defualt: {}\n"
                "foo: 3\n"
                "one: {scrpt: x, stage: build}\n"
                "two: {script: x, stage: biuld, only: [main]}\n"
                "three: {script: x, stage: tset}\n"
            )
        )
    assert caught.value.sentences == (
        "jobs:defualt config should implement the script:, run:, or trigger: keyword",
        "root config contains unknown keys: foo",
        "jobs:one config contains unknown keys: scrpt, did you mean script?",
        "jobs:one config should implement the script:, run:, or trigger: keyword",
        "jobs:two config uses `only`, which the local GitLab does not support",
        "three job: chosen stage tset does not exist; available stages are .pre, build, .post",
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("stages: [a]", "should contain at least one visible job"),
        (".hidden: {script: x}", "should contain at least one visible job"),
        ("pages: {script: x}", "`pages`, which the local GitLab does not support"),
        ("workflow: {auto_cancel: {}}\na: {script: x}", "`auto_cancel`, which the local GitLab does not support"),
        ("workflow: {rules: [{when: manual}]}\na: {script: x}", "should be one of: always, never"),
        ("default: {scrpt: x}\na: {script: x}", "default config contains unknown keys: scrpt"),
        ("default: {timeout: soon}\na: {script: x, timeout: 1h}", "default:timeout should be a duration"),
        ("image: {script: x}\na: {script: x, image: y}", "default:image config contains unknown keys: script"),
        ("default: {id_tokens: {}}\na: {script: x}", "default config uses `id_tokens`"),
        ("variables: [a]\na: {script: x}", "variables config should be a hash"),
        ("variables: {V: {value: x, optoins: [x]}}\na: {script: x}", "optoins, did you mean options?"),
        ("variables: {V: {value: z, options: [x]}}\na: {script: x}", "value must be present in options"),
        ("stages: build\na: {script: x}", "stages config should be an array of strings"),
    ],
)
def test_mistakes_at_the_top_of_a_file_are_named(text: str, sentence: str) -> None:
    """Global keywords are checked as strictly as those of jobs."""
    with pytest.raises(CiConfigError) as caught:
        compile_pipeline(source(text))
    assert sentence in str(caught.value)


def test_a_job_that_may_start_two_pipelines_is_warned_of() -> None:
    """A bare `when` as last rule without `workflow:rules` gives GitLab's warning."""
    pipeline = compiled("a: {script: x, rules: [{if: $NO}, {when: always}]}\nb: {script: x}")
    assert [warning.split()[0] for warning in pipeline.warnings] == ["jobs:a"]


def test_yaml_is_read_as_ruby_reads_it() -> None:
    """Leading zeros are octal, `yes` is true, `y` is a word, anchors and merge keys work."""
    pipeline = compiled(
        "variables: {OCTAL: 012, TRUE_WORD: yes, WORD: y, DATE: 2020-01-02, FLOAT: 1.50}\n"
        ".base: &base {image: base, tags: [t]}\na: {<<: *base, script: x}"
    )
    only = pipeline.jobs[0]
    assert as_mapping(only.variables) == {
        "OCTAL": "10",
        "TRUE_WORD": "true",
        "WORD": "y",
        "DATE": "2020-01-02",
        "FLOAT": "1.5",
    }
    assert only.tags == ("t",)


def test_the_merged_file_shows_what_became_of_it() -> None:
    """Lint's merged YAML holds included jobs and resolved references, and compiles to the same pipeline."""
    files = {
        ".gitlab-ci.yml": "include: a.yml\njob: {extends: .base, script: [!reference [.base, tags]]}",
        "a.yml": ".base: {tags: [t]}",
    }
    text = merged_yaml(source(files))
    assert "include" not in text
    assert "!reference" not in text
    assert compiled(text) == compiled(files)
