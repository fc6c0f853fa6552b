"""A build's output: the files that its buildspec names, put into S3.

https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectArtifacts.html
"""

import hashlib
import io
import posixpath
import re
import tarfile
import zipfile
from collections.abc import Iterable, Mapping

from sledgehammer.errors import ConfigurationError
from sledgehammer_localstack.aws.codebuild.build_record import BuildRecord
from sledgehammer_localstack.aws.codebuild.buildspec import ArtifactSpec
from sledgehammer_localstack.aws.codebuild.workspace import Workspace
from sledgehammer_localstack.aws.role_access import RoleAccess
from sledgehammer_localstack.aws.services import Document


def upload_artifacts(
    access: RoleAccess, build: BuildRecord, spec: ArtifactSpec | None, workspace: Workspace
) -> Document:
    """Put the files; gives the build's `artifacts`. Raises ConfigurationError where nothing matches."""
    settings = build.settings["artifacts"]
    if settings["type"] == "NO_ARTIFACTS":
        return {"location": ""}
    if spec is None:
        raise ConfigurationError("the project has S3 artifacts, but the buildspec has no `artifacts`")
    files = _read_files(workspace, spec)
    prefix = _prefix(settings, build.identity.uuid)
    name = spec.name if settings.get("overrideArtifactName") and spec.name else settings.get("name", "")
    name = name.strip("/") or build.identity.project
    bucket = settings["location"].removeprefix("arn:aws:s3:::")
    location = f"arn:aws:s3:::{bucket}/{prefix}{name}"
    if settings.get("packaging", "NONE") == "NONE":
        for path, content in files.items():
            access.write_object(bucket, f"{prefix}{name}/{path}", content)
        return {"location": location}
    packed = _pack(files)
    access.write_object(bucket, prefix + name, packed)
    md5 = hashlib.md5(packed, usedforsecurity=False).hexdigest()
    return {"location": location, "sha256sum": hashlib.sha256(packed).hexdigest(), "md5sum": md5}


def select(paths: Iterable[str], spec: ArtifactSpec) -> list[str]:
    """The paths that the patterns name and do not exclude, in order."""
    wanted = [_pattern(text) for text in spec.files]
    excluded = [_pattern(text) for text in spec.exclude_paths]
    return sorted(path for path in paths if _fits(path, wanted) and not _fits(path, excluded))


def _fits(path: str, patterns: Iterable[re.Pattern[str]]) -> bool:
    return any(pattern.fullmatch(path) for pattern in patterns)


def _prefix(settings: Document, build_uuid: str) -> str:
    parts = [settings.get("path", "").strip("/")]
    parts += [build_uuid] if settings.get("namespaceType") == "BUILD_ID" else []
    return "".join(f"{part}/" for part in parts if part)


def _read_files(workspace: Workspace, spec: ArtifactSpec) -> dict[str, bytes]:
    base = posixpath.normpath(posixpath.join(workspace.source_dir, spec.base_directory))
    found: dict[str, bytes] = {}
    with workspace.download(base) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            path = member.name.partition("/")[2]
            if member.isfile() and select([path], spec):
                content = archive.extractfile(member)
                assert content is not None  # noqa: S101 - it is a file
                found[posixpath.basename(path) if spec.discard_paths else path] = content.read()
    if not found:
        raise ConfigurationError(f"no matching artifact paths found in {base} for {', '.join(spec.files)}")
    return found


def _pack(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return packed.getvalue()


def _pattern(text: str) -> re.Pattern[str]:
    """`**/*` is every file, `*` stays within a directory; the buildspec reference, `artifacts/files`."""
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    words = re.split(r"(\*\*/|\*\*|\*|\?)", text.removeprefix("./"))
    return re.compile("".join(parts.get(word, re.escape(word)) for word in words), re.DOTALL)
