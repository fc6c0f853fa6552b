"""Whether Docker Hub can be reached from here."""

import requests

_HUB = "https://registry-1.docker.io/v2/"
_TIMEOUT_S = 5.0


def is_hub_reachable() -> bool:
    """One request without credentials: Docker Hub answers it 401 with a Bearer challenge, a proxy that keeps it
    away does not (OCI distribution specification, "Determining Support")."""
    try:
        answer = requests.get(_HUB, timeout=_TIMEOUT_S)
    except requests.RequestException:
        return False
    return answer.status_code == 401 and "Www-Authenticate" in answer.headers
