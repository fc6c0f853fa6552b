"""Audiences of IAM's OpenID Connect providers: the calls on them that moto has not.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddClientIDToOpenIDConnectProvider.html
"""

from typing import Any

from moto.iam.models import iam_backends
from werkzeug.wrappers import Response

from sledgehammer_localstack.aws.access.call import Call
from sledgehammer_localstack.aws.access.directory import PARTITION

ADD = "AddClientIDToOpenIDConnectProvider"
REMOVE = "RemoveClientIDFromOpenIDConnectProvider"
MAX_AUDIENCES = 100

_ANSWER = '<{name}Response xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><ResponseMetadata><RequestId>0</RequestId>\
</ResponseMetadata></{name}Response>'
_ERROR = '<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type>\
<Code>{code}</Code><Message>{message}</Message></Error><RequestId>0</RequestId></ErrorResponse>'


class IdentityProviders:
    """Of one account, in moto."""

    def __init__(self, account: str) -> None:
        self._account = account

    def answer(self, call: Call) -> Response | None:
        """The answer to a call of these two; None for all others."""
        if call.operation not in (ADD, REMOVE):
            return None
        provider = self._find(call.request.get("OpenIDConnectProviderArn", ""))
        audience = call.request.get("ClientID", "")
        if provider is None:
            return _refused("NoSuchEntity", "OpenIDConnect Provider not found", status=404)
        audiences: list[str] = provider.client_id_list
        if call.operation == REMOVE:
            provider.client_id_list = [one for one in audiences if one != audience]
        elif audience not in audiences:
            if len(audiences) == MAX_AUDIENCES:
                words = f"Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {MAX_AUDIENCES}"
                return _refused("LimitExceeded", words, status=409)
            provider.client_id_list = [*audiences, audience]
        return Response(_ANSWER.format(name=call.operation), content_type="text/xml")

    def _find(self, arn: str) -> Any:
        return iam_backends[self._account][PARTITION].open_id_providers.get(arn)


def _refused(code: str, message: str, *, status: int) -> Response:
    return Response(_ERROR.format(code=code, message=message), status, content_type="text/xml")
