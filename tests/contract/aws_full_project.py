"""An AWS project that has one of everything, in two versions, and one that has less and is built from GitLab."""

from dataclasses import replace

from aws_rehearsal import ACCOUNT, REGION, Rehearsal

from sledgehammer_aws.setting_sections import DockerHub, GitLabJobs, Schedule, SecretSource
from sledgehammer_aws.settings import Settings, Variable
from sledgehammer_aws.source_settings import GitLabSource, Webhook

CREDENTIAL = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:ecr-pullthroughcache/hub-AbCdEf"
JOBS = GitLabJobs(project="acme/web")
OTHER_JOBS = replace(JOBS, audience="aws", branches=("main", "next"), build=True)
FIRST = Settings(
    region=REGION,
    scan_on_push=True,
    docker_hub=DockerHub(credential=CREDENTIAL),
    gitlab_jobs=JOBS,
    secrets={"npm": SecretSource(from_env="NPM")},
    schedule=Schedule(expression="rate(1 day)"),
    tags={"team": "a"},
    variables={"LEVEL": Variable(value="1")},
)
SECOND = replace(
    FIRST,
    gitlab_jobs=OTHER_JOBS,
    schedule=Schedule(expression="rate(2 days)"),
    tags={"team": "b"},
    variables={"LEVEL": Variable(value="2")},
    log_retention_days=30,
    expire_untagged_days=3,
    immutable_tags=True,
)
LESS = replace(
    SECOND,
    gitlab_jobs=None,
    schedule=None,
    secrets={},
    source=GitLabSource(repository="https://gitlab.com/acme/web.git", connection="none", webhook=Webhook()),
)


def want(aws: Rehearsal, settings: Settings) -> None:
    """Those settings in names of this test's own."""
    hub, jobs, source = settings.docker_hub, settings.gitlab_jobs, settings.source
    aws.settings = replace(
        settings,
        bucket=aws.bucket,
        docker_hub=hub and replace(hub, prefix=f"hub-{aws.name}"),
        gitlab_jobs=jobs and replace(jobs, url=f"https://{aws.name}.example"),
        source=source and replace(source, connection=aws.name),
    )
