"""Entries of a pack that are too big to be handed on in one piece: they come in pieces (see Pieces)."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from git_helper.git.pack_errors import DamagedPack

if TYPE_CHECKING:
    from _hashlib import HASH
    from collections.abc import Callable


class ToFile:
    """Writes the pieces to the new file `path` and hashes them on the way; `done` gets the digest.

    `checksum` has the object's header in it already.
    """

    def __init__(self, path: bytes, size: int, checksum: HASH, done: Callable[[bytes], None]) -> None:
        self._left = size
        self._checksum = checksum
        self._done = done
        self._file = open(path, "xb", buffering=0)  # noqa: SIM115

    def write(self, piece: bytes) -> None:
        """The next bytes. Raises DamagedPack when they are too many."""
        self._left -= len(piece)
        if self._left < 0:
            raise DamagedPack("an object has another size than it says")
        self._checksum.update(piece)
        rest = memoryview(piece)
        while rest:
            rest = rest[self._file.write(rest) :]

    def done(self) -> None:
        """All bytes are there. Raises DamagedPack when they are too few."""
        if self._left:
            raise DamagedPack("an object has another size than it says")
        self._file.close()
        self._done(self._checksum.digest())

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


class Gathered:
    """A big tree, commit or tag, which is needed in one piece all the same; `done` gets it, and it compressed."""

    def __init__(self, done: Callable[[bytes, list[memoryview]], None]) -> None:
        self._parts: list[bytes] = []
        self._done = done

    def write(self, piece: bytes) -> None:
        """The next bytes."""
        self._parts.append(piece)

    def done(self) -> None:
        """All bytes are there."""
        content = b"".join(self._parts)
        self._done(content, [memoryview(zlib.compress(content, 1))])
