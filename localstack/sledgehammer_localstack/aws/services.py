"""Our own services behind AWS's wire protocols: JSON 1.1 (`X-Amz-Target`) and Smithy RPC v2 CBOR (the path).

https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
"""

import json
import logging
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from werkzeug.wrappers import Request, Response

from sledgehammer_localstack.aws import cbor
from sledgehammer_localstack.aws.contract import ServiceContract
from sledgehammer_localstack.aws.refusal import AwsError

log = logging.getLogger(__name__)

Document = dict[str, Any]
"""A request or an answer in the shape of the service model; dates are `datetime`s."""

_RPC_PATH = re.compile(r"^/service/(?P<prefix>[^/]+)/operation/(?P<operation>[^/]+)$")
_CREDENTIAL = re.compile(r"Credential=(?P<key>[^/]+)/[^/]+/(?P<region>[^/]+)/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who signed the request: known by the access key's id only, signatures are not checked."""

    access_key_id: str


Handler = Callable[[Caller, Document], Document]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service: its model and a handler per operation that it really has. `invalid_code` is the name of its
    exception for a request that breaks the model."""

    contract: ServiceContract
    invalid_code: str
    handlers: Mapping[str, Handler]

    @property
    def prefix(self) -> str:
        """Without the package that some services put before it in JSON, and none in CBOR."""
        return str(self.contract.model.metadata["targetPrefix"]).rpartition(".")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Which operation of which service a request means, and in which protocol."""

    prefix: str
    operation: str
    is_cbor: bool


def find_target(environ: Mapping[str, Any]) -> Target | None:
    """The RPC operation of a request; None when it is none (S3, the query protocol, the registry)."""
    if found := _RPC_PATH.match(environ.get("PATH_INFO", "")):
        return Target(prefix=found["prefix"], operation=found["operation"], is_cbor=True)
    prefix, dot, operation = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")
    return Target(prefix=prefix.rpartition(".")[2], operation=operation, is_cbor=False) if dot else None


def answer_call(service: Service, target: Target, request: Request, *, region: str) -> Response:
    """Validate, call the handler, validate what it says, render."""
    try:
        caller = _caller(request, region)
        document = _read(request, is_cbor=target.is_cbor)
        handler = _handler(service, target.operation)
        if faults := service.contract.input_faults(target.operation, document):
            raise AwsError(service.invalid_code, f"{target.operation}: {'; '.join(faults)}")
        answer = handler(caller, document)
        if faults := service.contract.output_faults(target.operation, answer):
            raise AssertionError(f"{target.operation} answered against its model: {'; '.join(faults)}")
    except AwsError as refusal:
        return render(refusal.payload, status=refusal.status, is_cbor=target.is_cbor)
    except Exception:
        log.exception("%s failed: a bug of the local AWS endpoint", target.operation)
        payload = {"__type": "InternalFailure", "message": f"{target.operation} failed; the endpoint's log says why"}
        return render(payload, status=500, is_cbor=target.is_cbor)
    return render(answer, status=200, is_cbor=target.is_cbor)


def render(payload: Mapping[str, Any], *, status: int, is_cbor: bool) -> Response:
    """An answer in the protocol the request came in."""
    headers = {"x-amzn-RequestId": str(uuid.uuid4())}
    if is_cbor:
        headers["smithy-protocol"] = "rpc-v2-cbor"
        return Response(cbor.encode(payload), status, headers=headers, content_type="application/cbor")
    body = json.dumps(payload, default=_epoch)
    return Response(body, status, headers=headers, content_type="application/x-amz-json-1.1")


def _handler(service: Service, operation: str) -> Handler:
    if operation in service.handlers:
        return service.handlers[operation]
    name = service.contract.service
    if service.contract.has_operation(operation):
        raise AwsError("UnknownOperationException", f"the local stack's {name} does not have {operation}")
    raise AwsError("UnknownOperationException", f"{name} has no operation {operation}")


def _caller(request: Request, region: str) -> Caller:
    found = _CREDENTIAL.search(request.headers.get("Authorization", ""))
    if found is None:
        raise AwsError("MissingAuthenticationTokenException", "the request is not signed", status=403)
    if found["region"] != region:
        raise AwsError(
            "InvalidSignatureException",
            f"Credential should be scoped to a valid region, not '{found['region']}': this endpoint is {region}",
            status=403,
        )
    return Caller(access_key_id=found["key"])


def _read(request: Request, *, is_cbor: bool) -> Document:
    body = request.get_data()
    try:
        document = (cbor.decode(body) if is_cbor else json.loads(body)) if body else {}
    except ValueError as error:
        raise AwsError("SerializationException", f"the body cannot be read: {error}") from error
    if not isinstance(document, dict):
        raise AwsError("SerializationException", "the body is no structure")
    return {name: value for name, value in document.items() if value is not None}


def _epoch(value: object) -> float:
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(f"no JSON form for {type(value).__name__}")
