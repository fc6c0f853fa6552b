"""An OpenID Connect provider on loopback: it publishes its key and signs tokens."""

import base64
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from werkzeug.wrappers import Request, Response

from sledgehammer_localstack.aws.http_server import HttpServer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


@dataclass(frozen=True, kw_only=True)
class Issuer:
    """`url` is the tokens' `iss`."""

    url: str
    key: RSAPrivateKey

    def token(self, **claims: object) -> str:
        """A signed token; `iss` is ours unless given."""
        head = {"alg": "RS256", "typ": "JWT", "kid": "one"}
        signed = ".".join(_encode(json.dumps(part).encode()) for part in (head, {"iss": self.url, **claims}))
        return f"{signed}.{_encode(self.key.sign(signed.encode(), PKCS1v15(), SHA256()))}"


@contextmanager
def serve_issuer() -> Iterator[Issuer]:
    """Serves the discovery document and the key."""
    key = generate_private_key(public_exponent=65537, key_size=2048)
    numbers = key.public_key().public_numbers()
    server = HttpServer("127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.port}"
    documents = {
        "/.well-known/openid-configuration": {"issuer": url, "jwks_uri": f"{url}/keys"},
        "/keys": {"keys": [{"kty": "RSA", "kid": "one", "n": _number(numbers.n), "e": _number(numbers.e)}]},
    }

    def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        body = json.dumps(documents[Request(environ).path])
        return Response(body, content_type="application/json")(environ, start_response)

    server.install(app)
    with server:
        yield Issuer(url=url, key=key)


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _number(value: int) -> str:
    return _encode(value.to_bytes((value.bit_length() + 7) // 8, "big"))
