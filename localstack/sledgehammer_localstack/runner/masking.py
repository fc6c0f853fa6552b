"""Secrets out of a stream of output, also where one is cut in two by a chunk's border."""

import re
from collections.abc import Iterable

MASK = b"[MASKED]"
_TOKEN_BYTES = rb"[-.0-9=A-Z_a-z]+"  # what may follow a token's prefix: the runner's tokensanitizer

_Span = tuple[int, int, bytes]


class Masker:
    """Replaces every secret by `[MASKED]`, and what follows a token prefix such as `glpat-`.

    `feed` gives what may be shown already; bytes that could be the beginning of a secret wait for the next call
    or for `flush`."""

    def __init__(self, secrets: Iterable[str], *, token_prefixes: Iterable[str] = ()) -> None:
        self._secrets = sorted({secret.encode() for secret in secrets if secret}, key=len, reverse=True)
        self._prefixes = sorted({prefix.encode() for prefix in token_prefixes if prefix}, key=len, reverse=True)
        tokens = b"|".join(re.escape(prefix) for prefix in self._prefixes)
        self._token = re.compile(b"(" + tokens + b")" + _TOKEN_BYTES) if tokens else None
        self._pending = b""

    def feed(self, data: bytes) -> bytes:
        """Take output in, give what can be shown."""
        self._pending += data
        spans = self._spans()
        cut = self._first_unsure()
        while crossing := [start for start, end, _ in spans if start < cut <= end and not self._is_sure(end, cut)]:
            cut = min(crossing)
        return self._take(cut, spans)

    def flush(self) -> bytes:
        """The rest, at the end of the stream."""
        return self._take(len(self._pending), self._spans())

    def _is_sure(self, end: int, cut: int) -> bool:
        """Whether a span that ends where the unsure bytes begin is complete: a token there may still grow."""
        return end == cut < len(self._pending)

    def _take(self, cut: int, spans: list[_Span]) -> bytes:
        out, at = bytearray(), 0
        for start, end, shown in spans:
            if end > cut:
                break
            out += self._pending[at:start] + shown
            at = end
        out += self._pending[at:cut]
        self._pending = self._pending[cut:]
        return bytes(out)

    def _spans(self) -> list[_Span]:
        """What to hide and what to show instead, in order, overlapping ones joined."""
        found: list[_Span] = []
        for secret in self._secrets:
            start = self._pending.find(secret)
            while start >= 0:
                found.append((start, start + len(secret), MASK))
                start = self._pending.find(secret, start + 1)
        if self._token is not None:
            found += [(m.start(), m.end(), m[1] + MASK) for m in self._token.finditer(self._pending)]
        joined: list[_Span] = []
        for start, end, shown in sorted(found):
            if joined and start < joined[-1][1]:
                joined[-1] = (joined[-1][0], max(end, joined[-1][1]), joined[-1][2])
            else:
                joined.append((start, end, shown))
        return joined

    def _first_unsure(self) -> int:
        """Where the bytes begin that may turn out to be a secret, or the length."""
        size = len(self._pending)
        longest = max((len(text) for text in (*self._secrets, *self._prefixes)), default=0)
        for start in range(max(0, size - longest), size):
            tail = self._pending[start:]
            if any(text.startswith(tail) and text != tail for text in self._secrets):
                return start
            if any(text.startswith(tail) for text in self._prefixes):
                return start
        return size
