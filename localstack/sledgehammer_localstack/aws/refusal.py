"""How an AWS service says no."""

from collections.abc import Mapping
from typing import Any


class AwsError(Exception):
    """An error answer: the exception's name as in the service model, a sentence, the HTTP status."""

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status

    @property
    def payload(self) -> Mapping[str, Any]:
        """The body of the answer, in the AWS JSON protocol's words."""
        return {"__type": self.code, "message": self.message}


def invalid_input(message: str) -> AwsError:
    """CodeBuild's answer to a request it cannot take."""
    return AwsError("InvalidInputException", message)


def not_found(message: str) -> AwsError:
    """CodeBuild's answer to a name it does not know."""
    return AwsError("ResourceNotFoundException", message)
