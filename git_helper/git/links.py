"""What the objects of a pack refer to: whether all of it has come (git's own check after a fetch, connected.c)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from git_helper.git.pack_entries import COMMIT, TREE
from git_helper.git.pack_errors import DamagedPack

if TYPE_CHECKING:
    from collections.abc import Collection, Container

# Names of files and folders; a submodule's commit is in another repository. For its beginning see tree_entries.
_TREE = re.compile(
    rb"(?:(?<=\0.{20})|\A)(?:(?:100[0-7]{3}|120000|0?40000) [^\0]*\0(.{20})|160000 [^\0]*\0.{20})", re.DOTALL
)
_COMMIT = re.compile(rb"tree ([0-9a-f]{40})\n((?:parent [0-9a-f]{40}\n)*)")
_TAG = re.compile(rb"object ([0-9a-f]{40})\n")
_EMPTY_TREE = bytes.fromhex("4b825dc642cb6eb9a060e54bf8d69288fbee4904")
_PARENT = len(b"parent \n") + 40


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
        self._parents: dict[bytes, bytes] = {}

    def add(self, kind: int, oid: bytes, content: bytes) -> None:
        """Notes what the object refers to. Raises DamagedPack."""
        if kind == TREE:
            self._wanted.update(_TREE.findall(content))
            return
        match = (_COMMIT if kind == COMMIT else _TAG).match(content)
        if match is None:
            raise DamagedPack("a commit cannot be read" if kind == COMMIT else "a tag cannot be read")
        self._wanted.add(bytes.fromhex(match[1].decode()))
        if kind == COMMIT and match[2]:
            self._parents[oid] = match[2]

    def check(self, known: Collection[bytes], shallow: Container[bytes]) -> None:
        """Everything referred to must be known, but for the parents of shallow commits. Raises DamagedPack."""
        for oid, lines in self._parents.items():
            if oid not in shallow:
                for start in range(len(b"parent "), len(lines), _PARENT):
                    self._wanted.add(bytes.fromhex(lines[start : start + 40].decode()))
        self._parents.clear()
        # A submodule leaves an empty name; git has the empty tree without an object.
        missing = self._wanted.difference(known, (b"", _EMPTY_TREE))
        self._wanted.clear()
        if missing:
            raise DamagedPack(f"{len(missing)} objects are missing")
