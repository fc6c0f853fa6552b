"""What comes to the endpoint's port, and who answers it."""

import json
import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request, Response

from sledgehammer.errors import RemoteError
from sledgehammer_localstack.aws.access.call import read_call
from sledgehammer_localstack.aws.connections import DOOR, Connections
from sledgehammer_localstack.aws.ecr.registry import Registry
from sledgehammer_localstack.aws.identity_providers import IdentityProviders
from sledgehammer_localstack.aws.services import Service, answer_call, find_target

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)


class AwsApplication:
    """Our services by their RPC targets, the registry by /v2/, moto for everything else."""

    def __init__(
        self,
        services: Sequence[Service],
        registry: Registry,
        identity_providers: IdentityProviders,
        connections: Connections,
        moto: "WSGIApplication",
        *,
        region: str,
    ) -> None:
        self._identity_providers = identity_providers
        self._connections = connections
        self._services = {service.prefix: service for service in services}
        self._registry = registry
        self._moto = moto
        self._region = region

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/_health":
            return Response('{"status": "up"}', content_type="application/json")(environ, start_response)
        if path.startswith(DOOR) and environ["REQUEST_METHOD"] == "POST":
            return self._connections.complete(path.removeprefix(DOOR))(environ, start_response)
        if path == "/v2" or path.startswith("/v2/"):
            return self._push_or_pull(environ)(environ, start_response)
        target = find_target(environ)
        if target is not None and target.prefix in self._services:
            service = self._services[target.prefix]
            response = answer_call(service, target, Request(environ), region=self._region)
            return response(environ, start_response)
        own = self._identity_providers.answer(read_call(environ))
        return (own or self._moto)(environ, start_response)

    def _push_or_pull(self, environ: "WSGIEnvironment") -> Response:
        if environ["PATH_INFO"] == "/v2":
            return Response(status=301, headers={"Location": "/v2/"})
        try:
            return self._registry.answer(Request(environ))
        except RemoteError as error:
            log.warning("%s", error.message)
            body = json.dumps({"errors": [{"code": "UNAVAILABLE", "message": error.message}]})
            return Response(body, 503, content_type="application/json")
