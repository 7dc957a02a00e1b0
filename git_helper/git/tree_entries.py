"""What a tree object holds (gitformat-tree; fsck.c fsck_tree), with every name checked."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING

from git_helper.git.pack_errors import DamagedPack, TooBig, UnsafeTree
from git_helper.git.paths import PLAIN_NAME, check_folded, check_name, check_unique

if TYPE_CHECKING:
    from collections.abc import Mapping

    from git_helper.git.pack_errors import Limits

FILE, EXECUTABLE, SYMLINK, FOLDER, SUBMODULE = range(5)

# An entry begins where the one before it ends, 20 bytes behind its NUL: to look at every place costs square time.
_ENTRY = re.compile(rb"(?:(?<=\0.{20})|\A)([0-7]{5,6}) ([^\0]*)\0(.{20})", re.DOTALL)
# git takes group-writable files of old histories for plain ones (cache.h canon_mode), and zeros at the front for nothing.
_KINDS: Mapping[bytes, int] = {
    b"100644": FILE,
    b"100664": FILE,
    b"100755": EXECUTABLE,
    b"120000": SYMLINK,
    b"40000": FOLDER,
    b"040000": FOLDER,
    b"160000": SUBMODULE,
}


class TreeReader:
    """Reads the trees of one commit, which all together keep to `limits`.

    `fold`: whether the file system takes names for one that differ in case. Raises DamagedPack, UnsafeTree, TooBig.
    """

    def __init__(self, limits: Limits, *, fold: bool) -> None:
        self._limits = limits
        self._fold = fold
        self._paths = 0

    def read(self, content: bytes, folder: bytes, depth: int) -> list[tuple[int, bytes, bytes]]:
        """Kind, name and id of each entry of the tree at `folder`, which ends in `/` unless it is empty."""
        entries = _read(content, folder)
        names = [name for _, name, _ in entries]
        check_unique(names, folder)
        if self._fold:
            check_folded(names, folder)
        limits = self._limits
        self._paths += len(entries)
        if self._paths > limits.paths:
            raise TooBig("its number of files and folders is", self._paths, limits.paths)
        if depth > limits.depth:
            raise TooBig("the depth of its folders is", depth, limits.depth)
        if len(folder) + max(map(len, names), default=0) > limits.path_length:
            raise UnsafeTree(folder[:100] + b"...", f"its path is longer than {limits.path_length} bytes")
        return entries


def _read(content: bytes, folder: bytes) -> list[tuple[int, bytes, bytes]]:
    found = _ENTRY.findall(content)
    if sum(map(len, chain.from_iterable(found))) + 2 * len(found) != len(content):
        raise DamagedPack("a tree cannot be read")
    entries: list[tuple[int, bytes, bytes]] = []
    for mode, name, oid in found:
        kind = _KINDS.get(mode)
        if kind is None:
            raise UnsafeTree(folder + name, f"git knows no mode {mode.decode()}")
        if not PLAIN_NAME.fullmatch(name):
            check_name(name, folder + name, at_top=not folder, symlink=kind == SYMLINK)
        entries.append((kind, name, oid))
    return entries
