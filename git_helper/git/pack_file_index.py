"""Beside a pack, its index: where each object is (gitformat-pack(5), "Version 2 pack-*.idx files")."""

from __future__ import annotations

import hashlib
import os
import sys
from array import array
from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from git_helper.git.stored_objects import StoredObjects

_MAGIC = b"\377tOc\0\0\0\2"
_LARGE = 1 << 31
_OID = 20
_OID_WORDS, _WORDS = 5, 8  # of 4 bytes


def write_index(path: str, objects: StoredObjects) -> None:
    """Writes the index of the pack to the new file `path`, on disk before this returns. Raises OSError."""
    rows = _sorted_rows(objects)
    table = array("I", b"".join(rows))
    names = array("I", bytes(_OID * len(rows)))
    for word in range(_OID_WORDS):
        names[word::_OID_WORDS] = table[word::_WORDS]
    counts = array("I", (bisect_left(rows, bytes((first,))) for first in range(1, 256)))
    counts.append(len(rows))
    offsets = array("I", bytes(8 * len(rows)))
    offsets[0::2], offsets[1::2] = table[6::_WORDS], table[7::_WORDS]
    places, large = _places(array("Q", offsets.tobytes()))
    parts = (
        _MAGIC,
        _big_endian(counts),
        names.tobytes(),
        _big_endian(table[5::_WORDS]),
        _big_endian(places),
        _big_endian(large),
        objects.checksum,
    )
    checksum = hashlib.sha1(usedforsecurity=False)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o444)
    with open(descriptor, "wb") as file:
        for part in parts:
            file.write(part)
            checksum.update(part)
        file.write(checksum.digest())
        file.flush()
        os.fsync(file.fileno())


def _sorted_rows(objects: StoredObjects) -> list[bytes]:
    """For each object in the order of names: name (20 bytes), CRC-32 (4) and offset (8), numbers as the machine has them.

    Rows keep together what belongs together, so that nothing is looked up in the order of names, which is none.
    """
    table = array("I", bytes(4 * _WORDS * len(objects.names)))
    names = array("I", b"".join(objects.names))
    for word in range(_OID_WORDS):
        table[word::_WORDS] = names[word::_OID_WORDS]
    table[5::_WORDS] = objects.checksums
    offsets = array("I", objects.offsets.tobytes())
    table[6::_WORDS], table[7::_WORDS] = offsets[0::2], offsets[1::2]
    content = table.tobytes()
    return sorted([content[start : start + 4 * _WORDS] for start in range(0, len(content), 4 * _WORDS)])


def _places(offsets: array[int]) -> tuple[array[int], array[int]]:
    """The offsets of the index, and those that are too large for it, which then has their places among these."""
    if max(offsets, default=0) < _LARGE:
        return array("I", offsets), array("Q")
    large = array("Q", (offset for offset in offsets if offset >= _LARGE))
    numbers = iter(range(_LARGE, _LARGE + len(large)))
    return array("I", (offset if offset < _LARGE else next(numbers) for offset in offsets)), large


def _big_endian(numbers: array[int]) -> bytes:
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers.tobytes()
