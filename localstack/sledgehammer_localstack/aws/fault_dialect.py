"""How AWS services name a call and word a throttle, a failure and a refusal, each in its own protocol."""

import json
from io import BytesIO
from typing import TYPE_CHECKING
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from werkzeug.wrappers import Response

from sledgehammer_localstack.aws.services import find_target, render

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_XML = (
    '<?xml version="1.0"?><ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code>'
    "<Message>{message}</Message></Error><RequestId>0</RequestId></ErrorResponse>"
)
_S3_XML = '<?xml version="1.0"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'


class AwsDialect:
    """For FaultMiddleware. Error forms: the protocol pages of https://smithy.io/2.0/aws/protocols/."""

    def operation(self, environ: "WSGIEnvironment") -> str:
        target = find_target(environ)
        return target.operation if target else _query_action(environ)

    def throttled(self, environ: "WSGIEnvironment", retry_after_s: int) -> Response:
        response = self._error(environ, "ThrottlingException", "Rate exceeded", is_server_fault=False)
        if retry_after_s:
            response.headers["Retry-After"] = str(retry_after_s)
        return response

    def failed(self, environ: "WSGIEnvironment") -> Response:
        return self._error(environ, "InternalFailure", "an injected failure", is_server_fault=True)

    def unknown_yet(self, environ: "WSGIEnvironment") -> Response:
        """IAM's propagation as CodeBuild words it (hashicorp/terraform-provider-aws#4233); a denial elsewhere."""
        target = find_target(environ)
        if target is not None and target.prefix.startswith("CodeBuild"):
            message = "CodeBuild is not authorized to perform: sts:AssumeRole on the service role"
            return self._error(environ, "InvalidInputException", message, is_server_fault=False)
        return self.denied(environ, "User is not authorized to perform this action")

    def denied(self, environ: "WSGIEnvironment", message: str, *, code: str = "") -> Response:
        """The answer to a caller that may not; `code` where it is another than the protocol's usual one."""
        if target := find_target(environ):
            payload = {"__type": code or "AccessDeniedException", "message": message}
            return render(payload, status=400, is_cbor=target.is_cbor)
        if _query_action(environ):
            body = _XML.format(code=code or "AccessDenied", message=escape(message))
            return Response(body, 400 if code else 403, content_type="text/xml")
        body = _S3_XML.format(code=code or "AccessDenied", message=escape(message))
        return Response(body, 403, content_type="application/xml")

    def _error(self, environ: "WSGIEnvironment", code: str, message: str, *, is_server_fault: bool) -> Response:
        status = 500 if is_server_fault else 400
        if target := find_target(environ):
            return render({"__type": code, "message": message}, status=status, is_cbor=target.is_cbor)
        if environ["PATH_INFO"].startswith("/v2/"):
            name = "UNKNOWN" if is_server_fault else "TOOMANYREQUESTS"
            body = json.dumps({"errors": [{"code": name, "message": message}]})
            return Response(body, 500 if is_server_fault else 429, content_type="application/json")
        if _query_action(environ):
            name = code if is_server_fault else "Throttling"
            return Response(_XML.format(code=name, message=message), status, content_type="text/xml")
        name = "InternalError" if is_server_fault else "SlowDown"
        body = _S3_XML.format(code=name, message=message)
        return Response(body, 500 if is_server_fault else 503, content_type="application/xml")


def _query_action(environ: "WSGIEnvironment") -> str:
    """`Action` of a query-protocol call (IAM, STS); the body is put back for the service."""
    if not environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        return ""
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = BytesIO(body)
    return parse_qs(body.decode(errors="replace")).get("Action", [""])[0]
