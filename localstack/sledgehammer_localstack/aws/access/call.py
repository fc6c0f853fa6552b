"""A request to an AWS service as IAM sees it: who signed it, and which operation with which parameters it is."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from sledgehammer_localstack.aws import cbor
from sledgehammer_localstack.aws.services import find_target

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_SCOPE = re.compile(r"(?P<key>[^/=,\s]+)/\d{8}/(?P<region>[^/]*)/(?P<service>[^/]+)/aws4_request")
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """`operation` and `request` are empty for S3, whose operations are methods and paths. `access_key_id` is empty in a
    request that nobody signed."""

    access_key_id: str
    service: str
    operation: str
    request: Mapping[str, Any] = field(repr=False)  # may hold secrets
    method: str
    path: str
    query: Mapping[str, str]


def read_call(environ: "WSGIEnvironment") -> Call:
    """Reads the body of RPC calls and puts it back for the service."""
    query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    signed = environ.get("HTTP_AUTHORIZATION", "") + query.get("X-Amz-Credential", "")
    scope = _SCOPE.search(signed)
    operation, request = _operation(environ)
    return Call(
        access_key_id=scope["key"] if scope else "",
        service=scope["service"] if scope else "",
        operation=operation,
        request=request,
        method=environ["REQUEST_METHOD"],
        path=environ["PATH_INFO"],
        query=query,
    )


def _operation(environ: "WSGIEnvironment") -> tuple[str, Mapping[str, Any]]:
    if target := find_target(environ):
        body = _body(environ)
        try:
            document = (cbor.decode(body) if target.is_cbor else json.loads(body)) if body else {}
        except ValueError:
            document = {}  # the service will refuse it
        return target.operation, document if isinstance(document, dict) else {}
    if environ.get("CONTENT_TYPE", "").startswith(_FORM):
        form = dict(parse_qsl(_body(environ).decode(errors="replace"), keep_blank_values=True))
        return form.pop("Action", ""), form
    return "", {}


def _body(environ: "WSGIEnvironment") -> bytes:
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = BytesIO(body)
    return body
