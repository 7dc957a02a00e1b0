"""What the objects of a pack refer to: whether all of it has come (git's own check after a fetch, connected.c)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from git_helper.git.pack_entries import COMMIT, TREE
from git_helper.git.pack_errors import DamagedPack

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

# Entries of a tree: everything up to a NUL, and 20 bytes; what is no entry is taken in one piece, not looked at from each
# of its bytes. A submodule's commit is in another repository.
_ENTRY = re.compile(rb"0?160[0-7]{3} [^\0]*+\0.{20}|[^\0]*+\0(.{20})|.++", re.DOTALL)
_ENTRIES = re.compile(rb"(?:[^\0]*+.{21})*+", re.DOTALL)
_SUBMODULE = (b"160", b"0160")
_OID = 20
_SHORT = 200  # up to there it is faster to read all of it
_COMMIT = re.compile(rb"tree ([0-9a-f]{40})\n((?:parent [0-9a-f]{40}\n)*)")
_TAG = re.compile(rb"object ([0-9a-f]{40})\n")
_EMPTY_TREE = bytes.fromhex("4b825dc642cb6eb9a060e54bf8d69288fbee4904")


def tagged(content: bytes) -> bytes:
    """What an annotated tag names, in hexadecimal. Raises DamagedPack."""
    match = _TAG.match(content)
    if match is None:
        raise DamagedPack("a tag cannot be read")
    return match[1]


class Links:
    """Takes the commits, trees and tags of a pack."""

    def __init__(self) -> None:
        self._wanted: set[bytes] = set()
        self._named = bytearray()  # by commits and tags, in hexadecimal
        self._parents: dict[bytes, bytes] = {}

    def add(self, kind: int, oid: bytes, content: bytes, before: bytes | None = None, alike: int = 0) -> None:
        """Notes what the object refers to. Raises DamagedPack.

        `before`: what it was made from, an object that was added; the first `alike` bytes of both are the same.
        """
        if kind == TREE:
            if before is None or len(content) < _SHORT:
                self._wanted.update(_ENTRY.findall(content))
            else:
                self._add_changed(content, before, alike)
            return
        match = (_COMMIT if kind == COMMIT else _TAG).match(content)
        if match is None:
            raise DamagedPack("a commit cannot be read" if kind == COMMIT else "a tag cannot be read")
        self._named += match[1]
        if kind == COMMIT and match[2]:
            self._parents[oid] = match[2]

    def _add_changed(self, content: bytes, before: bytes, alike: int) -> None:
        """A tree. Mostly one entry differs: what stands in front of it and behind it was noted with the other tree."""
        entries = _ENTRIES.match(content, 0, alike)
        start = entries.end() if entries is not None else 0
        end = content.find(0, start) + 1 + _OID
        longer = len(content) - len(before)
        if start < end <= len(content) and before.endswith(content[end:]) and not content.startswith(_SUBMODULE, start):
            has_changed = not longer and before.startswith(content[start : end - _OID], start)
            if has_changed or longer == end - start:
                self._wanted.add(content[end - _OID : end])
                return
        self._wanted.update(_ENTRY.findall(content, start))

    def check(self, known: Mapping[bytes, object], shallow: Container[bytes]) -> None:
        """Everything referred to must be known, but for the parents of shallow commits. Raises DamagedPack."""
        for oid, lines in self._parents.items():
            if oid not in shallow:
                self._named += lines.replace(b"parent ", b"")
        self._parents.clear()
        named = bytes.fromhex(self._named.decode())
        self._named.clear()
        self._wanted.update([named[start : start + _OID] for start in range(0, len(named), _OID)])
        # A submodule leaves an empty name; git has the empty tree without an object.
        missing = self._wanted.difference(known, (b"", _EMPTY_TREE))
        self._wanted.clear()
        if missing:
            raise DamagedPack(f"{len(missing)} objects are missing")
