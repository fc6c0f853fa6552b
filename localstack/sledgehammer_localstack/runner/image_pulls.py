"""Images of a job: there already, or fetched with the credentials that the server sent along."""

import base64
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from sledgehammer.errors import RemoteError
from sledgehammer_localstack.containers import ContainerEngine
from sledgehammer_localstack.runner.failure import FailureReason, JobFailedError
from sledgehammer_localstack.runner.payload import RegistryLogin
from sledgehammer_localstack.runner.trace import JobTrace


def ensure_image(
    image: str,
    *,
    policies: Sequence[str],
    logins: Sequence[RegistryLogin],
    engine: ContainerEngine,
    trace: JobTrace,
) -> None:
    """Have `image` on the engine, by the first of the pull policies that leads there. Raises JobFailedError."""
    said = ""
    for policy in policies:
        is_here = policy != "always" and engine.has_image(image)
        if is_here:
            trace.note(f"Using image {image} (pull policy {policy})")
            return
        if policy == "never":
            said = "it is not on the engine"
            continue
        trace.note(f"Pulling image {image} ...")
        try:
            _pull(image, logins=logins, engine=engine)
        except RemoteError as error:
            said = error.message
            continue
        return
    message = f"image {image} cannot be had with pull policy {', '.join(policies)}: {said}"
    raise JobFailedError(message, reason=FailureReason.IMAGE_PULL)


def _pull(image: str, *, logins: Sequence[RegistryLogin], engine: ContainerEngine) -> None:
    if not logins:
        engine.pull(image)
        return
    auths = {login.address: {"auth": _basic(login)} for login in logins}
    with tempfile.TemporaryDirectory() as directory:  # 0700
        path = Path(directory) / "config.json"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump({"auths": auths}, file)
        engine.pull(image, client_config=Path(directory))


def _basic(login: RegistryLogin) -> str:
    return base64.b64encode(f"{login.user}:{login.password.reveal()}".encode()).decode()
