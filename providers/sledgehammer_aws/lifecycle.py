"""What ECR cleans up: never an image whose tag says that it is in use. Pure."""

import json
from collections.abc import Mapping

from sledgehammer.strategies.per_stage import BY_BRANCH, KEYED


def cache_lifecycle() -> str:
    """Each cache export leaves the one before it untagged, which only a lifecycle rule removes; a stage that is kept
    under its content goes when no branch holds it any more. One image may have both tags: a rule of higher priority
    keeps what it selects from those below it (ECR user guide, "Lifecycle policy evaluation rules")."""
    return _document(
        _expiry("Superseded caches", days=1, tagStatus="untagged"),
        _expiry("Stages that a branch holds", days=365, tagStatus="tagged", tagPrefixList=[BY_BRANCH]),
        _expiry("Stages by their content", days=30, tagStatus="tagged", tagPrefixList=[KEYED]),
    )


def image_lifecycle(days: int) -> str:
    """An image whose last tag has moved on. ECR spares the parts of an index that has a tag (ECR user guide, "Lifecycle
    policies", considerations on image expiration)."""
    return _document(_expiry("Images without a tag", days=days, tagStatus="untagged"))


def _expiry(description: str, *, days: int, **selected: object) -> Mapping[str, object]:
    age = {"countType": "sinceImagePushed", "countUnit": "days", "countNumber": days}
    return {"description": description, "selection": {**selected, **age}, "action": {"type": "expire"}}


def _document(*rules: Mapping[str, object]) -> str:
    numbered = [{"rulePriority": priority, **rule} for priority, rule in enumerate(rules, 1)]
    return json.dumps({"rules": numbered}, sort_keys=True)
