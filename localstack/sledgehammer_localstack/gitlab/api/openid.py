"""By what others check the ID tokens of jobs: OpenID's discovery document and the key set."""

import hashlib
import json

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from jwt.algorithms import ECAlgorithm

from sledgehammer.secret import Secret
from sledgehammer_localstack.gitlab.answers import Reply
from sledgehammer_localstack.gitlab.call import Call
from sledgehammer_localstack.gitlab.routing import Route, open_to_all

KEYS = "/oauth/discovery/keys"


def key_id(key: Secret) -> str:
    """The name of the key in tokens and in the set."""
    public = load_pem_private_key(key.reveal().encode(), password=None).public_key()
    return hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()[:32]


def configuration(call: Call) -> Reply:
    """The discovery document."""
    url = call.services.url
    return Reply(
        payload={
            "issuer": url,
            "jwks_uri": f"{url}{KEYS}",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        }
    )


def keys(call: Call) -> Reply:
    """The key set; only public parts."""
    key = call.services.settings.signing_key
    public = load_pem_private_key(key.reveal().encode(), password=None).public_key()
    shown = json.loads(ECAlgorithm.to_jwk(public))  # type: ignore[arg-type]
    return Reply(payload={"keys": [{**shown, "kid": key_id(key), "use": "sig", "alg": "ES256"}]})


ROUTES: tuple[Route, ...] = (
    open_to_all("GET", "/.well-known/openid-configuration", configuration),
    open_to_all("GET", KEYS, keys),
)
