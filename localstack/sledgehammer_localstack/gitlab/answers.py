"""What a handler gives back, and the refusals GitLab's clients know by shape."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer: JSON (`payload`), or bytes as they come (`stream`, then `payload` is not sent)."""

    status: int = 200
    payload: Json = None
    headers: Mapping[str, str] = field(default_factory=dict)
    stream: Iterable[bytes] | None = None
    content_type: str = "application/json"


def created(payload: Json) -> Reply:
    """201 with the new object."""
    return Reply(status=201, payload=payload)


def no_content() -> Reply:
    """204."""
    return Reply(status=204, stream=())


def text(body: str | bytes, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """Plain text."""
    data = body.encode() if isinstance(body, str) else body
    return Reply(status=status, stream=(data,), headers=headers or {}, content_type="text/plain; charset=utf-8")


class ApiError(Exception):
    """Ends the request with this status and JSON body; a bare sentence is sent as plain text."""

    def __init__(self, status: int, payload: Json, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status}: {payload}")
        if isinstance(payload, str):
            self.reply = text(payload, status=status, headers=headers)
        else:
            self.reply = Reply(status=status, payload=payload, headers=headers or {})


def bad_request(message: Json) -> ApiError:
    """400 of a model's validation: {"message": {"name": ["has already been taken"]}}, or with a sentence."""
    return ApiError(400, {"message": message})


def bad_parameter(sentence: str) -> ApiError:
    """400 of a parameter that is missing or no possible value: {"error": "name is missing"}."""
    return ApiError(400, {"error": sentence})


def unauthorized() -> ApiError:
    """401 without a usable credential."""
    return ApiError(401, {"message": "401 Unauthorized"})


def forbidden(why: str = "") -> ApiError:
    """403 for a caller who is known but may not."""
    return ApiError(403, {"message": f"403 Forbidden - {why}" if why else "403 Forbidden"})


def insufficient_scope(scopes: Iterable[str]) -> ApiError:
    """403 for a token without the scope (RFC 6750 names, as GitLab answers)."""
    return ApiError(
        403,
        {
            "error": "insufficient_scope",
            "error_description": "The request requires higher privileges than provided by the access token.",
            "scope": " ".join(scopes),
        },
    )


def invalid_token(description: str) -> ApiError:
    """401 for a token that was revoked or has expired."""
    return ApiError(401, {"error": "invalid_token", "error_description": description})


def not_found(what: str = "") -> ApiError:
    """404, also for what the caller may not know of."""
    return ApiError(404, {"message": f"404 {what} Not Found" if what else "404 Not found"})


def conflict(message: str) -> ApiError:
    """409."""
    return ApiError(409, {"message": message})


def unprocessable(message: Json) -> ApiError:
    """422."""
    return ApiError(422, {"message": message})
