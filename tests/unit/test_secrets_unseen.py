"""Records that hold secrets, as a traceback or a failing test would print them."""

import pytest

from sledgehammer.ports import Environment
from sledgehammer.process import Command, LocalProcessRunner
from sledgehammer.registry.access import RegistryAccess
from sledgehammer.secret import Secret
from sledgehammer_aws.build_project import VariableContent

TEXT = "s3cret"


@pytest.mark.parametrize(
    "record",
    [
        Secret(TEXT, source="GITLAB_TOKEN"),
        Environment(variables={"GITLAB_TOKEN": TEXT}, processes=LocalProcessRunner()),
        Command(argv=("docker", "login", "--password-stdin"), env={"PASSWORD": TEXT}, input_bytes=TEXT.encode()),
        RegistryAccess(host="r.example", username="ada", password=Secret(TEXT)),
        VariableContent(type="PLAINTEXT", value=TEXT),
    ],
    ids=lambda record: type(record).__name__,
)
def test_a_record_with_a_secret_prints_without_it(record: object) -> None:
    """Neither its repr nor its str nor a format shows the text."""
    assert TEXT not in f"{record!r} {record!s} {record}"
