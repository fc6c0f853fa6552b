"""The account's OpenID Connect provider for a GitLab: one per address, shared by all projects.

https://docs.gitlab.com/ci/cloud_services/aws/
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sledgehammer.changes import Action
from sledgehammer.errors import NotFoundError
from sledgehammer.provisioning import Attributes, Observed
from sledgehammer_aws.managed import SHARED, as_list, shared_owner_of
from sledgehammer_aws.setting_sections import GitLabJobs
from sledgehammer_aws.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityProvider:
    """We see to our own audience and leave those of others; no destruction takes it from other projects. AWS checks the
    issuer's certificate by itself, so there is no thumbprint (IAM user guide, "Create an OIDC identity provider")."""

    site: Site
    settings: GitLabJobs
    kind: str = "aws_iam_oidc_provider"

    @property
    def name(self) -> str:
        """Its address without the scheme, as in condition keys."""
        return self.settings.url.split("://", 1)[1].rstrip("/")

    @property
    def arn(self) -> str:
        account = self.site.names.account
        return f"arn:{account.partition}:iam::{account.id}:oidc-provider/{self.name}"

    @property
    def _audience(self) -> str:
        return f"audience {self.settings.audience}"

    def desired(self) -> Attributes | None:
        return {self._audience: "trusted"}

    def observe(self, *, anew: bool = False) -> Observed | None:
        iam = self.site.clients.iam
        try:
            found = self.site.calls.send(
                f"iam:GetOpenIDConnectProvider {self.name}",
                lambda: iam.get_open_id_connect_provider(OpenIDConnectProviderArn=self.arn),
            )
        except NotFoundError:
            return None
        tags = {tag["Key"]: tag["Value"] for tag in found.get("Tags", [])}
        owner = shared_owner_of(tags)
        is_trusted = self.settings.audience in found.get("ClientIDList", [])
        return Observed(attributes={self._audience: "trusted"} if is_trusted else {}, owner=owner)

    def calls(self, action: Action, attributes: Collection[str]) -> int:
        return 1

    def create(self) -> Collection[str]:
        iam = self.site.clients.iam
        self.site.calls.send(
            f"iam:CreateOpenIDConnectProvider {self.name}",
            lambda: iam.create_open_id_connect_provider(
                Url=self.settings.url.rstrip("/"),
                ClientIDList=[self.settings.audience],
                ThumbprintList=[],
                Tags=as_list(self._tags),
            ),
        )
        return ()

    def update(self, attributes: Collection[str]) -> None:
        iam = self.site.clients.iam
        self.site.calls.send(
            f"iam:AddClientIDToOpenIDConnectProvider {self.name}",
            lambda: iam.add_client_id_to_open_id_connect_provider(
                OpenIDConnectProviderArn=self.arn, ClientID=self.settings.audience
            ),
        )

    def mark(self) -> None:
        iam, tags = self.site.clients.iam, as_list(SHARED)
        self.site.calls.send(
            f"iam:TagOpenIDConnectProvider {self.name}",
            lambda: iam.tag_open_id_connect_provider(OpenIDConnectProviderArn=self.arn, Tags=tags),
        )

    @property
    def _tags(self) -> Mapping[str, str]:
        return {**SHARED, **self.site.settings.tags}
