"""Lists in pages of 100, as CodeBuild gives them; a token is the place where the next page starts."""

import base64
from collections.abc import Sequence

from sledgehammer_localstack.aws.refusal import invalid_input
from sledgehammer_localstack.aws.services import Document

PAGE_SIZE = 100


def page(names: Sequence[str], request: Document, *, member: str) -> Document:
    """One page of `names` under `member`, with `nextToken` where more follows."""
    start = _start(request["nextToken"]) if "nextToken" in request else 0
    answer: Document = {member: list(names[start : start + PAGE_SIZE])}
    if start + PAGE_SIZE < len(names):
        answer["nextToken"] = base64.urlsafe_b64encode(f"at:{start + PAGE_SIZE}".encode()).decode()
    return answer


def _start(token: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(token).decode().removeprefix("at:"))
    except ValueError as error:
        raise invalid_input("Invalid next token") from error
