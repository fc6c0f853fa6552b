"""CodeConnections: connections to git providers, whose handshake a person completes.

https://docs.aws.amazon.com/codeconnections/latest/APIReference/API_CreateConnection.html. In the console a person would
choose "Update pending connection"; here it is `POST /-/connections/NAME`.
"""

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from werkzeug.wrappers import Response

from sledgehammer_localstack.aws.contract import contract
from sledgehammer_localstack.aws.refusal import AwsError
from sledgehammer_localstack.aws.services import Caller, Document, Service

DOOR = "/-/connections/"
PENDING, AVAILABLE = "PENDING", "AVAILABLE"
_PAGE = 100


@dataclass(kw_only=True)
class _Connection:
    document: Document
    tags: dict[str, str] = field(default_factory=dict)


class Connections:
    """Of one account and region. As on AWS, two may have one name."""

    def __init__(self, *, region: str, account: str) -> None:
        self._account = account
        self._prefix = f"arn:aws:codeconnections:{region}:{account}:connection/"
        self._connections: dict[str, _Connection] = {}
        self._lock = threading.RLock()
        handlers: dict[str, Callable[[Caller, Document], Document]] = {
            "CreateConnection": self._create,
            "GetConnection": lambda _, request: {"Connection": dict(self._get(request["ConnectionArn"]).document)},
            "ListConnections": self._list,
            "DeleteConnection": self._delete,
            "TagResource": self._tag,
            "UntagResource": self._untag,
            "ListTagsForResource": self._list_tags,
        }
        self.service = Service(
            contract=contract("codeconnections"), invalid_code="InvalidInputException", handlers=handlers
        )

    def is_available(self, arn: str) -> bool:
        """Whether a connection exists and its handshake is complete."""
        with self._lock:
            found = self._connections.get(arn)
            return found is not None and found.document["ConnectionStatus"] == AVAILABLE

    def complete(self, name: str) -> Response:
        """A person completes the handshake of all connections of a name."""
        with self._lock:
            found = [one.document for one in self._connections.values() if one.document["ConnectionName"] == name]
            for document in found:
                document["ConnectionStatus"] = AVAILABLE
        status = 200 if found else 404
        return Response(f"{len(found)} completed\n", status, content_type="text/plain")

    def _create(self, _caller: Caller, request: Document) -> Document:
        host = request.get("HostArn", "")
        if bool(host) is bool(request.get("ProviderType")):
            raise AwsError("InvalidInputException", "either ProviderType or HostArn is given")
        arn = self._prefix + str(uuid.uuid4())
        document = {
            "ConnectionName": request["ConnectionName"],
            "ConnectionArn": arn,
            "ProviderType": request.get("ProviderType", "GitLabSelfManaged"),
            "OwnerAccountId": self._account,
            "ConnectionStatus": PENDING,
        } | ({"HostArn": host} if host else {})
        tags = {tag["Key"]: tag["Value"] for tag in request.get("Tags", [])}
        with self._lock:
            self._connections[arn] = _Connection(document=document, tags=tags)
        return {"ConnectionArn": arn, "Tags": _listed(tags)}

    def _list(self, _caller: Caller, request: Document) -> Document:
        kind, host = request.get("ProviderTypeFilter"), request.get("HostArnFilter")
        with self._lock:
            rows = [dict(one.document) for one in self._connections.values()]
        rows = [row for row in rows if kind in (None, row["ProviderType"]) and host in (None, row.get("HostArn"))]
        start, size = int(request.get("NextToken", "0")), int(request.get("MaxResults", _PAGE)) or _PAGE
        rest = {"NextToken": str(start + size)} if start + size < len(rows) else {}
        return {"Connections": rows[start : start + size], **rest}

    def _delete(self, _caller: Caller, request: Document) -> Document:
        with self._lock:
            self._get(request["ConnectionArn"])
            del self._connections[request["ConnectionArn"]]
        return {}

    def _tag(self, _caller: Caller, request: Document) -> Document:
        self._get(request["ResourceArn"]).tags.update({tag["Key"]: tag["Value"] for tag in request["Tags"]})
        return {}

    def _untag(self, _caller: Caller, request: Document) -> Document:
        found = self._get(request["ResourceArn"])
        for key in request["TagKeys"]:
            found.tags.pop(key, None)
        return {}

    def _list_tags(self, _caller: Caller, request: Document) -> Document:
        return {"Tags": _listed(self._get(request["ResourceArn"]).tags)}

    def _get(self, arn: str) -> _Connection:
        with self._lock:
            if arn not in self._connections:
                raise AwsError("ResourceNotFoundException", f"Connection not found: {arn}")
            return self._connections[arn]


def _listed(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
