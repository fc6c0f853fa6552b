"""What ECR cleans up: never an image that has a tag, for a tag says that it is in use. Pure."""

import json


def cache_lifecycle() -> str:
    """Each cache export leaves the one before it untagged, which only a lifecycle rule removes."""
    return _rule("Superseded caches", days=1)


def image_lifecycle(days: int) -> str:
    """An image whose last tag has moved on. ECR spares the parts of an index that has a tag (ECR user guide, "Lifecycle
    policies", considerations on image expiration)."""
    return _rule("Images without a tag", days=days)


def _rule(description: str, *, days: int) -> str:
    rule = {
        "rulePriority": 1,
        "description": description,
        "selection": {
            "tagStatus": "untagged",
            "countType": "sinceImagePushed",
            "countUnit": "days",
            "countNumber": days,
        },
        "action": {"type": "expire"},
    }
    return json.dumps({"rules": [rule]}, sort_keys=True)
