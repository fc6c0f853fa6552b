"""Which images are made, and when one is made anew."""

import shutil
from pathlib import Path

import pytest

from sledgehammer_localstack.images import recipes
from sledgehammer_localstack.images.authorities import extra_certificates, split_certificates
from sledgehammer_localstack.images.on_request import ALL_RECIPES, ON_REQUEST, engine_recipes, with_parents
from sledgehammer_localstack.images.recipes import RECIPES, recipe_keys

FIRST = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
SECOND = "-----BEGIN CERTIFICATE-----\nBBBB\n-----END CERTIFICATE-----\n"


def test_parents_come_before_their_children() -> None:
    """An image is made from one that is there already."""
    names = [recipe.name for recipe in ALL_RECIPES]

    children = [recipe for recipe in ALL_RECIPES if recipe.parent]
    assert all(recipe.parent in names[: names.index(recipe.name)] for recipe in children)
    assert all(bool(recipe.suite) != bool(recipe.parent) for recipe in ALL_RECIPES)


def test_no_tag_stands_for_two_images() -> None:
    """Each name that a Dockerfile or a job uses is given once."""
    tags = [tag for recipe in ALL_RECIPES for tag in recipe.tags]

    assert len(tags) == len(set(tags))


def test_dockerfiles_name_their_parents() -> None:
    """What a recipe says of its parent is what its Dockerfile builds upon."""
    for recipe in (recipe for recipe in ALL_RECIPES if recipe.parent):
        text = (recipe.source / "Dockerfile").read_text()
        if "PARENT" in recipe.arguments:
            assert recipe.arguments["PARENT"] == f"sledgehammer/{recipe.parent}"
            assert "FROM $PARENT\n" in text
        else:
            named = (f"FROM sledgehammer/{recipe.parent}\n", f"ARG PARENT=sledgehammer/{recipe.parent}\n")
            assert any(line in text for line in named)


def test_an_engine_of_another_age_is_made_from_its_own_debian() -> None:
    """Asked for by its version, it brings all it stands on, and not the stack's own images."""
    assert [recipe.name for recipe in with_parents(engine_recipes("20.10"))] == [
        "debian-bookworm",
        "docker-cli-20.10",
        "docker-dind-20.10",
    ]
    assert engine_recipes("26.1") == ("docker-cli", "docker-dind")


def test_what_is_made_on_request_leaves_the_rest_alone() -> None:
    """The quick start makes RECIPES and nothing else, under the same keys whatever else could be made."""
    assert not set(RECIPES) & set(ON_REQUEST)
    alone, among = recipe_keys(RECIPES, certificates=[FIRST]), recipe_keys(ALL_RECIPES, certificates=[FIRST])
    assert {name: among[name] for name in alone} == alone
    assert len(set(among.values())) == len(ALL_RECIPES)


def test_another_certificate_on_the_host_makes_all_images_anew() -> None:
    """A build behind a new proxy must trust it."""
    before, after = recipe_keys(RECIPES, certificates=[FIRST]), recipe_keys(RECIPES, certificates=[FIRST, SECOND])

    assert all(before[recipe.name] != after[recipe.name] for recipe in RECIPES)


def test_a_changed_recipe_makes_itself_and_its_children_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new entrypoint of the dind image changes the CodeBuild image upon it, and no other."""
    before = recipe_keys(RECIPES, certificates=[])
    shutil.copytree(recipes.RECIPES_DIR, tmp_path / "recipes")
    (tmp_path / "recipes" / "docker-dind" / "dockerd-entrypoint.sh").write_text("#!/bin/sh\n")
    monkeypatch.setattr(recipes, "RECIPES_DIR", tmp_path / "recipes")

    after = recipe_keys(RECIPES, certificates=[])

    assert {name for name in before if before[name] != after[name]} == {"docker-dind", "codebuild"}


def test_only_the_hosts_own_authorities_are_carried_over() -> None:
    """What Debian's package brings anyway stays out; comments and repeated certificates do not count."""
    bundle = f"# a comment\n{FIRST}{SECOND}{SECOND}"

    assert split_certificates(bundle) == [FIRST, SECOND, SECOND]
    assert extra_certificates(bundle, public=f"# Mozilla\n{FIRST}") == [SECOND]


def test_line_ends_of_another_system_do_not_make_another_certificate() -> None:
    """A bundle with \\r\\n holds the same certificates."""
    assert extra_certificates(FIRST.replace("\n", "\r\n"), public=FIRST) == []
