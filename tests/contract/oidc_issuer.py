"""An OpenID Connect provider on loopback: it publishes its key and signs tokens."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from werkzeug.wrappers import Request, Response

from sledgehammer_localstack.aws.http_server import HttpServer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


@dataclass(frozen=True, kw_only=True)
class Issuer:
    """`url` is the tokens' `iss`."""

    url: str
    algorithm: str  # RS256 as gitlab.com, or ES256
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

    def token(self, **claims: object) -> str:
        """A signed token; `iss` is ours unless given."""
        return jwt.encode({"iss": self.url, **claims}, self.key, algorithm=self.algorithm, headers={"kid": "one"})


@contextmanager
def serve_issuer(algorithm: str = "RS256") -> Iterator[Issuer]:
    """Serves the discovery document and the key."""
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    if algorithm == "RS256":
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = json.loads(RSAAlgorithm.to_jwk(key.public_key()))
    else:
        key = ec.generate_private_key(ec.SECP256R1())
        public = json.loads(ECAlgorithm.to_jwk(key.public_key()))
    server = HttpServer("127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.port}"
    documents = {
        "/.well-known/openid-configuration": {"issuer": url, "jwks_uri": f"{url}/keys"},
        "/keys": {"keys": [{**public, "kid": "one"}]},
    }

    def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        body = json.dumps(documents[Request(environ).path])
        return Response(body, content_type="application/json")(environ, start_response)

    server.install(app)
    with server:
        yield Issuer(url=url, algorithm=algorithm, key=key)
