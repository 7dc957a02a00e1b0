"""Beside a pack, its index: where each object is (gitformat-pack(5), "Version 2 pack-*.idx files")."""

from __future__ import annotations

import hashlib
import os
import sys
from array import array
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from git_helper.git.stored_objects import StoredObjects

_MAGIC = b"\377tOc\0\0\0\2"
_LARGE = 1 << 31


def write_index(path: str, objects: StoredObjects) -> None:
    """Writes the index of the pack to the new file `path`, on disk before this returns. Raises OSError."""
    checksums = objects.crc32()
    names, offsets = objects.names, objects.offsets
    order = sorted(range(len(names)), key=names.__getitem__)
    counts = [0] * 256
    for name in names:
        counts[name[0]] += 1
    places = array("I")
    large = array("Q")
    for number in order:
        offset = offsets[number]
        if offset >= _LARGE:
            large.append(offset)
            offset = _LARGE | (len(large) - 1)
        places.append(offset)
    content = b"".join(
        (
            _MAGIC,
            _big_endian(array("I", accumulate(counts))),
            b"".join([names[number] for number in order]),
            _big_endian(array("I", [checksums[number] for number in order])),
            _big_endian(places),
            _big_endian(large),
            objects.checksum,
        )
    )
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o444)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.write(hashlib.sha1(content, usedforsecurity=False).digest())
        file.flush()
        os.fsync(file.fileno())


def _big_endian(numbers: array[int]) -> bytes:
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers.tobytes()
