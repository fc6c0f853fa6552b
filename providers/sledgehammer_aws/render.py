"""The buildspec of a build plan. Pure."""

import hashlib
from io import StringIO

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import LiteralScalarString

from sledgehammer.plan import BuildPlan
from sledgehammer.shell import render_script

BUILDSPEC = "buildspec.yml"


def render_buildspec(plan: BuildPlan) -> str:
    """Buildspec 0.2: one phase that runs the plan's script. Its first line carries a digest of the rest."""
    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 4096  # no line of a script is ever folded
    out = StringIO()
    script = LiteralScalarString(render_script(plan))
    yaml.dump({"version": 0.2, "phases": {"build": {"commands": [script]}}}, out)
    body = out.getvalue()
    digest = hashlib.sha256(body.encode()).hexdigest()[:12]
    return f"# Managed by sledge (format 1, content {digest}): change sledge.yaml instead\n{body}"
