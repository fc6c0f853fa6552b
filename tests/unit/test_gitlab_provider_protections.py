"""Protected image tags that GitLab would refuse are refused where they are written."""

from pathlib import Path

import pytest

from sledgehammer.config.load import parse_project
from sledgehammer.errors import ConfigurationError
from sledgehammer.providers import load_providers

HEAD = "version: 1\nname: web\ngitlab:\n  project: acme/web\n  image_tag_protection:\n"


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        ('    "^v": {delete: any}\n', "a least role to push and one to delete"),
        ("".join(f'    "^v{number}": {{}}\n' for number in range(6)), "GitLab takes 5 rules for a project"),
        (f'    "{"v" * 101}": {{}}\n', "at most 100 characters"),
    ],
)
def test_rules_that_gitlab_does_not_take_are_named_with_their_line(rules: str, sentence: str) -> None:
    """Both levels, five rules, a hundred characters (GitLab documentation, "Protected container tags")."""
    with pytest.raises(ConfigurationError, match=sentence) as caught:
        parse_project(HEAD + rules, file="sledge.yaml", root=Path(), providers=load_providers())
    assert caught.value.message.startswith("sledge.yaml:")
