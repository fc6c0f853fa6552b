"""ECR's repositories and the operations on their settings.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_Operations.html
"""

import json
import threading
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime

from sledgehammer_localstack.aws.ecr.repository import Repository
from sledgehammer_localstack.aws.refusal import AwsError
from sledgehammer_localstack.aws.services import Caller, Document, Handler

_DEFAULT_PAGE = 100


def ecr_page(items: Sequence[object], request: Document, *, member: str) -> Document:
    """`maxResults` items from `nextToken` on; the token is the number of the first item of the next page."""
    token = request.get("nextToken", "0")
    if not token.isdigit():
        raise AwsError("InvalidParameterException", "Invalid parameter at 'nextToken'")
    start, size = int(token), int(request.get("maxResults", _DEFAULT_PAGE))
    answer: Document = {member: list(items[start : start + size])}
    if start + size < len(items):
        answer["nextToken"] = str(start + size)
    return answer


class Repositories:
    """The registry's repositories, safe to use from several threads."""

    def __init__(self, *, region: str, account: str, address: str, now: Callable[[], datetime]) -> None:
        self._account = account
        self._arn_prefix = f"arn:aws:ecr:{region}:{account}:repository/"
        self._address = address
        self._now = now
        self._repositories: dict[str, Repository] = {}
        self._lock = threading.RLock()

    @property
    def handlers(self) -> dict[str, Handler]:
        """The operations on repositories."""
        return {
            "CreateRepository": self._create,
            "DescribeRepositories": self._describe,
            "DeleteRepository": self._delete,
            "PutImageTagMutability": self._put_mutability,
            "PutImageScanningConfiguration": self._put_scanning,
            "TagResource": self._tag,
            "UntagResource": self._untag,
            "ListTagsForResource": self._list_tags,
            "SetRepositoryPolicy": self._set_policy,
            "GetRepositoryPolicy": self._get_policy,
            "DeleteRepositoryPolicy": self._delete_policy,
            "PutLifecyclePolicy": self._put_lifecycle,
            "GetLifecyclePolicy": self._get_lifecycle,
            "DeleteLifecyclePolicy": self._delete_lifecycle,
        }

    def arn(self, name: str) -> str:
        """The ARN that a repository of this name has or would have."""
        return self._arn_prefix + name

    def policy_of(self, arn: str) -> str:
        """The policy of the repository with this ARN; "" where there is none."""
        found = self.find(arn.removeprefix(self._arn_prefix))
        return "" if found is None else found.policy

    def tagged(self) -> dict[str, dict[str, str]]:
        """ARN to tags of all repositories."""
        with self._lock:
            return {one.arn: dict(one.resource_tags) for one in self._repositories.values()}

    def find(self, name: str) -> Repository | None:
        """A repository by name."""
        with self._lock:
            return self._repositories.get(name)

    def get(self, request: Document) -> Repository:
        """The repository a request names. Raises AwsError (RepositoryNotFoundException)."""
        name = request["repositoryName"]
        registry = request.get("registryId", self._account)
        found = self.find(name) if registry == self._account else None
        if found is None:
            message = f"The repository with name '{name}' does not exist in the registry with id '{registry}'"
            raise AwsError("RepositoryNotFoundException", message)
        return found

    def _create(self, _caller: Caller, request: Document) -> Document:
        name = request["repositoryName"]
        mutability = request.get("imageTagMutability", "MUTABLE")
        filters = request.get("imageTagMutabilityExclusionFilters", [])
        repository = Repository(
            name=name,
            arn=self._arn_prefix + name,
            uri=f"{self._address}/{name}",
            registry_id=self._account,
            created=self._now(),
            storage_name=f"{uuid.uuid4().hex}/{name}",
            settings={
                **_mutability(mutability, filters),
                "imageScanningConfiguration": {
                    "scanOnPush": request.get("imageScanningConfiguration", {}).get("scanOnPush", False)
                },
                "encryptionConfiguration": request.get("encryptionConfiguration", {"encryptionType": "AES256"}),
            },
            resource_tags={tag["Key"]: tag.get("Value", "") for tag in request.get("tags", [])},
        )
        with self._lock:
            if name in self._repositories:
                message = f"The repository with name '{name}' already exists in the registry with id '{self._account}'"
                raise AwsError("RepositoryAlreadyExistsException", message)
            self._repositories[name] = repository
        return {"repository": repository.document()}

    def _describe(self, _caller: Caller, request: Document) -> Document:
        if names := request.get("repositoryNames"):
            found = [self.get({**request, "repositoryName": name}) for name in names]
        else:
            with self._lock:
                found = [self._repositories[name] for name in sorted(self._repositories)]
        return ecr_page([one.document() for one in found], request, member="repositories")

    def _delete(self, _caller: Caller, request: Document) -> Document:
        with self._lock:
            repository = self.get(request)
            if repository.images and not request.get("force"):
                message = (
                    f"The repository with name '{repository.name}' in registry with id '{self._account}' "
                    "cannot be deleted because it still contains images"
                )
                raise AwsError("RepositoryNotEmptyException", message)
            del self._repositories[repository.name]
        return {"repository": repository.document()}

    def _put_mutability(self, _caller: Caller, request: Document) -> Document:
        repository = self.get(request)
        filters = request.get("imageTagMutabilityExclusionFilters", [])
        changed = _mutability(request["imageTagMutability"], filters)
        repository.settings.pop("imageTagMutabilityExclusionFilters", None)
        repository.settings |= changed
        return {**self._place(repository), **changed}

    def _put_scanning(self, _caller: Caller, request: Document) -> Document:
        repository = self.get(request)
        config = {"scanOnPush": request["imageScanningConfiguration"].get("scanOnPush", False)}
        repository.settings["imageScanningConfiguration"] = config
        return {**self._place(repository), "imageScanningConfiguration": config}

    def _tag(self, _caller: Caller, request: Document) -> Document:
        added = {tag["Key"]: tag.get("Value", "") for tag in request["tags"]}
        self._of_arn(request).resource_tags.update(added)
        return {}

    def _untag(self, _caller: Caller, request: Document) -> Document:
        repository = self._of_arn(request)
        for key in request["tagKeys"]:
            repository.resource_tags.pop(key, None)
        return {}

    def _list_tags(self, _caller: Caller, request: Document) -> Document:
        tags = self._of_arn(request).resource_tags
        return {"tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def _set_policy(self, _caller: Caller, request: Document) -> Document:
        repository = self.get(request)
        repository.policy = _json_text(request["policyText"], "policyText")
        return {**self._place(repository), "policyText": repository.policy}

    def _get_policy(self, _caller: Caller, request: Document) -> Document:
        repository = self.get(request)
        if not repository.policy:
            raise _missing("RepositoryPolicyNotFoundException", "Repository policy", repository)
        return {**self._place(repository), "policyText": repository.policy}

    def _delete_policy(self, caller: Caller, request: Document) -> Document:
        answer = self._get_policy(caller, request)
        self.get(request).policy = ""
        return answer

    def _put_lifecycle(self, _caller: Caller, request: Document) -> Document:
        """Kept and given back; it never removes an image here."""
        repository = self.get(request)
        repository.lifecycle_policy = _json_text(request["lifecyclePolicyText"], "lifecyclePolicyText")
        return {**self._place(repository), "lifecyclePolicyText": repository.lifecycle_policy}

    def _get_lifecycle(self, _caller: Caller, request: Document) -> Document:
        repository = self.get(request)
        if not repository.lifecycle_policy:
            raise _missing("LifecyclePolicyNotFoundException", "Lifecycle policy", repository)
        return {**self._place(repository), "lifecyclePolicyText": repository.lifecycle_policy}

    def _delete_lifecycle(self, caller: Caller, request: Document) -> Document:
        answer = self._get_lifecycle(caller, request)
        self.get(request).lifecycle_policy = ""
        return answer

    def _of_arn(self, request: Document) -> Repository:
        return self.get({"repositoryName": request["resourceArn"].removeprefix(self._arn_prefix)})

    def _place(self, repository: Repository) -> Document:
        return {"registryId": repository.registry_id, "repositoryName": repository.name}


def _mutability(mode: str, filters: list[Document]) -> Document:
    if bool(filters) is not mode.endswith("_WITH_EXCLUSION"):
        message = "imageTagMutabilityExclusionFilters go with a mode that ends in _WITH_EXCLUSION, and only with it"
        raise AwsError("InvalidParameterException", message)
    return {"imageTagMutability": mode} | ({"imageTagMutabilityExclusionFilters": filters} if filters else {})


def _json_text(text: str, name: str) -> str:
    try:
        json.loads(text)
    except ValueError as error:
        raise AwsError("InvalidParameterException", f"Invalid parameter at '{name}': {error}") from error
    return text


def _missing(code: str, what: str, repository: Repository) -> AwsError:
    message = (
        f"{what} does not exist for the repository with name '{repository.name}' "
        f"in the registry with id '{repository.registry_id}'"
    )
    return AwsError(code, message)
