"""AWS through boto3: sessions by the default chain, one retry policy, one kind of error.

botocore's own retries are off: they would multiply with ours, do not retry a bare 429, and take a quota
(ECR's LimitExceededException) for a throttle.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from sledgehammer.errors import ConfigurationError, CredentialsError
from sledgehammer.polling import Clock
from sledgehammer.retry import RetryPolicy, call_with_retry
from sledgehammer_aws.failures import SDK_ERRORS, classify, explain

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from mypy_boto3_codebuild.client import CodeBuildClient
    from mypy_boto3_codeconnections.client import CodeConnectionsClient
    from mypy_boto3_ecr.client import ECRClient
    from mypy_boto3_events.client import EventBridgeClient
    from mypy_boto3_iam.client import IAMClient
    from mypy_boto3_logs.client import CloudWatchLogsClient
    from mypy_boto3_resourcegroupstaggingapi.client import ResourceGroupsTaggingAPIClient
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_secretsmanager.client import SecretsManagerClient
    from mypy_boto3_sts.client import STSClient

T = TypeVar("T")

POLICY = RetryPolicy(attempts=8, deadline_s=120.0)

PROPAGATION_POLICY = RetryPolicy(attempts=40, deadline_s=120.0, first_wait_s=1.0, longest_wait_s=8.0)
"""For calls that name a role which may be seconds old."""

START_POLICY = RetryPolicy(attempts=20, deadline_s=240.0, first_wait_s=1.0, longest_wait_s=20.0)
"""Within the five minutes for which CodeBuild remembers an idempotency token (API reference, StartBuild)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """One client per service, all of one region and one caller."""

    region: str
    codebuild: "CodeBuildClient"
    connections: "CodeConnectionsClient"
    ecr: "ECRClient"
    events: "EventBridgeClient"
    iam: "IAMClient"
    logs: "CloudWatchLogsClient"
    s3: "S3Client"
    secrets: "SecretsManagerClient"
    sts: "STSClient"
    tagging: "ResourceGroupsTaggingAPIClient"
    endpoint: str  # "" on AWS itself

    def all(self) -> "tuple[BaseClient, ...]":
        """Each of them, for whoever counts or watches requests."""
        some = (self.codebuild, self.connections, self.ecr, self.events, self.iam, self.logs)
        return (*some, self.s3, self.secrets, self.sts, self.tagging)


def open_clients(variables: Mapping[str, str], *, region: str) -> Clients:
    """Clients by the default chain, `variables` standing for the environment.

    Raises CredentialsError where the chain finds nothing, ConfigurationError without a region.
    """
    session = _session(variables, region)
    if not session.region_name:
        raise ConfigurationError(
            "no AWS region: sledge.yaml has none, and neither AWS_REGION, AWS_DEFAULT_REGION nor the profile",
            hint="add region: to the aws: section of sledge.yaml",
        )
    try:
        found = session.get_credentials()
    except BotoCoreError as error:
        raise CredentialsError(f"AWS credentials cannot be read: {error}", hint="check AWS_PROFILE") from error
    if found is None:
        raise CredentialsError(
            "no AWS credentials: looked at AWS_ACCESS_KEY_ID, AWS_PROFILE, the shared files and this machine's role",
            hint="log in: aws configure, aws sso login, or AWS_PROFILE",
        )
    return _clients(session, variables.get("AWS_ENDPOINT_URL", ""))


def _session(variables: Mapping[str, str], region: str) -> boto3.Session:
    """boto3 reads AWS_DEFAULT_REGION, other SDKs AWS_REGION: both count. Keys go before a profile, as in its chain."""
    chosen = region or variables.get("AWS_REGION") or variables.get("AWS_DEFAULT_REGION")
    key = variables.get("AWS_ACCESS_KEY_ID")
    try:
        if key:
            return boto3.Session(
                aws_access_key_id=key,
                aws_secret_access_key=variables.get("AWS_SECRET_ACCESS_KEY"),
                aws_session_token=variables.get("AWS_SESSION_TOKEN"),
                region_name=chosen,
            )
        return boto3.Session(profile_name=variables.get("AWS_PROFILE"), region_name=chosen)
    except (BotoCoreError, ClientError) as error:
        raise CredentialsError(
            f"the AWS profile cannot be used: {error}", hint="check AWS_PROFILE and ~/.aws/config"
        ) from error


def _clients(session: boto3.Session, endpoint: str) -> Clients:
    style = {"addressing_style": "path"} if endpoint else {}
    config = Config(
        connect_timeout=5,
        read_timeout=60,
        retries={"mode": "standard", "total_max_attempts": 1},
        s3=style,  # type: ignore[arg-type]
        user_agent_extra="sledgehammer",
    )
    url = endpoint or None
    return Clients(
        region=session.region_name,
        codebuild=session.client("codebuild", config=config, endpoint_url=url),
        connections=session.client("codeconnections", config=config, endpoint_url=url),
        ecr=session.client("ecr", config=config, endpoint_url=url),
        events=session.client("events", config=config, endpoint_url=url),
        iam=session.client("iam", config=config, endpoint_url=url),
        logs=session.client("logs", config=config, endpoint_url=url),
        s3=session.client("s3", config=config, endpoint_url=url),
        secrets=session.client("secretsmanager", config=config, endpoint_url=url),
        sts=session.client("sts", config=config, endpoint_url=url),
        tagging=session.client("resourcegroupstaggingapi", config=config, endpoint_url=url),
        endpoint=endpoint,
    )


@dataclass(slots=True)
class Tally:
    """How many requests were sent, without repetitions."""

    count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """How every request is sent: repeated while that makes sense, its failure told in our words."""

    clock: Clock
    tally: Tally = field(default_factory=Tally)

    def send(self, name: str, request: Callable[[], T], *, policy: RetryPolicy = POLICY) -> T:
        """Send a request that is safe to repeat. `name` is its operation and object, as in "ecr:DescribeImages web".

        Raises NotFoundError, AlreadyExistsError, CredentialsError, ConfigurationError or RemoteError.
        """
        self.tally.count += 1
        try:
            return call_with_retry(
                request,
                name=name,
                classify=lambda error: classify(error, clock=self.clock),
                policy=policy,
                clock=self.clock,
            )
        except SDK_ERRORS as error:
            raise explain(error, tried=name) from error

    def pages(self, name: str, request: Callable[..., Any], *, following: Mapping[str, str]) -> Iterator[Any]:
        """The pages of a list, each sent again by itself, which botocore's paginators cannot: of a list of many pages
        there is always one that is throttled. `following`: by what the next request calls them, the names under which
        an answer has its parameters; the last one has none.
        """
        asked: dict[str, str] = {}
        while True:
            page = self.send(name, partial(request, **asked))
            yield page
            asked = {parameter: page[told] for parameter, told in following.items() if page.get(told)}
            if not asked:
                return


NEXT_TOKEN: Mapping[str, str] = {"nextToken": "nextToken"}
"""`following` of most services that speak JSON."""

NEXT_VERSION: Mapping[str, str] = {"KeyMarker": "NextKeyMarker", "VersionIdMarker": "NextVersionIdMarker"}
"""That of S3's ListObjectVersions."""
