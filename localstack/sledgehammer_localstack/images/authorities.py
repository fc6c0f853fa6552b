"""Certificate authorities that this host trusts beyond the public ones, for images that must trust them too.

Behind an intercepting proxy pip, npm, cargo and Maven inside a build fail without them.
"""

import re
import ssl
from pathlib import Path

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_BUNDLES = (Path("/etc/ssl/certs/ca-certificates.crt"), Path("/etc/pki/tls/certs/ca-bundle.crt"))
_PUBLIC = Path("/usr/share/ca-certificates")


def split_certificates(text: str) -> list[str]:
    """The PEM certificates in a bundle, one by one, without comments."""
    return [match.strip().replace("\r\n", "\n") + "\n" for match in _CERTIFICATE.findall(text)]


def extra_certificates(bundle: str, public: str) -> list[str]:
    """Certificates of `bundle` that are not in `public`, each once, in their order."""
    known = set(split_certificates(public))
    return [text for text in dict.fromkeys(split_certificates(bundle)) if text not in known]


def read_extra_certificates() -> list[str]:
    """What this host trusts beyond its distribution's package; all of its bundle where that is not installed."""
    candidates = [Path(path) for path in (ssl.get_default_verify_paths().cafile,) if path]
    existing = [path for path in (*candidates, *_BUNDLES) if path.is_file()]
    bundle = existing[0].read_text(errors="replace") if existing else ""
    public = "".join(path.read_text(errors="replace") for path in sorted(_PUBLIC.rglob("*.crt")))
    return extra_certificates(bundle, public)
