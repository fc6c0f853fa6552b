"""Whether a registry speaks TLS at all."""

import socket
import ssl
from urllib.parse import urlsplit

HTTPS_PORT = 443

_FOREIGN_ANSWERS = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"})
"""OpenSSL's reasons where bytes come back that are not TLS."""


def refuses_tls(host: str, *, timeout_s: float = 5.0) -> bool:
    """Whether something listens at `host` (name with an optional port) that does not know TLS: it answers a handshake
    in clear text or hangs up on it, or, with no port given, nothing listens where https would.

    A wrong certificate is TLS; silence, and a port that is closed, prove nothing.
    """
    parts = urlsplit(f"//{host}")
    try:
        connection = socket.create_connection((parts.hostname or "", parts.port or HTTPS_PORT), timeout=timeout_s)
    except ConnectionRefusedError:
        return parts.port is None
    except OSError:
        return False
    with connection:
        try:
            ssl.create_default_context().wrap_socket(connection, server_hostname=parts.hostname).close()
        except (ssl.SSLEOFError, ConnectionResetError):
            return True
        except ssl.SSLError as error:
            return error.reason in _FOREIGN_ANSWERS
        except OSError:
            return False
    return False
