"""A connection of AWS to a GitLab: made by us, completed by a person in the console.

https://docs.aws.amazon.com/dtconsole/latest/userguide/connections.html
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from sledgehammer.changes import Action
from sledgehammer.errors import ConflictError
from sledgehammer.provisioning import Attributes, ManualStep, Observed
from sledgehammer_aws.console import console_page
from sledgehammer_aws.managed import SHARED, as_list, shared_owner_of
from sledgehammer_aws.shared_write import one_at_a_time
from sledgehammer_aws.site import Site
from sledgehammer_aws.source_settings import GitLabSource

if TYPE_CHECKING:
    from mypy_boto3_codeconnections.client import CodeConnectionsClient
    from mypy_boto3_codeconnections.type_defs import ConnectionTypeDef

T = TypeVar("T")

AVAILABLE = "AVAILABLE"
UNKNOWN_ARN = "(known after apply)"
PROVIDER = "provider"


@dataclass(frozen=True, slots=True, kw_only=True)
class GitConnection:
    """One per name, shared by the projects that name it, so no destruction removes it. AWS takes a second one of the
    same name without a word, hence it is looked for before it is made."""

    site: Site
    source: GitLabSource
    kind: str = "aws_codeconnection"
    made: dict[str, str] = field(default_factory=dict, repr=False, compare=False)
    """The ARN by name of one that was just made, which a list may not show yet."""

    @property
    def name(self) -> str:
        return self.source.connection

    @property
    def _client(self) -> "CodeConnectionsClient":
        return self.site.clients.connections

    @property
    def _provider(self) -> str:
        return f"GitLabSelfManaged {self.source.host}" if self.source.host else "GitLab"

    def desired(self) -> Attributes | None:
        return {PROVIDER: self._provider}

    def observe(self, *, anew: bool = False) -> Observed | None:
        found = self.find()
        if found is None:
            return None
        arn = found.get("ConnectionArn", "")
        listed = self._send("ListTagsForResource", lambda: self._client.list_tags_for_resource(ResourceArn=arn))
        tags = {tag["Key"]: tag["Value"] for tag in listed.get("Tags", [])}
        provider = " ".join(part for part in (found.get("ProviderType", ""), found.get("HostArn", "")) if part)
        if provider != self._provider:
            raise ConflictError(
                f"{self.kind} {self.name} is one to {provider}, not to {self._provider}",
                hint="choose another name: aws: {source: {connection: …}}",
            )
        return Observed(
            attributes={PROVIDER: provider},
            owner=shared_owner_of(tags),
            manual=self._handshake(found),
        )

    def _handshake(self, found: "ConnectionTypeDef") -> ManualStep | None:
        status = found.get("ConnectionStatus", "")
        if status == AVAILABLE:
            return None
        return ManualStep(
            note=f"the connection is {status}: open it and choose Update pending connection",
            link=console_page(self.site.clients, self.site.names.account, "codesuite/settings/connections"),
        )

    def find(self) -> "ConnectionTypeDef | None":
        """The connection of this name, whichever provider it is of."""
        pages = self.site.calls.pages(
            f"codeconnections:ListConnections {self.name}",
            self._client.list_connections,
            following={"NextToken": "NextToken"},
        )
        found = (one for page in pages for one in page.get("Connections", []))
        return next((one for one in found if one.get("ConnectionName") == self.name), None)

    def arn(self) -> str:
        """Its ARN, which only AWS chooses; UNKNOWN_ARN before it is made."""
        if self.name in self.made:
            return self.made[self.name]
        found = self.find()
        return UNKNOWN_ARN if found is None else found.get("ConnectionArn", UNKNOWN_ARN)

    def calls(self, action: Action, attributes: Collection[str]) -> int:
        return 2

    def create(self) -> Collection[str]:
        """Looked for before every attempt, for an attempt whose answer was lost has made it, and has no token."""
        client, host = self._client, self.source.host
        kind: Any = {"HostArn": host} if host else {"ProviderType": "GitLab"}
        tags: Any = as_list({**SHARED, **self.site.settings.tags})

        def make() -> None:
            if self.find() is None:
                answer = client.create_connection(ConnectionName=self.name, Tags=tags, **kind)
                self.made[self.name] = answer["ConnectionArn"]

        account = self.site.names.account
        with one_at_a_time(f"the connection {self.name} of {account.id} in {account.region}"):
            self._send("CreateConnection", make)
        return ()

    def update(self, attributes: Collection[str]) -> None:
        """Never called: a connection of another provider cannot become one of this."""

    def _send(self, operation: str, request: Callable[[], T]) -> T:
        return self.site.calls.send(f"codeconnections:{operation} {self.name}", request)
