"""Entries of a pack that come in pieces (`Pieces` of pack_entries), for a pack that is kept."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Protocol

from git_helper.git.pack_entries import BLOB, HEADERS

if TYPE_CHECKING:
    from git_helper.git.pack_entries import Packed


class Pack(Protocol):
    """Takes entries when they are whole; ReceivedPack is one."""

    def whole(self, offset: int, kind: int, base: None, content: bytes, packed: Packed, oid: bytes | None) -> None:
        """A whole entry."""

    def big_done(self, number: int, oid: bytes) -> None:
        """A big blob and its name."""


class Gathered:
    """A big tree, commit or tag, which is needed in one piece all the same."""

    def __init__(self, pack: Pack, offset: int, kind: int) -> None:
        self._pack = pack
        self._entry = (offset, kind)
        self._parts: list[bytes] = []

    def write(self, piece: bytes) -> None:
        """The next bytes."""
        self._parts.append(piece)

    def done(self) -> None:
        """All bytes are there."""
        self._pack.whole(*self._entry, None, b"".join(self._parts), (), None)


class Hashed:
    """A big blob: its bytes are in the pack, only its name is wanted."""

    def __init__(self, pack: Pack, number: int, size: int) -> None:
        self._pack = pack
        self._number = number
        self._checksum = hashlib.sha1(HEADERS[BLOB] % size, usedforsecurity=False)

    def write(self, piece: bytes) -> None:
        """The next bytes."""
        self._checksum.update(piece)

    def done(self) -> None:
        """All bytes are there."""
        self._pack.big_done(self._number, self._checksum.digest())


class Skipped:
    """A big delta: it is inflated again when its turn comes."""

    def write(self, piece: bytes) -> None:
        """The next bytes."""

    def done(self) -> None:
        """All bytes are there."""
