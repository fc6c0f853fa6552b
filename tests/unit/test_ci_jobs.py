"""The keywords of one job: what they become, and what is refused by name."""

import hashlib
from collections.abc import Mapping

import pytest

from sledgehammer_localstack.ci.compiler import compile_pipeline
from sledgehammer_localstack.ci.errors import CiConfigError
from sledgehammer_localstack.ci.job_entries import JOB_KEYS, REFUSED_JOB_KEYS
from sledgehammer_localstack.ci.model import (
    Artifacts,
    Cache,
    Environment,
    Image,
    Job,
    Need,
    Pipeline,
    Report,
    Retry,
    Service,
    Variable,
    When,
)
from sledgehammer_localstack.ci.source import PipelineSource


def jobs(text: str, files: Mapping[str, str] | None = None) -> tuple[Job, ...]:
    """The jobs of this CI file, beside these files."""
    tree = {".gitlab-ci.yml": text, **(files or {})}
    source = PipelineSource(
        read_file=tree.get,
        list_files=lambda: list(tree),
        predefined=(Variable(key="CI_COMMIT_BRANCH", value="main"),),
    )
    pipeline = compile_pipeline(source)
    assert isinstance(pipeline, Pipeline)
    return pipeline.jobs


def with_keyword(text: str, files: Mapping[str, str] | None = None) -> Job:
    """The job `it` with a script and this keyword, after a job `first` of an earlier stage."""
    return jobs(f"first: {{stage: build, script: x}}\nit:\n  script: x\n  {text}", files)[-1]


@pytest.mark.parametrize(
    ("text", "field", "expected"),
    [
        ("image: docker:26.1-cli", "image", Image(name="docker:26.1-cli")),
        (
            "image: {name: a, entrypoint: [''], pull_policy: if-not-present}",
            "image",
            Image(name="a", entrypoint=("",), pull_policy=("if-not-present",)),
        ),
        ("services: [a:1]", "services", (Service(name="a:1"),)),
        (
            "services: [{name: a, alias: b, entrypoint: [e], command: c, variables: {V: {value: $X, expand: false}}}]",
            "services",
            (
                Service(
                    name="a",
                    alias="b",
                    entrypoint=("e",),
                    command=("c",),
                    variables=(Variable(key="V", value="$X", raw=True),),
                ),
            ),
        ),
        ("before_script: [a, [b, [c]]]", "before_script", ("a", "b", "c")),
        ("after_script: one", "after_script", ("one",)),
        ("variables: {A: 1, B: {value: b, expand: false}}", "variables", (
            Variable(key="A", value="1"), Variable(key="B", value="b", raw=True),
        )),
        ("when: on_failure", "when", When.ON_FAILURE),
        ("when: manual", "allow_failure", True),
        ("{when: manual, allow_failure: false}", "allow_failure", False),
        ("allow_failure: true", "allow_failure", True),
        ("allow_failure: {exit_codes: 3}", "allow_failure_exit_codes", (3,)),
        ("allow_failure: {exit_codes: [3, 137]}", "allow_failure_exit_codes", (3, 137)),
        ("needs: []", "needs", ()),
        ("needs: [first]", "needs", (Need(job="first"),)),
        ("needs: [{job: first, artifacts: false}]", "needs", (Need(job="first", artifacts=False),)),
        ("needs: [{job: gone, optional: true}]", "needs", ()),
        ("dependencies: []", "dependencies", ()),
        ("dependencies: [first]", "dependencies", ("first",)),
        ("artifacts: {paths: [a/*], exclude: [a/x], untracked: true, name: n, when: always, expire_in: 1 week}",
         "artifacts", Artifacts(
             paths=("a/*",), exclude=("a/x",), untracked=True, name="n", when="always", expire_in="1 week"
         )),
        ("artifacts: {reports: {dotenv: b.env, junit: [a.xml, b.xml]}}", "artifacts", Artifacts(
            reports=(Report(kind="dotenv", paths=("b.env",)), Report(kind="junit", paths=("a.xml", "b.xml"))),
        )),
        ("artifacts: {paths: [a], expire_in: never}", "artifacts", Artifacts(paths=("a",), expire_in="never")),
        ("cache: {paths: [p]}", "caches", (Cache(paths=("p",)),)),
        ("cache: {key: $CI_COMMIT_REF_SLUG, paths: [p], policy: pull, when: always, untracked: true, unprotect: true}",
         "caches", (Cache(
             key="$CI_COMMIT_REF_SLUG", paths=("p",), policy="pull", when="always", untracked=True, protectable=False
         ),)),
        ("cache: [{key: a, paths: [p]}, {key: b, paths: [q], fallback_keys: [c]}]", "caches", (
            Cache(key="a", paths=("p",)), Cache(key="b", paths=("q",), fallback_keys=("c",)),
        )),
        ("cache: {key: {files: [gone.lock], prefix: p}, paths: [p]}", "caches",
         (Cache(key="p-default", paths=("p",)),)),
        ("cache: {}", "caches", ()),
        ("retry: 2", "retry", Retry(max=2)),
        ("retry: {max: 1, when: script_failure}", "retry", Retry(max=1, when=("script_failure",))),
        ("retry: {max: 1, exit_codes: [137]}", "retry", Retry(max=1, when=(), exit_codes=(137,))),
        ("timeout: 10 minutes", "timeout_s", 600),
        ("tags: [docker, $CI_COMMIT_BRANCH]", "tags", ("docker", "main")),
        ("interruptible: true", "interruptible", True),
        ("environment: production", "environment", Environment(name="production")),
        ("environment: {name: review/$CI_COMMIT_BRANCH, url: https://$X}", "environment",
         Environment(name="review/main", url="https://$X")),
        (r"coverage: '/\d+%/'", "coverage", r"\d+%"),
        ("script: [a, [b]]", "script", ("a", "b")),
        ("image: null", "image", None),
    ],
)  # fmt: skip
def test_a_keyword_becomes_a_field(text: str, field: str, expected: object) -> None:
    """Every form of a keyword gives its typed value."""
    block = text if not text.startswith("{") else text[1:-1].replace(", ", "\n  ")
    if text.startswith("script:"):
        (job,) = jobs(f"it: {{{text}}}")
    else:
        job = with_keyword(block)
    assert getattr(job, field) == expected


def test_a_cache_key_of_files_follows_their_content() -> None:
    """The key changes with a file's content, not with a file that is not there, and keeps its prefix."""
    text = "cache: {key: {files: [a.lock, gone], prefix: $CI_JOB_NAME}, paths: [p]}"
    first, again, other = (with_keyword(text, {"a.lock": content}).caches[0].key for content in ("1", "1", "2"))
    assert first == again != other
    assert first == "$CI_JOB_NAME-" + hashlib.sha256(b"a.lock\x001\x00").hexdigest()


@pytest.mark.parametrize("key", REFUSED_JOB_KEYS)
def test_a_keyword_of_gitlab_that_is_not_carried_out_is_refused(key: str) -> None:
    """What the local GitLab cannot do is an error with job and keyword, never ignored."""
    with pytest.raises(CiConfigError, match=f"jobs:it config uses `{key}`, which the local GitLab does not support"):
        with_keyword(f"{key}: x")


def test_each_keyword_of_the_schema_is_known_or_refused() -> None:
    """No keyword is both, and together they leave none of the documented ones to be called a typing error."""
    assert not set(JOB_KEYS) & set(REFUSED_JOB_KEYS)
    documented = {
        "after_script", "allow_failure", "artifacts", "before_script", "cache", "coverage", "dast_configuration",
        "dependencies", "environment", "except", "extends", "hooks", "id_tokens", "identity", "image", "inherit",
        "inputs", "interruptible", "manual_confirmation", "needs", "only", "pages", "parallel", "publish", "release",
        "resource_group", "retry", "rules", "run", "script", "secrets", "services", "stage", "start_in", "tags",
        "timeout", "trigger", "variables", "when",
    }  # fmt: skip
    assert documented == set(JOB_KEYS) | set(REFUSED_JOB_KEYS)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("imge: x", "jobs:it config contains unknown keys: imge, did you mean image?"),
        ("imge:", "jobs:it config contains unknown keys: imge, did you mean image?"),
        ("image: {nme: x}", "jobs:it:image config contains unknown keys: nme, did you mean name?"),
        ("image: {name: x, docker: {user: y}}", "jobs:it:image config uses `docker`"),
        ("image: {entrypoint: [x]}", "jobs:it:image name can't be blank"),
        ("image: {name: x, pull_policy: allways}", "did you mean always?"),
        ("services: docker:dind", "jobs:it:services config should be a array"),
        ("services: [{name: x, kubernetes: {}}]", "jobs:it:services:service config uses `kubernetes`"),
        ("before_script: {a: b}", "jobs:it:before_script config should be a string or a nested array"),
        ("before_script: [1]", "jobs:it:before_script config should be a string or a nested array"),
        ("variables: {A: [x]}", "jobs:it:variables:A config should be a string, a number or a boolean"),
        ("variables: {A: {value: x, description: d}}", "jobs:it:variables:A config contains unknown keys: description"),
        ("when: delayed", "jobs:it:when config uses `delayed`"),
        ("when: allways", "did you mean always?"),
        ("allow_failure: {exit_code: 1}", "exit_code, did you mean exit_codes?"),
        ("allow_failure: maybe", "jobs:it:allow_failure config should be a hash"),
        ("artifacts: {pahts: [a]}", "pahts, did you mean paths?"),
        ("artifacts: {paths: a}", "jobs:it:artifacts:paths config should be an array of strings"),
        ("artifacts: {access: all}", "jobs:it:artifacts config uses `access`"),
        ("artifacts: {reports: {sast: a.json}}", "jobs:it:artifacts:reports config uses `sast`"),
        ("artifacts: {reports: {dotnev: a}}", "dotnev, did you mean dotenv?"),
        ("artifacts: {paths: [a], expire_in: soon}", "jobs:it:artifacts:expire_in should be a duration"),
        ("artifacts: {paths: [a], when: never}", "jobs:it:artifacts:when config should be one of"),
        ("cache: {key: a/b, paths: [p]}", 'cannot contain the "/" character'),
        ("cache: {key: {files_commits: [a]}}", "jobs:it:cache:key config uses `files_commits`"),
        ("cache: {policy: psuh}", "jobs:it:cache:policy config should be one of: pull-push, push, pull, did you"),
        ("cache: [{}, {}, {}, {}, {}]", "no more than 4 caches"),
        ("retry: 3", "jobs:it:retry config should be a whole number from 0 to 2"),
        ("retry: {max: 1, when: script_failur}", "did you mean script_failure?"),
        ("timeout: soon", "jobs:it:timeout should be a duration"),
        ("tags: docker", "jobs:it:tags config should be an array of strings"),
        ("interruptible: 1", "jobs:it:interruptible config should be a boolean value"),
        ("environment: {name: x, on_stop: y}", "jobs:it:environment config uses `on_stop`"),
        ("environment: {url: x}", "jobs:it:environment name can't be blank"),
        ("coverage: abc", "jobs:it:coverage config must be a regular expression"),
        ("parallel: 0", "jobs:it:parallel config should be a whole number from 1 to 200"),
        ("parallel: {matrix: []}", "jobs:it:parallel:matrix config should be an array of hashes"),
        ("inherit: {defaults: false}", "defaults, did you mean default?"),
        ("inherit: {default: [imag]}", "imag, did you mean image?"),
        ("needs: [{pipeline: x, job: y}]", "jobs:it:needs:need config uses `pipeline`"),
        ("needs: [frist]", "it job: undefined need: frist, did you mean first?"),
        ("needs: [first, first]", "duplicate entries: first"),
        ("needs: [it]", "circular dependencies"),
        ("dependencies: [frist]", "it job: undefined dependency: frist, did you mean first?"),
        ("rules: {if: $A}", "jobs:it:rules config should be an array of hashes"),
        ("rules: [{iff: $A}]", "jobs:it:rules:rule config contains unknown keys: iff, did you mean if?"),
        ("rules: [{changes: {paths: [a], compare_to: b}}]", "uses `compare_to`"),
        ("rules: [{exists: {paths: [a], project: b}}]", "uses `project`"),
        ("rules: [{when: delayed, start_in: 1 hour}]", "uses `start_in`"),
    ],
)
def test_a_wrong_keyword_is_named_with_its_job(text: str, sentence: str) -> None:
    """The sentence holds the place in GitLab's notation and, for a typing error, the nearest known word."""
    with pytest.raises(CiConfigError) as caught:
        with_keyword(text)
    assert sentence in str(caught.value)
