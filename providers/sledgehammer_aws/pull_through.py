"""The registry's rule to pull Docker Hub's images through ECR, which keeps them: no rate limit hits a build then."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sledgehammer.changes import Action
from sledgehammer.errors import ConflictError, NotFoundError
from sledgehammer.provisioning import Attributes, Observed, Owner
from sledgehammer_aws.setting_sections import DockerHub
from sledgehammer_aws.site import Site

DOCKER_HUB: Final = "docker-hub"
UPSTREAM = "registry-1.docker.io"
CREDENTIAL = "credential"


@dataclass(frozen=True, slots=True, kw_only=True)
class PullThroughRule:
    """Shared by all projects of the registry and without tags: one that is as the settings say may be ours, any other
    is somebody else's, and no destruction takes it away. Of a rule only the credential can be changed (ECR API
    reference, UpdatePullThroughCacheRule), which an adoption does: to be as the settings say is all the mark it has."""

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
        upstream = rule.get("upstreamRegistryUrl", "")
        if upstream != UPSTREAM:
            raise ConflictError(
                f"{self.kind} {self.name} is of another registry, which cannot be changed: {upstream} -> {UPSTREAM}",
                hint="choose another prefix: aws: {docker_hub: {prefix: …}}",
            )
        attributes = {"upstream": upstream, CREDENTIAL: rule.get("credentialArn", "")}
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

    def mark(self) -> None:
        ecr = self.site.clients.ecr
        self.site.calls.send(
            f"ecr:UpdatePullThroughCacheRule {self.name}",
            lambda: ecr.update_pull_through_cache_rule(
                ecrRepositoryPrefix=self.name, credentialArn=self.settings.credential
            ),
        )
