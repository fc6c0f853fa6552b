"""The permission that a request of the registry protocol needs.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html
"""


def registry_action(method: str, kind: str, rest: str) -> str:
    """`kind` is the path's part after the repository, `rest` what follows it."""
    is_read = method in ("GET", "HEAD")
    match kind:
        case "manifests":
            return "ecr:BatchGetImage" if is_read else "ecr:PutImage"
        case "tags":
            return "ecr:ListImages"
        case "referrers":
            return "ecr:ListImageReferrers"
    if rest.startswith("uploads/"):
        steps = {"POST": "ecr:InitiateLayerUpload", "PUT": "ecr:CompleteLayerUpload"}
        return steps.get(method, "ecr:UploadLayerPart")
    return "ecr:GetDownloadUrlForLayer" if method == "GET" else "ecr:BatchCheckLayerAvailability"
