"""The permission that a request to S3 needs, by method, path and query.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
"""

from collections.abc import Mapping
from urllib.parse import unquote

from sledgehammer_localstack.aws.access.decision import Need

_BUCKET_PARTS = {
    "acl": "BucketAcl",
    "encryption": "EncryptionConfiguration",
    "lifecycle": "LifecycleConfiguration",
    "policy": "BucketPolicy",
    "publicAccessBlock": "BucketPublicAccessBlock",
    "tagging": "BucketTagging",
    "versioning": "BucketVersioning",
}
"""Query keys that name a part of a bucket, and the part's name in actions."""

_PUT_ON_DELETE = {"encryption", "lifecycle", "publicAccessBlock", "tagging"}
"""Parts whose removal needs the Put permission."""


def needs_of_s3(method: str, path: str, query: Mapping[str, str]) -> list[Need]:
    """`path` is /bucket or /bucket/key."""
    bucket, _, key = unquote(path).lstrip("/").partition("/")
    if not bucket:
        return [Need(action="s3:ListAllMyBuckets")]
    arn = f"arn:aws:s3:::{bucket}"
    if key:
        return [Need(action=f"s3:{_on_object(method, query)}", resources=(f"{arn}/{key}",))]
    if method == "POST" and "delete" in query:  # which keys, is in the body: asked of all objects
        return [Need(action="s3:DeleteObject", resources=(f"{arn}/*",))]
    context = {f"s3:{name}": (query[name],) for name in ("prefix", "delimiter", "max-keys") if name in query}
    return [Need(action=f"s3:{_on_bucket(method, query)}", resources=(arn,), context=context)]


def _on_object(method: str, query: Mapping[str, str]) -> str:
    end = "Version" if "versionId" in query else ""
    part = "ObjectTagging" if "tagging" in query else "ObjectAcl" if "acl" in query else "Object"
    if method in ("GET", "HEAD"):
        return "ListMultipartUploadParts" if "uploadId" in query else f"Get{_versioned(part, end)}"
    if method == "DELETE":
        return "AbortMultipartUpload" if "uploadId" in query else f"Delete{_versioned(part, end)}"
    return f"Put{_versioned(part, end)}"  # uploads in parts included


def _versioned(part: str, end: str) -> str:
    return part.replace("Object", f"Object{end}")


def _on_bucket(method: str, query: Mapping[str, str]) -> str:
    for key, part in _BUCKET_PARTS.items():
        if key in query:
            if method == "DELETE":
                return f"Put{part}" if key in _PUT_ON_DELETE else f"Delete{part}"
            return f"{'Get' if method in ('GET', 'HEAD') else 'Put'}{part}"
    if "location" in query:
        return "GetBucketLocation"
    match method:
        case "PUT":
            return "CreateBucket"
        case "DELETE":
            return "DeleteBucket"
        case _:
            return "ListBucketVersions" if "versions" in query else "ListBucket"
