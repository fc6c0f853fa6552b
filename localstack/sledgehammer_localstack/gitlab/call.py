"""One request on its way through a handler."""

from collections.abc import Mapping
from dataclasses import dataclass

from werkzeug.wrappers import Request

from sledgehammer_localstack.gitlab.answers import unauthorized
from sledgehammer_localstack.gitlab.identity import Caller
from sledgehammer_localstack.gitlab.parameters import Parameters
from sledgehammer_localstack.gitlab.records import User
from sledgehammer_localstack.gitlab.services import Services
from sledgehammer_localstack.gitlab.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """The request, who makes it, its path placeholders and its parameters."""

    request: Request
    services: Services
    caller: Caller
    path: Mapping[str, str]
    params: Parameters

    @property
    def store(self) -> Store:
        """The database."""
        return self.services.store

    @property
    def user(self) -> User:
        """The signed-in user; 401 for anybody else."""
        if self.caller.user is None:
            raise unauthorized()
        return self.caller.user
