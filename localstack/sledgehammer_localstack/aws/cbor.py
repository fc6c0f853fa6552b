"""CBOR as the Smithy RPC v2 protocol uses it; newer SDKs talk to CodeBuild in it.

RFC 8949; https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html. Timestamps are tag 1.
"""

import struct
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

_BREAK = object()
_FLOATS = {25: (">e", 2), 26: (">f", 4), 27: (">d", 8)}
_SIMPLE = {20: False, 21: True, 22: None, 23: None}


def encode(value: Any) -> bytes:
    """A value of dicts, lists, texts, numbers, booleans, bytes and datetimes as CBOR."""
    if value is None:
        return b"\xf6"
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, float):
        return b"\xfb" + struct.pack(">d", value)
    if isinstance(value, datetime):
        return b"\xc1" + encode(value.timestamp())
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        text = value.encode()
        return _head(3, len(text)) + text
    if isinstance(value, Mapping):
        return _head(5, len(value)) + b"".join(encode(key) + encode(item) for key, item in value.items())
    if isinstance(value, Sequence):
        return _head(4, len(value)) + b"".join(encode(item) for item in value)
    raise TypeError(f"CBOR has no form for {type(value).__name__}")


def decode(data: bytes) -> Any:
    """The one value that `data` holds. Raises ValueError where it is not CBOR."""
    reader = _Reader(data)
    try:
        value = reader.item()
    except (IndexError, struct.error, UnicodeDecodeError, TypeError, RecursionError) as error:
        raise ValueError(f"no CBOR: {error}") from error
    if value is _BREAK or reader.position != len(data):
        raise ValueError("no CBOR: bytes after the value")
    return value


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    for size, code in ((1, 24), (2, 25), (4, 26), (8, 27)):
        if number < 1 << 8 * size:
            return bytes([major << 5 | code]) + number.to_bytes(size, "big")
    raise ValueError(f"{number} does not fit 64 bits")


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self.position = 0

    def item(self) -> Any:
        first = self._take(1)[0]
        major, info = first >> 5, first & 31
        if major == 7:
            return self._simple(info)
        if info == 31:
            return self._open_ended(major)
        number = info if info < 24 else int.from_bytes(self._take(1 << info - 24), "big")
        match major:
            case 0:
                return number
            case 1:
                return -1 - number
            case 2:
                return self._take(number)
            case 3:
                return self._take(number).decode()
            case 4:
                return [self.item() for _ in range(number)]
            case 5:
                return {self.item(): self.item() for _ in range(number)}
            case _:
                return self._tagged(number)

    def _simple(self, info: int) -> Any:
        if info in _FLOATS:
            form, size = _FLOATS[info]
            return struct.unpack(form, self._take(size))[0]
        if info == 31:
            return _BREAK
        if info not in _SIMPLE:
            raise ValueError(f"simple value {info} means nothing here")
        return _SIMPLE[info]

    def _open_ended(self, major: int) -> Any:
        parts = []
        while (part := self.item()) is not _BREAK:
            parts.append(part)
        match major:
            case 2:
                return b"".join(parts)
            case 3:
                return "".join(parts)
            case 4:
                return parts
            case 5:
                return dict(zip(parts[::2], parts[1::2], strict=True))
        raise ValueError("only strings, lists and maps may be open-ended")

    def _tagged(self, tag: int) -> Any:
        value = self.item()
        return datetime.fromtimestamp(value, UTC) if tag == 1 else value

    def _take(self, count: int) -> bytes:
        part = self._data[self.position : self.position + count]
        if len(part) != count:
            raise ValueError("no CBOR: it ends early")
        self.position += count
        return part
