"""Where a build's buildspec stands: in the project itself, or in a file of its source."""

import io
import zipfile

from sledgehammer_localstack.aws.codebuild.yaml_nodes import YamlFileError

DEFAULT_FILE = "buildspec.yml"


def is_inline(buildspec: str) -> bool:
    """Whether `source.buildspec` is the text itself, not a path."""
    return "\n" in buildspec or buildspec.lstrip().startswith(("{", "version"))


def find_buildspec(buildspec: str, source_zip: bytes) -> str:
    """The buildspec's text. Raises YamlFileError where the source has no such file."""
    if is_inline(buildspec):
        return buildspec
    path = (buildspec or DEFAULT_FILE).removeprefix("./")
    if path.startswith("arn:"):
        raise YamlFileError(f"the local CodeBuild reads no buildspec from {path}; put it inline or in the source")
    if source_zip:
        with zipfile.ZipFile(io.BytesIO(source_zip)) as archive:
            if path in archive.namelist():
                return archive.read(path).decode(errors="replace")
    raise YamlFileError(f"YAML file does not exist: {path}")
