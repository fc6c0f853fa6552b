"""The names of everything that one project owns in one account and region."""

from dataclasses import dataclass

from sledgehammer.errors import ConfigurationError, RemoteError
from sledgehammer.project import Project
from sledgehammer_aws.client import Calls, Clients
from sledgehammer_aws.destination import RepositoryNames, repository_names
from sledgehammer_aws.managed import Mark
from sledgehammer_aws.settings import Settings

ROLE_NAME_LENGTH = 64

CACHES = "_cache"
"""Folder of all projects' caches in the bucket; no project's name begins with an underscore."""


LOG_GROUPS = "/aws/codebuild/"
"""Begins the names of all log groups."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Where the caller is: `registry` is the host of its ECR registry."""

    id: str
    region: str
    partition: str  # aws, aws-cn, aws-us-gov
    registry: str

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource in this account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.id}:{resource}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The project's objects by name."""

    account: Account
    mark: Mark
    project: str
    former_projects: tuple[str, ...]
    bucket: str
    source_key: str
    role: str
    jobs_role: str  # of GitLab's jobs
    schedule_role: str
    log_group: str
    repositories: tuple[RepositoryNames, ...]

    @property
    def owner(self) -> str:
        """The project's name in sledge.yaml."""
        return self.mark.project

    @property
    def cache_prefix(self) -> str:
        """Where in the bucket CodeBuild keeps this project's cache."""
        return cache_prefix_of(self.project)

    @property
    def own_prefixes(self) -> tuple[str, ...]:
        """Where in the bucket this project's objects are, and no other's."""
        return prefixes_of(self.project)

    @property
    def all_projects(self) -> tuple[str, ...]:
        """What the CodeBuild project is called and was called before."""
        return (self.project, *self.former_projects)

    @property
    def usual_roles(self) -> frozenset[str]:
        """What its roles are called, now and before, where the settings do not say otherwise."""
        region = self.account.region
        derived = (role for name in self.all_projects for role in _derived_roles(name, region))
        return frozenset(role for role in derived if len(role) <= ROLE_NAME_LENGTH)

    @property
    def sources(self) -> tuple[str, ...]:
        """ARNs on whose behalf AWS takes roles of this project: the CodeBuild project and its schedule, now and
        before."""
        projects = [self.account.arn("codebuild", f"project/{name}") for name in self.all_projects]
        return (*projects, *(self.account.arn("events", f"rule/{rule_of(name)}") for name in self.all_projects))

    @property
    def project_arn(self) -> str:
        return self.account.arn("codebuild", f"project/{self.project}")

    @property
    def role_arn(self) -> str:
        return f"arn:{self.account.partition}:iam::{self.account.id}:role/{self.role}"

    @property
    def bucket_arn(self) -> str:
        return f"arn:{self.account.partition}:s3:::{self.bucket}"

    @property
    def log_group_arn(self) -> str:
        return self.account.arn("logs", f"log-group:{self.log_group}")

    def repository_arn(self, repository: str) -> str:
        return self.account.arn("ecr", f"repository/{repository}")


def read_account(clients: Clients, calls: Calls) -> Account:
    """Ask who we are. The registry's host comes from ECR itself, for it differs by partition and endpoint."""
    caller = calls.send("sts:GetCallerIdentity", clients.sts.get_caller_identity)
    granted = calls.send("ecr:GetAuthorizationToken", clients.ecr.get_authorization_token)
    if not granted["authorizationData"]:
        raise RemoteError("ecr:GetAuthorizationToken: AWS answered without a registry", hint="run again later")
    proxy = granted["authorizationData"][0]["proxyEndpoint"]
    return Account(
        id=caller["Account"],
        region=clients.region,
        partition=caller["Arn"].split(":")[1],
        registry=proxy.split("://", 1)[-1].rstrip("/"),
    )


def source_key_of(project: str) -> str:
    """Where in the bucket the source archive of a CodeBuild project is."""
    return f"{project}/source.zip"


def cache_prefix_of(project: str) -> str:
    """Where in the bucket CodeBuild keeps that project's cache."""
    return f"{CACHES}/{project}"


def prefixes_of(project: str) -> tuple[str, ...]:
    """Where in the bucket that project's objects are, and no other's."""
    return f"{project}/", f"{cache_prefix_of(project)}/"


def rule_of(project: str) -> str:
    """What the schedule of a CodeBuild project is called."""
    return f"sledge-{project}"


def role_name(name: str) -> str:
    """The name, if IAM takes it. Raises ConfigurationError."""
    if len(name) > ROLE_NAME_LENGTH:
        raise ConfigurationError(
            f"the name of the IAM role, {name}, is longer than {ROLE_NAME_LENGTH} characters",
            hint="choose shorter names: aws: {role: …}, aws: {project: …}",
        )
    return name


def names_of(project: Project, settings: Settings, account: Account) -> Names:
    """Names as the settings say, else derived. IAM knows no regions and S3 no accounts, so those names carry both."""
    name = settings.project or project.name
    builds, jobs, schedule = _derived_roles(name, account.region)
    return Names(
        account=account,
        mark=Mark(
            project=project.name,
            codebuild=f"{account.region}/{name}",
            former=tuple(f"{account.region}/{one}" for one in settings.former_projects),
        ),
        project=name,
        former_projects=settings.former_projects,
        bucket=settings.bucket or f"sledge-{account.id}-{account.region}",
        source_key=source_key_of(name),
        role=role_name(settings.role or builds),
        jobs_role=jobs,
        schedule_role=schedule,
        log_group=f"{LOG_GROUPS}{name}",
        repositories=tuple(repository_names(project, settings, image) for image in project.images),
    )


def _derived_roles(project: str, region: str) -> tuple[str, str, str]:
    """Of builds, of GitLab's jobs and of the schedule."""
    return f"sledge-{project}-{region}", f"sledge-{project}-gitlab-{region}", f"sledge-{project}-schedule-{region}"
