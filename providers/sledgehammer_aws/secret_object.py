"""A secret of Secrets Manager, whose value we can write and do not read."""

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from sledgehammer.changes import Action
from sledgehammer.errors import ConfigurationError, NotFoundError
from sledgehammer.provisioning import Attributes, Observed, Owner
from sledgehammer.provisioning.fingerprint import KEY_VARIABLE, fingerprint
from sledgehammer.secret import Secret
from sledgehammer_aws.managed import has_tags
from sledgehammer_aws.site import Site

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager.client import SecretsManagerClient
    from mypy_boto3_secretsmanager.type_defs import DescribeSecretResponseTypeDef, TagTypeDef

T = TypeVar("T")

FINGERPRINT_TAG = "sledgehammer:fingerprint"
VALUE = "value"
TOKENS = uuid.UUID("8b0f6d53-6c1e-4a0c-9e0a-2f8f2f7b9d11")
"""Namespace of idempotency tokens: one value of one secret has one token, whoever writes it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedSecret:
    """Its value is compared by a keyed fingerprint in a tag; without a key only its existence is seen to."""

    site: Site
    name: str
    value: Secret
    key: Secret | None
    kind: str = "aws_secret"

    @property
    def _secrets(self) -> "SecretsManagerClient":
        return self.site.clients.secrets

    @property
    def _fingerprint(self) -> str:
        return "" if self.key is None else fingerprint(self.value, key=self.key, context=f"{self.kind} {self.name}")

    def desired(self) -> Attributes | None:
        return {**self.site.wanted_tags(), **_told(self._fingerprint)}

    def observe(self, *, anew: bool = False) -> Observed | None:
        found = self._describe()
        if found is None:
            return None
        tags = {tag.get("Key", ""): tag.get("Value", "") for tag in found.get("Tags", [])}
        owner = self.site.names.mark.owner_of(f"{self.kind} {self.name}", tags)
        if found.get("DeletedDate") is not None:
            return None if owner is Owner.SLEDGE else Observed(attributes={}, owner=owner)
        told = _told(tags.get(FINGERPRINT_TAG, "")) if self.key is not None else {}
        note = f"a new value would not be seen: there is no {KEY_VARIABLE}" if self.key is None else ""
        managed = self.site.found_tags(tags, owner)
        return Observed(attributes={**managed, **told}, owner=owner, note=note)

    def calls(self, action: Action, attributes: Collection[str]) -> int:
        if action is Action.CREATE:
            return 2
        return 1 if action is Action.DELETE else has_tags(attributes) + 2 * (VALUE in attributes)

    def create(self) -> Collection[str]:
        """Ours that is waiting for its deletion is taken back: its name is not free before."""
        if self._describe() is not None:
            secrets = self._secrets
            self._send("RestoreSecret", lambda: secrets.restore_secret(SecretId=self.name))
            return (VALUE, *self.site.wanted_tags())
        secrets, text = self._secrets, self.value.reveal()
        self._send(
            "CreateSecret",
            lambda: secrets.create_secret(
                Name=self.name,
                SecretString=text,
                Description=f"Written by sledge for {self.site.names.owner}",
                ClientRequestToken=self._token,
                Tags=_as_list({**self.site.tags, **self._mark}),
            ),
        )
        return ()

    def update(self, attributes: Collection[str]) -> None:
        """The value before its fingerprint: cut off between them, the next apply writes the value once more."""
        if VALUE in attributes:
            secrets, text = self._secrets, self.value.reveal()
            self._send(
                "PutSecretValue",
                lambda: secrets.put_secret_value(SecretId=self.name, SecretString=text, ClientRequestToken=self._token),
            )
            self._tag({**self.site.tags, **self._mark})
        elif has_tags(attributes):
            self._tag(self.site.tags)

    def mark(self) -> None:
        self._tag(self.site.marks)

    def delete(self) -> None:
        """Kept by Secrets Manager for 30 days, in which an apply takes it back. It refuses a second request, which may
        be this one's repetition (API reference, DeleteSecret, InvalidRequestException)."""
        secrets = self._secrets
        try:
            self._send("DeleteSecret", lambda: secrets.delete_secret(SecretId=self.name))
        except NotFoundError:
            return
        except ConfigurationError:
            found = self._describe()
            if found is not None and found.get("DeletedDate") is None:
                raise

    @property
    def _mark(self) -> Mapping[str, str]:
        return {FINGERPRINT_TAG: self._fingerprint} if self._fingerprint else {}

    @property
    def _token(self) -> str:
        """Without a key a new one each time, for nothing but the value would make it."""
        if not self._fingerprint:
            return str(uuid.uuid4())
        return str(uuid.uuid5(TOKENS, f"{self.name} {self._fingerprint}"))

    def _describe(self) -> "DescribeSecretResponseTypeDef | None":
        secrets = self._secrets
        try:
            return self._send("DescribeSecret", lambda: secrets.describe_secret(SecretId=self.name))
        except NotFoundError:
            return None

    def _tag(self, tags: Mapping[str, str]) -> None:
        secrets = self._secrets
        self._send("TagResource", lambda: secrets.tag_resource(SecretId=self.name, Tags=_as_list(tags)))

    def _send(self, operation: str, request: Callable[[], T]) -> T:
        return self.site.calls.send(f"secretsmanager:{operation} {self.name}", request)


def _as_list(tags: Mapping[str, str]) -> "Sequence[TagTypeDef]":
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _told(digits: str) -> Attributes:
    return {VALUE: f"fingerprint {digits}"} if digits else {}
