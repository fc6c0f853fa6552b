"""Names of images: `host:port/path:tag@digest`, parsed and made whole without asking anybody.

Grammar: https://pkg.go.dev/github.com/distribution/reference
"""

import re
from dataclasses import dataclass, replace

from sledgehammer.errors import ConfigurationError

DOCKER_HUB = "registry-1.docker.io"
"""Where Docker Hub answers the registry protocol; `docker.io` is its name in references."""

_HUB_NAMES = frozenset({"docker.io", "index.docker.io", DOCKER_HUB})
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]+)?")
_PATH = re.compile(rf"{_PART}(?:/{_PART})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_LONGEST_PATH = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A repository, or with tag or digest one manifest in it."""

    host: str
    path: str
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        """Host and path: the repository."""
        return f"{self.host}/{self.path}"

    @property
    def manifest(self) -> str:
        """What names the manifest to the registry: the digest, else the tag, else `latest`."""
        return self.digest or self.tag or "latest"

    def with_tag(self, tag: str) -> "Reference":
        """That tag in the same repository."""
        if _TAG.fullmatch(tag) is None:
            raise ConfigurationError(f'"{tag}" is not a tag', hint="at most 128 letters, digits and _ . -")
        return replace(self, tag=tag, digest="")

    def with_digest(self, digest: str) -> "Reference":
        """That manifest in the same repository."""
        if not is_digest(digest):
            raise ConfigurationError(f'"{digest}" is not a digest', hint="sha256: and 64 hexadecimal digits")
        return replace(self, tag="", digest=digest)

    def __str__(self) -> str:
        return self.name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


def is_digest(text: str) -> bool:
    """Whether it is a digest that can be verified: sha256 or sha512."""
    return _DIGEST.fullmatch(text) is not None


def parse_reference(text: str) -> Reference:
    """Read a reference; a short name is Docker Hub's: `rust` is `registry-1.docker.io/library/rust`.

    Raises ConfigurationError naming the part that is wrong.
    """
    rest, _, digest = text.partition("@")
    if "@" in text and not is_digest(digest):
        raise _wrong(text, f'"{digest}" is not a digest', "sha256: and 64 hexadecimal digits")
    head, slash, last = rest.rpartition("/")
    last, colon, tag = last.partition(":")
    if colon and _TAG.fullmatch(tag) is None:
        raise _wrong(text, f'"{tag}" is not a tag', "at most 128 letters, digits and _ . -")
    host, path = _split_host(head + slash + last)
    if _HOST.fullmatch(host) is None:
        raise _wrong(text, f'"{host}" is not a host', "a name or address with an optional port")
    if _PATH.fullmatch(path) is None or len(path) > _LONGEST_PATH:
        raise _wrong(text, f'"{path}" is not a repository path', "lower-case letters and digits, single . _ - and /")
    return Reference(host=host, path=path, tag=tag, digest=digest)


def _split_host(name: str) -> tuple[str, str]:
    """The first part is a host when it has a dot or a port, is `localhost`, or has capitals, which paths have not."""
    first, slash, rest = name.partition("/")
    is_host = slash and (any(mark in first for mark in ".:") or first == "localhost" or first != first.lower())
    if is_host and first not in _HUB_NAMES:
        return first, rest
    path = rest if is_host else name
    return DOCKER_HUB, path if "/" in path else f"library/{path}"


def _wrong(text: str, reason: str, expected: str) -> ConfigurationError:
    return ConfigurationError(f'image reference "{text}": {reason}', hint=f"expected: {expected}")
