"""Which repositories ECR scans when an image is pushed: a setting of the whole registry, which all projects share.

Scanning by repository is deprecated (ECR user guide, "Image scanning").
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from sledgehammer.changes import Action
from sledgehammer.provisioning import Attributes, Observed
from sledgehammer_aws.shared_write import change_shared
from sledgehammer_aws.site import Site

if TYPE_CHECKING:
    from mypy_boto3_ecr.type_defs import RegistryScanningConfigurationTypeDef, RegistryScanningRuleTypeDef

T = TypeVar("T")

ON_PUSH: Final = "SCAN_ON_PUSH"
WILDCARD: Final = "WILDCARD"
SCAN = "scan"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryScanning:
    """Our filter among those of others. A filter is a prefix at its narrowest, so repositories that begin alike are
    scanned too. The registry's kind of scanning, which is billed, is left as it is."""

    site: Site
    kind: str = "aws_ecr_scanning"

    @property
    def name(self) -> str:
        """The filter."""
        return f"{self.site.settings.repository or self.site.names.owner}*"

    def desired(self) -> Attributes | None:
        return {SCAN: "on push"}

    def observe(self, *, anew: bool = False) -> Observed | None:
        return Observed(attributes={SCAN: "on push"}) if self._is_there() else None

    def calls(self, action: Action, attributes: Collection[str]) -> int:
        return 3

    def create(self) -> Collection[str]:
        self._write(with_ours=True)
        return ()

    def update(self, attributes: Collection[str]) -> None:
        self._write(with_ours=True)

    def delete(self) -> None:
        self._write(with_ours=False)

    def _write(self, *, with_ours: bool) -> None:
        account = self.site.names.account
        change_shared(
            f"the scanning configuration of the registry {account.id} in {account.region}",
            change=lambda: self._replace(with_ours=with_ours),
            is_made=lambda: self._is_there() is with_ours,
            clock=self.site.calls.clock,
        )

    def _is_there(self) -> bool:
        return self.name in _on_push(self._read())

    def _replace(self, *, with_ours: bool) -> None:
        """The whole configuration, for there is no smaller call: those of others are read and written again."""
        ecr, current = self.site.clients.ecr, self._read()
        found = _on_push(current)
        if (self.name in found) is with_ours:
            return
        filters = [one for one in found if one != self.name]
        wanted = [*filters, self.name] if with_ours else filters
        rules: list[RegistryScanningRuleTypeDef] = [
            {"scanFrequency": rule["scanFrequency"], "repositoryFilters": rule["repositoryFilters"]}
            for rule in current.get("rules", [])
            if rule["scanFrequency"] != ON_PUSH
        ]
        if wanted:
            ours = [{"filter": one, "filterType": WILDCARD} for one in wanted]
            rules.append({"scanFrequency": ON_PUSH, "repositoryFilters": cast("Any", ours)})
        self._send(
            "PutRegistryScanningConfiguration",
            lambda: ecr.put_registry_scanning_configuration(scanType=current.get("scanType", "BASIC"), rules=rules),
        )

    def _read(self) -> "RegistryScanningConfigurationTypeDef":
        ecr = self.site.clients.ecr
        answer = self._send("GetRegistryScanningConfiguration", ecr.get_registry_scanning_configuration)
        return answer["scanningConfiguration"]

    def _send(self, operation: str, request: Callable[[], T]) -> T:
        return self.site.calls.send(f"ecr:{operation}", request)


def _on_push(configuration: "RegistryScanningConfigurationTypeDef") -> list[str]:
    """The filters of what is scanned at a push."""
    return [
        one["filter"]
        for rule in configuration.get("rules", [])
        for one in rule["repositoryFilters"]
        if rule["scanFrequency"] == ON_PUSH
    ]
