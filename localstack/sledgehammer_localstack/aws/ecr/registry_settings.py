"""ECR's settings of a whole registry: scanning, and rules to pull through. They are kept and given back; nothing is
scanned or pulled by them here.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutRegistryScanningConfiguration.html,
https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreatePullThroughCacheRule.html
"""

import threading
from collections.abc import Callable
from copy import deepcopy
from datetime import datetime

from sledgehammer_localstack.aws.ecr.repositories import ecr_page
from sledgehammer_localstack.aws.refusal import AwsError
from sledgehammer_localstack.aws.services import Caller, Document, Handler

MAX_RULES = 50
_WITH_CREDENTIALS = ("docker-hub", "github-container-registry", "gitlab-container-registry")


class RegistrySettings:
    """Of one registry."""

    def __init__(self, *, account: str, now: Callable[[], datetime]) -> None:
        self._account = account
        self._now = now
        self._scanning: Document = {"scanType": "BASIC", "rules": []}
        self._rules: dict[str, Document] = {}
        self._lock = threading.RLock()

    @property
    def handlers(self) -> dict[str, Handler]:
        """The operations on them."""
        return {
            "PutRegistryScanningConfiguration": self._put_scanning,
            "GetRegistryScanningConfiguration": self._get_scanning,
            "CreatePullThroughCacheRule": self._create_rule,
            "DescribePullThroughCacheRules": self._describe_rules,
            "UpdatePullThroughCacheRule": self._update_rule,
            "DeletePullThroughCacheRule": self._delete_rule,
        }

    def _put_scanning(self, _caller: Caller, request: Document) -> Document:
        with self._lock:
            wanted = {"scanType": request.get("scanType", "BASIC"), "rules": deepcopy(request.get("rules", []))}
            frequencies = [rule["scanFrequency"] for rule in wanted["rules"]]
            if wanted["scanType"] == "BASIC" and "CONTINUOUS_SCAN" in frequencies:
                raise AwsError("ValidationException", "CONTINUOUS_SCAN needs scanType ENHANCED")
            if len(set(frequencies)) < len(frequencies):
                raise AwsError("ValidationException", "one rule for each scan frequency")
            self._scanning = wanted
            return {"registryScanningConfiguration": deepcopy(wanted)}

    def _get_scanning(self, _caller: Caller, _request: Document) -> Document:
        with self._lock:
            return {"registryId": self._account, "scanningConfiguration": deepcopy(self._scanning)}

    def _create_rule(self, _caller: Caller, request: Document) -> Document:
        prefix = request["ecrRepositoryPrefix"]
        with self._lock:
            if prefix in self._rules:
                message = f"The pull through cache rule with prefix '{prefix}' already exists"
                raise AwsError("PullThroughCacheRuleAlreadyExistsException", message)
            if len(self._rules) == MAX_RULES:
                raise AwsError("LimitExceededException", f"a registry has at most {MAX_RULES} pull through cache rules")
            if request.get("upstreamRegistry") in _WITH_CREDENTIALS and "credentialArn" not in request:
                raise AwsError("UnsupportedUpstreamRegistryException", "this upstream registry needs a credentialArn")
            rule = {**request, "registryId": self._account, "createdAt": self._now(), "updatedAt": self._now()}
            self._rules[prefix] = rule
            return {name: value for name, value in rule.items() if name != "updatedAt"}

    def _describe_rules(self, _caller: Caller, request: Document) -> Document:
        with self._lock:
            wanted = request.get("ecrRepositoryPrefixes", sorted(self._rules))
            rules = [self._rule(prefix) for prefix in wanted]
        return ecr_page(rules, request, member="pullThroughCacheRules")

    def _update_rule(self, _caller: Caller, request: Document) -> Document:
        with self._lock:
            rule = self._rule(request["ecrRepositoryPrefix"])
            rule |= {name: request[name] for name in ("credentialArn", "customRoleArn") if name in request}
            rule["updatedAt"] = self._now()
            kept = ("ecrRepositoryPrefix", "registryId", "updatedAt", "credentialArn", "customRoleArn")
            return {name: rule[name] for name in kept if name in rule}

    def _delete_rule(self, _caller: Caller, request: Document) -> Document:
        with self._lock:
            rule = self._rule(request["ecrRepositoryPrefix"])
            del self._rules[request["ecrRepositoryPrefix"]]
            return {name: value for name, value in rule.items() if name not in ("updatedAt", "upstreamRegistry")}

    def _rule(self, prefix: str) -> Document:
        if prefix not in self._rules:
            message = f"The pull through cache rule with prefix '{prefix}' does not exist"
            raise AwsError("PullThroughCacheRuleNotFoundException", message)
        return self._rules[prefix]
