"""The fields that messages, keys and certificates of SSH are made of (RFC 4251 §5)."""

from __future__ import annotations

import struct


class Malformed(ValueError):
    """Bytes that are no key of a type that we know; the text says why."""


class Fields:
    """Reads the fields of RFC 4251 §5 from `data`, one after the other. Each raises Malformed at the end of the bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def _take(self, length: int) -> bytes:
        end = self._at + length
        if end > len(self._data):
            raise Malformed("it is cut off")
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def string(self) -> bytes:
        """A `string`."""
        return self._take(self.uint32())

    def text(self) -> str:
        """A `string` of ASCII."""
        try:
            return self.string().decode("ascii")
        except UnicodeDecodeError:
            raise Malformed("a name in it is not ASCII") from None

    def uint32(self) -> int:
        """A `uint32`."""
        number: int = struct.unpack(">I", self._take(4))[0]
        return number

    def uint64(self) -> int:
        """A `uint64`."""
        number: int = struct.unpack(">Q", self._take(8))[0]
        return number

    def strings(self) -> list[bytes]:
        """All that is left, as `string`s."""
        found: list[bytes] = []
        while self._at < len(self._data):
            found.append(self.string())
        return found

    def end(self) -> None:
        """Raises Malformed unless all was read."""
        if self._at != len(self._data):
            raise Malformed("there is more in it than a key")


def packed(data: bytes) -> bytes:
    """A `string` of RFC 4251 §5."""
    return struct.pack(">I", len(data)) + data
