"""The AWS provider against the local AWS: settings of the whole registry, which all projects share."""

import pytest
from aws_full_project import CREDENTIAL
from aws_opting_in import applied, ask, destroy
from aws_rehearsal import BriskClock, Rehearsal

from sledgehammer.errors import ConflictError
from sledgehammer_aws.setting_sections import DockerHub


@pytest.fixture
def aws(aws: Rehearsal) -> Rehearsal:
    """Applied."""
    aws.apply()
    return aws


def scanned(aws: Rehearsal) -> dict[str, list[str]]:
    found = aws.client("ecr").get_registry_scanning_configuration()["scanningConfiguration"]["rules"]
    return {rule["scanFrequency"]: [one["filter"] for one in rule["repositoryFilters"]] for rule in found}


def test_scanning_is_asked_for_by_a_filter_among_those_of_others(aws: Rehearsal) -> None:
    """Registry-wide: filters of other teams stay when ours comes and when it goes."""
    rules = [
        {"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": [{"filter": "theirs", "filterType": "WILDCARD"}]},
        {"scanFrequency": "CONTINUOUS_SCAN", "repositoryFilters": [{"filter": "prod*", "filterType": "WILDCARD"}]},
    ]
    aws.client("ecr").put_registry_scanning_configuration(scanType="ENHANCED", rules=rules)
    ask(aws, scan_on_push=True)
    assert applied(aws) == [("aws_ecr_scanning", ["scan"])]
    assert scanned(aws) == {"SCAN_ON_PUSH": ["theirs", f"{aws.name}*"], "CONTINUOUS_SCAN": ["prod*"]}
    aws.client("ecr").put_registry_scanning_configuration(scanType="ENHANCED", rules=rules)
    assert applied(aws) == [("aws_ecr_scanning", ["scan"])]
    assert "aws_ecr_scanning" in destroy(aws)
    assert scanned(aws) == {"SCAN_ON_PUSH": ["theirs"], "CONTINUOUS_SCAN": ["prod*"]}


class Meddler(BriskClock):
    """While somebody waits on it, another tool writes the scanning configuration as it was before, so many times."""

    def __init__(self, aws: Rehearsal, *, times: int) -> None:
        super().__init__(longest_s=0)
        self._aws = aws
        self.times = times

    def sleep(self, seconds: float) -> None:
        if self.times:
            self.times -= 1
            self._aws.client("ecr").put_registry_scanning_configuration(scanType="BASIC", rules=[])
        super().sleep(seconds)


def test_a_filter_that_another_tool_wrote_over_is_written_again(aws: Rehearsal) -> None:
    """That tool had read before our write; one that never rests is told of."""
    aws.client("ecr").put_registry_scanning_configuration(scanType="BASIC", rules=[])
    ask(aws, scan_on_push=True)
    aws.clock = Meddler(aws, times=2)
    aws.apply()
    assert scanned(aws) == {"SCAN_ON_PUSH": [f"{aws.name}*"]}
    ask(aws, repository=f"{aws.name}/more")
    aws.clock = Meddler(aws, times=100)
    with pytest.raises(ConflictError, match="scanning configuration"):
        aws.apply()


def test_docker_hub_is_pulled_through_and_the_role_may(aws: Rehearsal) -> None:
    """The rule, and the permission to bring in what it does not have; projects share it, so it is not destroyed."""
    ask(aws, docker_hub=DockerHub(credential=CREDENTIAL, prefix=f"hub-{aws.name}"))
    assert applied(aws) == [
        ("aws_ecr_pull_through_rule", ["upstream", "credential"]),
        ("aws_iam_role_policy", ["statement PullThrough"]),
    ]
    (rule,) = aws.client("ecr").describe_pull_through_cache_rules(ecrRepositoryPrefixes=[f"hub-{aws.name}"])[
        "pullThroughCacheRules"
    ]
    assert (rule["upstreamRegistryUrl"], rule["credentialArn"]) == ("registry-1.docker.io", CREDENTIAL)
    assert "aws_ecr_pull_through_rule" not in destroy(aws)


def test_another_credential_of_docker_hub_is_taken_by_an_adoption(aws: Rehearsal) -> None:
    """The rule may be another project's as well, so that is asked; the command that is named does it."""
    prefix = f"hub-{aws.name}"
    ask(aws, docker_hub=DockerHub(credential=CREDENTIAL, prefix=prefix))
    aws.apply()
    other = CREDENTIAL.replace("hub-AbCdEf", "team-GhIjKl")
    ask(aws, docker_hub=DockerHub(credential=other, prefix=prefix))
    with pytest.raises(ConflictError, match=r"hub-AbCdEf -> .*team-GhIjKl") as refused:
        aws.plan()
    address = f"aws_ecr_pull_through_rule {prefix}"
    assert f"sledge adopt -p aws '{address}'" in refused.value.hint
    assert aws.connect().adopt([address]).pending == ()
    (rule,) = aws.client("ecr").describe_pull_through_cache_rules(ecrRepositoryPrefixes=[prefix])[
        "pullThroughCacheRules"
    ]
    assert rule["credentialArn"] == other
    assert applied(aws) == []


def test_a_pull_through_rule_of_another_registry_is_not_taken_over(aws: Rehearsal) -> None:
    """Nothing can make it one of Docker Hub's, so another prefix is asked for."""
    prefix = f"hub-{aws.name}"
    aws.client("ecr").create_pull_through_cache_rule(ecrRepositoryPrefix=prefix, upstreamRegistryUrl="quay.io")
    ask(aws, docker_hub=DockerHub(credential=CREDENTIAL, prefix=prefix))
    with pytest.raises(ConflictError, match=r"quay.io -> registry-1.docker.io") as refused:
        aws.plan()
    assert "prefix" in refused.value.hint
