"""What the local AWS keeps of registries, connections, webhooks, providers and tags, as AWS answers about them."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from aws_account import ACCOUNT, REGION, Account, fresh_account, project, refused, spec

HUB = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:ecr-pullthroughcache/hub-AbCdEf"


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with fresh_account() as made:
        yield made


def test_pull_through_rules_live_by_their_prefix(account: Account) -> None:
    """Made once, changed, listed, deleted; Docker Hub wants a credential."""
    ecr = account.client("ecr")
    hub = {"ecrRepositoryPrefix": "hub", "upstreamRegistryUrl": "registry-1.docker.io"}
    with refused("UnsupportedUpstreamRegistryException"):
        ecr.create_pull_through_cache_rule(**hub, upstreamRegistry="docker-hub")
    ecr.create_pull_through_cache_rule(**hub, upstreamRegistry="docker-hub", credentialArn=HUB)
    with refused("PullThroughCacheRuleAlreadyExistsException"):
        ecr.create_pull_through_cache_rule(**hub, credentialArn=HUB)
    other = HUB.replace("hub", "other")
    ecr.update_pull_through_cache_rule(ecrRepositoryPrefix="hub", credentialArn=other)
    assert [one["credentialArn"] for one in ecr.describe_pull_through_cache_rules()["pullThroughCacheRules"]] == [other]
    ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="hub")
    with refused("PullThroughCacheRuleNotFoundException"):
        ecr.describe_pull_through_cache_rules(ecrRepositoryPrefixes=["hub"])


def test_a_registry_is_scanned_by_rules_of_its_kind(account: Account) -> None:
    """Continuous scanning is of the enhanced kind only; a frequency has one rule."""
    ecr = account.client("ecr")
    rule = {"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}]}
    for wrong in ([{**rule, "scanFrequency": "CONTINUOUS_SCAN"}], [rule, rule]):
        with refused("ValidationException"):
            ecr.put_registry_scanning_configuration(scanType="BASIC", rules=wrong)
    ecr.put_registry_scanning_configuration(scanType="BASIC", rules=[rule])
    kept = ecr.get_registry_scanning_configuration()["scanningConfiguration"]
    assert kept == {"scanType": "BASIC", "rules": [rule]}


def hooked(account: Account, connection: str) -> str:
    name = account.new_name()
    given = project(name, spec("true"), account.make_role(name))
    auth = {"type": "CODECONNECTIONS", "resource": connection}
    source = {"type": "GITLAB", "location": "https://gitlab.com/a/b.git", "buildspec": spec("true"), "auth": auth}
    account.client("codebuild").create_project(**given | {"source": source})
    return name


def test_a_webhook_waits_for_its_connection(account: Account) -> None:
    """Two connections may have one name; pending until a person completes them; then one webhook a project."""
    client, codebuild = account.client("codeconnections"), account.client("codebuild")
    arns = [client.create_connection(ConnectionName="lab", ProviderType="GitLab")["ConnectionArn"] for _ in range(2)]
    assert len(set(arns)) == 2
    name, groups = hooked(account, arns[0]), [[{"type": "EVENT", "pattern": "PUSH"}]]
    with refused("InvalidInputException", "Access denied to connection"):
        codebuild.create_webhook(projectName=name, filterGroups=groups)
    assert requests.post(f"{account.endpoint.url}/-/connections/other", timeout=10).status_code == 404
    assert requests.post(f"{account.endpoint.url}/-/connections/lab", timeout=10).status_code == 200
    assert client.get_connection(ConnectionArn=arns[0])["Connection"]["ConnectionStatus"] == "AVAILABLE"
    codebuild.create_webhook(projectName=name, filterGroups=groups)
    with refused("ResourceAlreadyExistsException"):
        codebuild.create_webhook(projectName=name, filterGroups=groups)
    codebuild.update_webhook(projectName=name, filterGroups=[])
    (kept,) = codebuild.batch_get_projects(names=[name])["projects"]
    assert kept["webhook"]["filterGroups"] == []
    codebuild.delete_webhook(projectName=name)
    for call in (codebuild.delete_webhook, codebuild.update_webhook):
        with refused("ResourceNotFoundException"):
            call(projectName=name)
    client.delete_connection(ConnectionArn=arns[1])
    with refused("ResourceNotFoundException"):
        client.get_connection(ConnectionArn=arns[1])


def test_a_webhook_needs_a_source_that_has_pushes(account: Account) -> None:
    """Not an archive."""
    name = account.make_project(spec("true"))
    with refused("InvalidInputException", "NO_SOURCE"):
        account.client("codebuild").create_webhook(projectName=name)


def test_audiences_of_a_provider_come_and_go(account: Account) -> None:
    """Twice is once; a provider that is not there is told."""
    iam = account.client("iam")
    arn = iam.create_open_id_connect_provider(Url="https://lab.example", ClientIDList=["a"], ThumbprintList=[])[
        "OpenIDConnectProviderArn"
    ]
    for audience in ("b", "b"):
        iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID=audience)
    assert iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["ClientIDList"] == ["a", "b"]
    iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="a")
    assert iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["ClientIDList"] == ["b"]
    with refused("NoSuchEntity"):
        iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=f"{arn}x", ClientID="a")


def tagged(account: Account, **request: Any) -> list[str]:
    pages = (
        account.client("resourcegroupstaggingapi")
        .get_paginator("get_resources")
        .paginate(TagFilters=[{"Key": "team", "Values": ["web"]}], PaginationConfig={"PageSize": 2}, **request)
    )
    return sorted(one["ResourceARN"] for page in pages for one in page["ResourceTagMappingList"])


def test_tags_are_found_over_all_services(account: Account) -> None:
    """Ours and moto's, by value and by type, page by page."""
    team, name = {"Key": "team", "Value": "web"}, account.new_name()
    for end in ("a", "b"):
        account.client("ecr").create_repository(repositoryName=f"{name}-{end}", tags=[team])
    account.client("ecr").create_repository(repositoryName=name, tags=[{**team, "Value": "ops"}])
    account.client("logs").create_log_group(logGroupName=f"/{name}", tags={"team": "web"})
    account.client("events").put_rule(Name=name, ScheduleExpression="rate(1 day)", Tags=[team])
    account.make_project(spec("true"), tags=[{"key": "team", "value": "web"}])
    found = [arn.split(":", 5)[2] for arn in tagged(account)]
    assert found == ["codebuild", "ecr", "ecr", "events", "logs"]
    assert len(tagged(account, ResourceTypeFilters=["ecr:repository"])) == 2
    assert len(tagged(account, ResourceTypeFilters=["logs"])) == 1
