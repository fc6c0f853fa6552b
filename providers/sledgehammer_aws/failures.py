"""What can go wrong with one request, which of it deserves another try, and how it is told to a person."""

import re
from dataclasses import dataclass

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's own, no relation of the builtin
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    SSLError,
)
from botocore.parsers import ResponseParserError

from sledgehammer.errors import (
    ConfigurationError,
    ConflictError,
    CredentialsError,
    NotFoundError,
    RemoteError,
    SledgehammerError,
)
from sledgehammer.polling import Clock
from sledgehammer.provisioning import AlreadyExistsError
from sledgehammer.retry import Retry, parse_retry_after

SDK_ERRORS = (BotoCoreError, ClientError, ResponseParserError)
"""Everything that boto3 raises for one request."""

THROTTLED = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "SlowDown",
        "BandwidthLimitExceeded",
        "429",
    }
)
"""As botocore's standard mode knows them, without LimitExceededException: that one is a quota."""

TRANSIENT = frozenset(
    {
        "InternalFailure",
        "InternalError",
        "InternalServerError",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "ServerException",
        "ServiceFailure",
        "RequestTimeout",
        "RequestTimeoutException",
        "ConcurrentModification",  # IAM: two writers at once
        "EntityTemporarilyUnmodifiable",
        "OperationAborted",  # S3 and Logs: a conflicting call has not ended yet
        "OperationAbortedException",
    }
)

CAPACITY = frozenset({"AccountLimitExceededException"})

MISSING = frozenset(
    {
        "404",
        "NoSuchBucket",
        "NoSuchKey",
        "NoSuchTagSet",
        "NoSuchLifecycleConfiguration",
        "NoSuchEntity",
        "NoSuchPublicAccessBlockConfiguration",
        "ServerSideEncryptionConfigurationNotFoundError",
        "RepositoryNotFoundException",
        "LifecyclePolicyNotFoundException",
        "PullThroughCacheRuleNotFoundException",
        "ResourceNotFoundException",
    }
)

TAKEN = frozenset(
    {
        "BucketAlreadyOwnedByYou",
        "EntityAlreadyExists",
        "PullThroughCacheRuleAlreadyExistsException",
        "RepositoryAlreadyExistsException",
        "ResourceAlreadyExistsException",
        "ResourceExistsException",
    }
)

IN_USE = frozenset({"BucketNotEmpty", "DeleteConflict", "RepositoryNotEmptyException"})
"""Answers to a deletion."""

UNKNOWN_CALLER = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
        "AuthFailure",
        "401",
    }
)

DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"})

_NOT_YET = re.compile(r"not authorized to perform", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The parts of a service's error answer."""

    status: int
    code: str
    message: str
    retry_after: str


def refusal_of(error: ClientError) -> Refusal:
    """Read botocore's parsed error answer."""
    detail = error.response.get("Error", {})
    metadata = error.response.get("ResponseMetadata", {})
    headers = metadata.get("HTTPHeaders", {})
    return Refusal(
        status=int(metadata.get("HTTPStatusCode", 0)),
        code=str(detail.get("Code", "")),
        message=str(detail.get("Message", "")),
        retry_after=str(headers.get("retry-after", "")),
    )


def classify(error: BaseException, *, clock: Clock) -> Retry | None:
    """The verdict on a request that is safe to repeat.

    A new IAM role is not known everywhere at once: CodeBuild then answers InvalidInputException "not authorized
    to perform: sts:AssumeRole" (hashicorp/terraform-provider-aws#4233).
    """
    if isinstance(error, HTTPClientError | ConnectionError | ResponseParserError) and not isinstance(error, SSLError):
        return Retry(cause="transient")
    if not isinstance(error, ClientError):
        return None
    refusal = refusal_of(error)
    after_s = parse_retry_after(refusal.retry_after, now=clock.now()) if refusal.retry_after else 0.0
    if refusal.code in THROTTLED or refusal.status == 429:
        return Retry(cause="throttle", after_s=after_s)
    if refusal.code in CAPACITY:
        return Retry(cause="capacity", after_s=after_s)
    if refusal.code == "InvalidInputException" and _NOT_YET.search(refusal.message):
        return Retry(cause="propagation")
    if refusal.code in TRANSIENT or refusal.status in (500, 502, 503, 504):
        return Retry(cause="transient", after_s=after_s)
    return None


def explain(error: Exception, *, tried: str) -> SledgehammerError:
    """The failure as the error that tells a person what to do. `tried` is the operation and its object."""
    if isinstance(error, NoCredentialsError | PartialCredentialsError | CredentialRetrievalError):
        return CredentialsError(f"{tried}: {error}", hint="log in: aws configure, aws sso login, or AWS_PROFILE")
    if isinstance(error, ParamValidationError):
        return ConfigurationError(f"{tried}: {error}", hint="check the aws: section of sledge.yaml")
    if not isinstance(error, ClientError):
        return RemoteError(f"{tried}: no answer: {error}", hint="check the region, AWS_ENDPOINT_URL and the network")
    refusal = refusal_of(error)
    return _explain_refusal(refusal, f"{tried}: AWS answered {refusal.code}: {refusal.message}".rstrip(": "))


def _explain_refusal(refusal: Refusal, said: str) -> SledgehammerError:
    if refusal.code in UNKNOWN_CALLER:
        return CredentialsError(said, hint="the credentials are wrong or have expired; log in again")
    if refusal.code in DENIED or refusal.status in (401, 403):
        return CredentialsError(said, hint="these credentials lack that permission, or another account owns it")
    if refusal.code in TAKEN:
        return AlreadyExistsError(said)
    if refusal.code in IN_USE:
        return ConflictError(said, hint="it holds something, or something uses it: remove that, then run it again")
    if refusal.code in MISSING:
        return NotFoundError(said, hint="run: sledge apply -p aws")
    if refusal.code == "BucketAlreadyExists":
        return ConflictError(f"{said}; another account owns it", hint="choose another name: aws: {bucket: …}")
    if refusal.code in CAPACITY:
        return RemoteError(said, hint="the account's build queue is full; run again later or raise the quota")
    if 400 <= refusal.status < 500 and refusal.status != 429 and refusal.code not in THROTTLED:
        return ConfigurationError(said)
    return RemoteError(said, hint="run the command again later")
