"""The stack's own credentials: random, made once for a state directory."""

import secrets
import string
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from sledgehammer.secret import Secret
from sledgehammer_localstack.config import SECRETS_FILE, StackSecrets, load_secrets, save_secrets

_VALID_FOR = timedelta(days=3650)
_UPPER = string.ascii_uppercase + "234567"  # the alphabet of AWS access key ids


def ensure_secrets(state_dir: Path) -> StackSecrets:
    """Read the credentials of this state directory, or make them."""
    if (state_dir / SECRETS_FILE).exists():
        return load_secrets(state_dir)
    made = make_secrets()
    save_secrets(state_dir, made)
    return made


def make_secrets() -> StackSecrets:
    """New random credentials in the forms that GitLab's and AWS's own have."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return StackSecrets(
        gitlab_root_token=Secret(f"glpat-{secrets.token_urlsafe(15)}", source=SECRETS_FILE),
        gitlab_runner_token=Secret(f"glrt-{secrets.token_urlsafe(15)}", source=SECRETS_FILE),
        registry_signing_key=Secret(pem, source=SECRETS_FILE),
        registry_certificate=_certificate(key),
        aws_access_key_id="AKIA" + "".join(secrets.choice(_UPPER) for _ in range(16)),
        aws_secret_access_key=Secret(secrets.token_urlsafe(30), source=SECRETS_FILE),
    )


def _certificate(key: ec.EllipticCurvePrivateKey) -> str:
    """What a registry trusts as `rootcertbundle`: self-signed over the token service's key."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gitlab-issuer")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _VALID_FOR)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(Encoding.PEM).decode()
