"""Platforms as BuildKit writes them: operating system, architecture and, for some, a variant."""

from collections.abc import Mapping

DEFAULT_PLATFORM = "linux/amd64"
"""Of machines that nothing else is known of."""

PLATFORM = r"linux/(amd64|arm64|arm/v[67]|386|ppc64le|riscv64|s390x)"
PLATFORM_EXPECTS = "a platform, such as linux/arm64"
"""For settings. `shell/platform.sh` gives the same names to machines."""


def platform_args(platform: str) -> Mapping[str, str]:
    """Dockerfile reference, "Automatic platform ARGs in the global scope", of a machine that builds for itself; build
    arguments of these names go before."""
    system, _, rest = platform.partition("/")
    architecture, _, variant = rest.partition("/")
    parts = {"PLATFORM": platform, "OS": system, "ARCH": architecture, "VARIANT": variant}
    return {f"{side}{part}": value for side in ("BUILD", "TARGET") for part, value in parts.items()}
