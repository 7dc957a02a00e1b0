"""What a tree object holds (gitformat-tree; fsck.c fsck_tree), with every name checked."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING

from git_helper.git.pack_errors import DamagedPack, UnsafeTree
from git_helper.git.paths import PLAIN_NAME, check_folded, check_name, check_unique

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE, EXECUTABLE, SYMLINK, FOLDER, SUBMODULE = range(5)

_ENTRY = re.compile(rb"([0-7]{5,6}) ([^\0]*)\0(.{20})", re.DOTALL)
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


def read_tree(content: bytes, folder: bytes, *, fold: bool) -> list[tuple[int, bytes, bytes]]:
    """Kind, name and id of each entry of the tree at `folder`, which ends in `/` unless it is empty.

    `fold`: whether the file system takes names for one that differ in case. Raises DamagedPack, UnsafeTree.
    """
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
    names = [name for _, name, _ in entries]
    check_unique(names, folder)
    if fold:
        check_folded(names, folder)
    return entries
