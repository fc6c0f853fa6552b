"""Steps of tests that ask the AWS provider for more by settings."""

from dataclasses import replace
from typing import Any

from aws_rehearsal import Rehearsal

from sledgehammer.changes import Change


def ask(aws: Rehearsal, **settings: Any) -> None:
    aws.settings = replace(aws.settings, **settings)


def applied(aws: Rehearsal) -> list[tuple[str, list[str]]]:
    """Kinds and attributes of an apply, after which nothing is left to do and a second one writes nothing."""
    told = [(change.kind, [item.name for item in change.attributes]) for change in aws.apply()]
    aws.sent.clear()
    assert aws.apply() == []
    assert aws.writes == []
    return told


def destroy(aws: Rehearsal) -> list[str]:
    told: list[Change] = []
    aws.connect().destroy(on_change=told.append)
    return [change.kind for change in told]
