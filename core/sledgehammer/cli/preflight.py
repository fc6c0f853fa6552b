"""`sledge preflight`: what the registry does with a build cache, seen before a build needs it."""

import argparse
import sys
from collections.abc import Mapping

from sledgehammer.cli.command import Command, add_project_option, add_provider_option
from sledgehammer.providers import find_provider, load_providers
from sledgehammer.registry.findings import Finding, RegistryFacts, options_for
from sledgehammer.session import open_by_facts
from sledgehammer.strategies.registry import export_options

WIDTH = 22


def configure(parser: argparse.ArgumentParser) -> None:
    """Options."""
    add_project_option(parser)
    add_provider_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """0 when every cache repository can be used; else the first one's problem is raised, after the table."""
    from sledgehammer.registry.preflight import preflight_caches  # noqa: PLC0415 - no other command speaks HTTP

    session = open_by_facts(arguments.directory, arguments.provider)
    destination = find_provider(session.provider, load_providers()).destination(session.project)
    planned = export_options(session.project.cache, destination)
    found = preflight_caches(session.connection)
    sys.stdout.write("".join(render_facts(facts, planned) for facts in found))
    sys.stdout.flush()
    for facts in found:
        if facts.problem is not None:
            raise facts.problem
    return 0


def render_facts(facts: RegistryFacts, planned: Mapping[str, str]) -> str:
    """A line for the repository, a line for each finding, and what follows for the cache: the options that a build has
    `planned`, and a line for `sledge.yaml` where the registry needs others."""
    trip = "" if facts.round_trip_ms is None else f", a round trip takes {facts.round_trip_ms:.0f} ms"
    rows = [
        ("reachable", _text(facts.is_reachable) + trip),
        ("may pull", _text(facts.can_pull)),
        ("may push", _text(facts.can_push)),
        ("repository exists", _text(facts.exists)),
        ("image-manifest cache", _text(facts.takes_image_manifest)),
        ("index cache", _text(facts.takes_index)),
        ("zstd layers", _text(facts.takes_zstd)),
        ("tag can be moved", _text(facts.is_mutable)),
    ]
    choice = options_for(facts)
    missing = {key: value for key, value in choice.options if planned.get(key) != value}
    options = ",".join(f"{key}={value}" for key, value in planned.items())
    if not choice.is_usable:
        rows.append(("cache options", "none would do"))
    elif missing:
        lines = ", ".join(f"{key}: {value}" for key, value in missing.items())
        rows += [("cache options", f"{options} would not do"), ("put below cache:", f"options: {{{lines}}}")]
    else:
        rows.append(("cache options", f"{options} will do, there is nothing to set"))
    rows += [("because", reason) for reason in choice.reasons]
    rows += [("left behind", str(reference)) for reference in facts.left_behind]
    return f"{facts.repository.name}\n" + "".join(f"  {label:<{WIDTH}}{value}\n" for label, value in rows)


def _text(finding: Finding) -> str:
    if finding.holds is True:
        return "yes"
    return f"{'unknown' if finding.holds is None else 'no'}: {finding.reason}"


COMMAND = Command(
    name="preflight",
    help="try in five seconds whether the registry takes a build cache, and which",
    configure=configure,
    run=run,
)
