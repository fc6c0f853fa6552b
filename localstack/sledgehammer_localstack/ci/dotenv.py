"""The report `dotenv`: variables that a job leaves for the jobs after it.

Source: docs.gitlab.com, ci/yaml/artifacts_reports ("artifacts:reports:dotenv").
"""

import re

from sledgehammer_localstack.ci.errors import CiConfigError
from sledgehammer_localstack.ci.model import Variable

MAX_VARIABLES = 150
MAX_SIZE_BYTES = 5 * 1024
_NAME = re.compile(r"[A-Za-z0-9_]+")


def parse_dotenv(text: str) -> tuple[Variable, ...]:
    """Read `NAME=value` lines. Raises CiConfigError: GitLab then fails the job with `data_integrity_failure`."""
    if len(text.encode()) > MAX_SIZE_BYTES:
        raise CiConfigError(f"Dotenv Artifact Too Big. Maximum Allowable Size: {MAX_SIZE_BYTES}")
    variables: dict[str, Variable] = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if not equals or not _NAME.fullmatch(key.strip()):
            raise CiConfigError("Invalid Format: a line of the dotenv report is not NAME=value")
        variables[key.strip()] = Variable(key=key.strip(), value=value.strip(), public=False)
    if len(variables) > MAX_VARIABLES:
        raise CiConfigError(f"Dotenv files cannot have more than {MAX_VARIABLES} variables")
    return tuple(variables.values())
