"""ECR as a registry: the credentials that it gives to whoever may call it, and its own way to remove images."""

import base64
import binascii
from dataclasses import dataclass
from urllib.parse import urlsplit

from sledgehammer.errors import RemoteError
from sledgehammer.registry.access import RegistryAccess
from sledgehammer.registry.reference import Reference
from sledgehammer.retry import RetryPolicy
from sledgehammer.secret import Secret
from sledgehammer_aws.client import Calls, Clients

_ASK = "ecr:GetAuthorizationToken"

_REMOVAL = RetryPolicy(attempts=3, deadline_s=3.0)
"""Done at the end of something else, which it must not hold up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EcrRegistry:
    """The caller's registry in the clients' region. The access is good for twelve hours."""

    access: RegistryAccess
    clients: Clients
    calls: Calls

    def remove(self, reference: Reference) -> None:
        """Remove an image by its digest, with its tags; ECR has no DELETE in the registry protocol."""
        answer = self.calls.send(
            f"ecr:BatchDeleteImage {reference.path}",
            lambda: self.clients.ecr.batch_delete_image(
                repositoryName=reference.path, imageIds=[{"imageDigest": reference.digest}]
            ),
            policy=_REMOVAL,
        )
        for failure in answer["failures"]:
            if failure["failureCode"] != "ImageNotFound":
                raise RemoteError(
                    f"ecr:BatchDeleteImage {reference}: {failure['failureCode']}: {failure.get('failureReason', '')}",
                    hint="remove it by hand",
                )


def open_registry(clients: Clients, calls: Calls) -> EcrRegistry:
    """Ask for a token. The scheme of the proxy endpoint tells how the registry is reached: AWS itself has TLS only."""
    granted = calls.send(_ASK, clients.ecr.get_authorization_token)
    if not granted["authorizationData"]:
        raise RemoteError(f"{_ASK}: AWS answered without a registry", hint="run again later")
    data = granted["authorizationData"][0]
    proxy = urlsplit(data["proxyEndpoint"])
    try:
        username, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise RemoteError(f"{_ASK}: the token is not what the API reference says", hint="run again") from None
    access = RegistryAccess(
        host=proxy.netloc,
        username=username,
        password=Secret(password, source=_ASK),
        is_plain_http=proxy.scheme == "http",
    )
    return EcrRegistry(access=access, clients=clients, calls=calls)
