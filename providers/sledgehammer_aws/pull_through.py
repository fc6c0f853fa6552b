"""The registry's rule to pull Docker Hub's images through ECR, which keeps them: no rate limit hits a build then."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sledgehammer.changes import Action
from sledgehammer.errors import NotFoundError
from sledgehammer.provisioning import Attributes, Observed, Owner
from sledgehammer_aws.setting_sections import DockerHub
from sledgehammer_aws.site import Site

DOCKER_HUB: Final = "docker-hub"
UPSTREAM = "registry-1.docker.io"
CREDENTIAL = "credential"


@dataclass(frozen=True, slots=True, kw_only=True)
class PullThroughRule:
    """Shared by all projects of the registry and without tags: one that is as the settings say may be ours, any other
    is somebody else's, and no destruction takes it away."""

    site: Site
    settings: DockerHub
    kind: str = "aws_ecr_pull_through_rule"

    @property
    def name(self) -> str:
        return self.settings.prefix

    def desired(self) -> Attributes | None:
        return {"upstream": UPSTREAM, CREDENTIAL: self.settings.credential}

    def observe(self, *, anew: bool = False) -> Observed | None:
        ecr = self.site.clients.ecr
        try:
            found = self.site.calls.send(
                f"ecr:DescribePullThroughCacheRules {self.name}",
                lambda: ecr.describe_pull_through_cache_rules(ecrRepositoryPrefixes=[self.name]),
            )
        except NotFoundError:
            return None
        (rule,) = found["pullThroughCacheRules"]
        attributes = {"upstream": rule.get("upstreamRegistryUrl", ""), CREDENTIAL: rule.get("credentialArn", "")}
        return Observed(attributes=attributes, owner=Owner.SLEDGE if attributes == self.desired() else Owner.OTHERS)

    def calls(self, action: Action, attributes: Collection[str]) -> int:
        return 1

    def create(self) -> Collection[str]:
        ecr = self.site.clients.ecr
        self.site.calls.send(
            f"ecr:CreatePullThroughCacheRule {self.name}",
            lambda: ecr.create_pull_through_cache_rule(
                ecrRepositoryPrefix=self.name,
                upstreamRegistryUrl=UPSTREAM,
                upstreamRegistry=DOCKER_HUB,
                credentialArn=self.settings.credential,
            ),
        )
        return ()

    def update(self, attributes: Collection[str]) -> None:
        """Never called: a rule that differs is somebody else's."""
