"""IAM at the door of the local AWS: a call that its caller may not make is refused before the service sees it."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from werkzeug.wrappers import Response

from sledgehammer_localstack.aws.access.call import Call, read_call
from sledgehammer_localstack.aws.access.decision import Need
from sledgehammer_localstack.aws.access.gatekeeper import Gatekeeper
from sledgehammer_localstack.aws.access.rpc_needs import Place, needs_of_call
from sledgehammer_localstack.aws.access.s3_needs import needs_of_s3
from sledgehammer_localstack.aws.access.web_identity import TokenError, read_token
from sledgehammer_localstack.aws.fault_dialect import AwsDialect

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class Guard:
    """Before a WSGI application; the registry under /v2/ has its own door. `service_key` signs what the local
    services themselves do: that is not asked about."""

    def __init__(
        self,
        app: "WSGIApplication",
        gatekeeper: Gatekeeper,
        place: Place,
        *,
        service_key: str,
        now: Callable[[], datetime],
    ) -> None:
        self._app = app
        self._gatekeeper = gatekeeper
        self._place = place
        self._service_key = service_key
        self._now = now
        self._dialect = AwsDialect()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith(("/v2/", "/_health", "/moto-api/", "/-/")):
            return self._app(environ, start_response)
        refused = self._refuse(read_call(environ), environ)
        return (refused or self._app)(environ, start_response)

    def _refuse(self, call: Call, environ: "WSGIEnvironment") -> Response | None:
        if call.operation == "AssumeRoleWithWebIdentity":
            return self._refuse_token(call, environ)
        if not call.access_key_id or call.access_key_id == self._service_key:
            return None
        if call.service == "sts" and call.operation == "AssumeRole":
            request = call.request
            words = self._gatekeeper.assume_refusal(
                call.access_key_id, request.get("RoleArn", ""), external_id=request.get("ExternalId", "")
            )
        else:
            words = self._gatekeeper.refusal(call.access_key_id, _needs(self._place, call))
        return self._dialect.denied(environ, words) if words else None

    def _refuse_token(self, call: Call, environ: "WSGIEnvironment") -> Response | None:
        try:
            identity = read_token(call.request.get("WebIdentityToken", ""), now=self._now())
        except TokenError as error:
            return self._dialect.denied(environ, str(error), code=error.code)
        words = self._gatekeeper.web_identity_refusal(identity, call.request.get("RoleArn", ""))
        if not words:
            return None
        is_denial = words.startswith("Not authorized")
        return self._dialect.denied(environ, words, code="" if is_denial else "InvalidIdentityToken")


def _needs(place: Place, call: Call) -> list[Need]:
    if call.service == "s3":
        return needs_of_s3(call.method, call.path, call.query)
    operation = call.operation or f"{call.method} {call.path}"  # a protocol not known here: no policy names it
    return needs_of_call(place, call.service, operation, call.request)
