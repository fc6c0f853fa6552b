"""Version and health (Metadata API)."""

from sledgehammer_localstack.gitlab.answers import Reply, text, unauthorized
from sledgehammer_localstack.gitlab.call import Call
from sledgehammer_localstack.gitlab.routing import Route, open_to_all, reads

VERSION = "18.2.0"  # the release whose API description the answers are checked against
REVISION = "local"


def metadata(call: Call) -> Reply:
    """What instance this is."""
    if call.caller.is_anonymous:
        raise unauthorized()
    kas = {"enabled": False, "externalUrl": None, "externalK8sProxyUrl": None, "version": None}
    return Reply(payload={"version": VERSION, "revision": REVISION, "kas": kas, "enterprise": False})


def health(call: Call) -> Reply:
    """Whether the server serves."""
    return text("GitLab OK")


ROUTES: tuple[Route, ...] = (
    reads("/api/v4/version", metadata, scopes=("read_user",)),
    reads("/api/v4/metadata", metadata, scopes=("read_user",)),
    open_to_all("GET", "/-/health", health),
)
