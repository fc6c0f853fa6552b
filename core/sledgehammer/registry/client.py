"""A registry, opened: every request repeated while that is safe and makes sense, its failure told in our words."""

from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from sledgehammer.polling import Clock, SystemClock
from sledgehammer.registry.access import RegistryAccess
from sledgehammer.registry.failures import RequestFailedError, classify, explain
from sledgehammer.registry.reference import Reference
from sledgehammer.registry.transport import Answer, Limits, Request, Transport
from sledgehammer.retry import RetryPolicy, call_with_retry

T = TypeVar("T")

Send = Callable[[Request], Answer]
"""Sends once; raises RequestFailedError."""

POLICY = RetryPolicy(attempts=5, deadline_s=60.0)


class RegistryClient:
    """One registry and one user, for one thread; close it. `manifests`, `blobs` and `tags` are what it is for."""

    def __init__(
        self,
        access: RegistryAccess,
        *,
        clock: Clock | None = None,
        policy: RetryPolicy = POLICY,
        limits: Limits | None = None,
    ) -> None:
        self.access = access
        self._clock = clock or SystemClock()
        self._policy = policy
        self._transport = Transport(access, clock=self._clock, limits=limits or Limits())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._transport.close()

    def path(self, reference: Reference) -> str:
        """Where the reference's repository begins on this registry; another registry's is a mistake of the caller."""
        if reference.host != self.access.host:
            raise ValueError(f"{reference} does not lie in {self.access.host}")
        return f"/v2/{reference.path}"

    def send(self, tried: str, request: Request) -> Answer:
        """One request that is safe to repeat; `tried` says it in words.

        Raises CredentialsError, NotFoundError, ImmutableTagError, RegistryRefusedError, RemoteError or TimedOutError.
        """
        return self.call(tried, lambda send: send(request))

    def call(self, tried: str, operation: Callable[[Send], T]) -> T:
        """Several requests that are repeated as one. Raises what `send` raises."""
        try:
            return call_with_retry(
                lambda: operation(self._transport.send),
                name=f"{tried} at {self.access.host}",
                classify=classify,
                policy=self._policy,
                clock=self._clock,
            )
        except RequestFailedError as error:
            raise explain(error.failure, tried=tried, access=self.access) from error
