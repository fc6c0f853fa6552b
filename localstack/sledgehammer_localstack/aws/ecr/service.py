"""ECR as a service and as a registry, over the same repositories."""

from collections.abc import Callable
from datetime import UTC, datetime

from sledgehammer_localstack.aws.access.gatekeeper import Gatekeeper
from sledgehammer_localstack.aws.contract import contract
from sledgehammer_localstack.aws.ecr.images import Images
from sledgehammer_localstack.aws.ecr.registry import Registry
from sledgehammer_localstack.aws.ecr.registry_settings import RegistrySettings
from sledgehammer_localstack.aws.ecr.repositories import Repositories
from sledgehammer_localstack.aws.ecr.storage import Storage
from sledgehammer_localstack.aws.ecr.tokens import RegistryTokens
from sledgehammer_localstack.aws.services import Service
from sledgehammer_localstack.aws.settings import AwsSettings


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


class Ecr:
    """`service` answers API calls, `registry` the OCI protocol."""

    def __init__(
        self,
        settings: AwsSettings,
        repositories: Repositories,
        gatekeeper: Gatekeeper,
        *,
        address: str,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        storage = Storage(settings.ecr_storage_address)
        tokens = RegistryTokens(now)
        images = Images(repositories, tokens, storage, registry_url=f"http://{address}", now=now)
        registry_settings = RegistrySettings(account=settings.account, now=now)
        self.service = Service(
            contract=contract("ecr"),
            invalid_code="InvalidParameterException",
            handlers={**repositories.handlers, **images.handlers, **registry_settings.handlers},
        )
        self.registry = Registry(repositories, tokens, storage, gatekeeper, registry_id=settings.account, now=now)
