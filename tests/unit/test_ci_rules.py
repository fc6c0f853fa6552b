"""Which jobs are in a pipeline: rules, needs on jobs that are not there, parallel and matrix."""

from collections.abc import Sequence

import pytest

from sledgehammer_localstack.ci.compiler import compile_pipeline
from sledgehammer_localstack.ci.errors import CiConfigError
from sledgehammer_localstack.ci.model import Job, Need, Pipeline, Variable, When
from sledgehammer_localstack.ci.source import PipelineSource
from sledgehammer_localstack.ci.variables import as_mapping


def jobs(
    text: str,
    *,
    changed: Sequence[str] | None = None,
    files: Sequence[str] = (),
    settings: tuple[Variable, ...] = (),
    given: tuple[Variable, ...] = (),
) -> dict[str, Job]:
    """The jobs of this CI file by name, beside a job `anchor` that is always there."""
    tree = {".gitlab-ci.yml": f"anchor: {{stage: build, script: x}}\n{text}", **dict.fromkeys(files, "")}
    pipeline = compile_pipeline(
        PipelineSource(
            read_file=tree.get,
            list_files=lambda: list(tree),
            changed_paths=None if changed is None else lambda: frozenset(changed),
            predefined=(Variable(key="CI_COMMIT_BRANCH", value="main"), Variable(key="LEVEL", value="predefined")),
            settings=settings,
            given=given,
        )
    )
    assert isinstance(pipeline, Pipeline)
    return {job.name: job for job in pipeline.jobs}


@pytest.mark.parametrize(
    ("rules", "is_in"),
    [
        ('[{if: $CI_COMMIT_BRANCH == "main"}]', True),
        ('[{if: $CI_COMMIT_BRANCH == "dev"}]', False),
        ("[]", False),
        ("[{when: never}]", False),
        ("[{if: $CI_COMMIT_BRANCH, when: never}, {when: always}]", False),
        ("[{if: $NO, when: never}, {when: always}]", True),
        ("[{changes: [src/**/*.py]}]", True),
        ("[{changes: [docs/*]}]", False),
        ("[{changes: {paths: ['$DIR/a.py']}}]", True),
        ("[{changes: [src/a.py], if: $NO}]", False),
        ("[{exists: [Dockerfile]}]", True),
        ("[{exists: [sub/Dockerfile]}]", False),
        ("[{exists: ['**/*.lock']}]", True),
        ('[{if: $CI_JOB_NAME == "it"}]', True),
        ("[{if: $CI_PIPELINE_SOURCE}]", False),
        ('[{if: $DIR == "src"}]', True),
    ],
)
def test_rules_decide_whether_a_job_is_there(rules: str, is_in: bool) -> None:
    """The first matching rule decides; several clauses of one rule must all hold."""
    text = f"it: {{script: x, variables: {{DIR: src}}, rules: {rules}}}"
    assert ("it" in jobs(text, changed=["src/a.py"], files=["Dockerfile", "x/y.lock"])) is is_in


def test_everything_counts_as_changed_where_there_is_no_push_to_compare() -> None:
    """On a new branch, a tag or an API call `changes` always holds, as on GitLab."""
    text = "it: {script: x, rules: [{changes: [nothing]}]}"
    assert "it" in jobs(text, changed=None)
    assert "it" not in jobs(text, changed=[])


def test_a_rule_sets_attributes_of_the_job() -> None:
    """`when`, `allow_failure`, `variables`, `needs` and `interruptible` of the matching rule replace the job's own."""
    it = jobs(
        "it: {script: x, variables: {A: job, B: job}, allow_failure: false, rules: "
        "[{if: $CI_COMMIT_BRANCH, when: manual, allow_failure: true, variables: {A: rule}, needs: [anchor],"
        " interruptible: true}]}"
    )["it"]
    assert (it.when, it.allow_failure, it.interruptible) == (When.MANUAL, True, True)
    assert as_mapping(it.variables) == {"A": "rule", "B": "job"}
    assert it.needs == (Need(job="anchor"),)


@pytest.mark.parametrize(
    ("keywords", "may_fail"),
    [
        ("when: manual", True),
        ("rules: [{when: manual}]", False),
        ("when: manual, rules: [{if: $CI_COMMIT_BRANCH}]", True),
        ("rules: [{when: manual, allow_failure: true}]", True),
        ("allow_failure: true, rules: [{when: manual}]", True),
        ("rules: [{when: always}]", False),
    ],
)
def test_a_manual_job_blocks_only_when_its_rules_made_it_manual(keywords: str, may_fail: bool) -> None:
    """GitLab's defaults of `allow_failure` for manual jobs."""
    assert jobs(f"it: {{script: x, {keywords}}}")["it"].allow_failure is may_fail


def test_rules_see_variables_in_gitlabs_precedence() -> None:
    """Given with the pipeline, then settings, then job, then global, then predefined."""
    text = "variables: {LEVEL: global}\nit: {script: x, %s rules: [{if: '$LEVEL == \"%s\"'}]}"
    job_level = "variables: {LEVEL: job},"
    project = (Variable(key="LEVEL", value="project"),)
    trigger = (Variable(key="LEVEL", value="trigger"),)
    assert "it" in jobs("it: {script: x, rules: [{if: '$LEVEL == \"predefined\"'}]}")
    assert "it" in jobs(text % ("", "global"))
    assert "it" in jobs(text % (job_level, "job"))
    assert "it" in jobs(text % (job_level, "project"), settings=project)
    assert "it" in jobs(text % (job_level, "trigger"), settings=project, given=trigger)


def test_needing_a_job_that_rules_left_out_is_an_error_unless_optional() -> None:
    """GitLab refuses the pipeline and says how to make the need optional."""
    text = "gone: {stage: build, script: x, rules: [{if: $NO}]}\nit: {script: x, needs: [%s]}"
    with pytest.raises(CiConfigError, match="'it' job needs 'gone' job, but 'gone' does not exist in the pipeline"):
        jobs(text % "gone")
    assert jobs(text % "{job: gone, optional: true}")["it"].needs == ()


def test_a_need_may_not_look_forward() -> None:
    """Needs and dependencies name jobs of the same or earlier stages."""
    later = "it: {script: x, %s: [later]}\nlater: {stage: deploy, script: x}"
    with pytest.raises(CiConfigError, match="it job: need later is not defined in current or prior stages"):
        jobs(later % "needs")
    with pytest.raises(CiConfigError, match="it job: dependency later is not defined in current or prior stages"):
        jobs(later % "dependencies")
    assert jobs("it: {script: x, needs: [same]}\nsame: {script: x}")["it"].needs == (Need(job="same"),)


def test_jobs_that_need_each_other_are_an_error() -> None:
    """The circle is shown."""
    with pytest.raises(CiConfigError, match=r"circular dependencies: (a -> b -> a|b -> a -> b)"):
        jobs("a: {script: x, needs: [b]}\nb: {script: x, needs: [a]}")


def test_parallel_makes_numbered_jobs() -> None:
    """Names, index and total are GitLab's; others need all of them by the written name."""
    made = jobs("it: {script: x, parallel: 2}\nafter: {stage: deploy, script: x, needs: [it], dependencies: [it]}")
    assert [(job.name, job.node_index, job.node_total, job.group_name) for job in made.values()][1:3] == [
        ("it 1/2", 1, 2, "it"),
        ("it 2/2", 2, 2, "it"),
    ]
    assert [need.job for need in made["after"].needs or ()] == ["it 1/2", "it 2/2"]
    assert made["after"].dependencies == ("it 1/2", "it 2/2")


def test_a_matrix_makes_a_job_of_every_combination() -> None:
    """Each has its variables, which rules can ask for; a need can pick from the matrix."""
    made = jobs(
        "it:\n  script: x\n  parallel: {matrix: [{OS: [linux, mac], ARCH: arm}, {OS: bsd, ARCH: [x86]}]}\n"
        '  rules: [{if: $OS == "mac", when: never}, {when: on_success}]\n'
        "after:\n  stage: deploy\n  script: x\n"
        "  needs: [{job: it, parallel: {matrix: [{OS: linux, ARCH: arm}]}}]\n"
    )
    assert [name for name in made if name.startswith("it")] == ["it: [linux, arm]", "it: [bsd, x86]"]
    assert as_mapping(made["it: [bsd, x86]"].variables) == {"OS": "bsd", "ARCH": "x86"}
    assert made["after"].needs == (Need(job="it: [linux, arm]"),)


def test_a_matrix_is_bounded() -> None:
    """More than 200 jobs of one are refused, as on GitLab."""
    numbers = "[" + ", ".join(map(str, range(15))) + "]"
    with pytest.raises(CiConfigError, match="generates too many jobs"):
        jobs(f"it: {{script: x, parallel: {{matrix: [{{A: {numbers}, B: {numbers}}}]}}}}")


def test_picking_what_a_matrix_does_not_have_is_an_error() -> None:
    """A need on a combination that no job has is named."""
    with pytest.raises(CiConfigError, match=r"undefined need: it: \[bsd\]"):
        jobs(
            "it: {script: x, parallel: {matrix: [{OS: [linux]}]}}\n"
            "after: {script: x, needs: [{job: it, parallel: {matrix: [{OS: bsd}]}}]}"
        )
