"""`.git/index`, version 2 (gitformat-index(5)): what git believes of each file, so that it need not read it again."""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

_STAT = struct.Struct(">10I")
_LONGEST = 0xFFF
_LOW = 0xFFFFFFFF
_BILLION = 1_000_000_000


class IndexEntry(NamedTuple):
    """`path` relative, with `/`; `mode` as in a tree; `oid`: 20 bytes; `status` of the file, None for a submodule."""

    path: bytes
    mode: int
    oid: bytes
    status: os.stat_result | None


def write_index_file(path: str, entries: Iterable[IndexEntry]) -> None:
    """Writes the new file `path`. Raises OSError."""
    ordered = sorted(entries, key=lambda entry: entry.path)
    parts = [b"DIRC" + struct.pack(">2I", 2, len(ordered))]
    for name, mode, oid, status in ordered:
        length = min(len(name), _LONGEST)
        # One to eight NUL bytes end an entry, so that its length is a multiple of eight.
        padding = bytes(8 - (62 + len(name)) % 8)
        parts.append(_status(status, mode) + oid + length.to_bytes(2, "big") + name + padding)
    content = b"".join(parts)
    with open(path, "xb") as file:
        file.write(content)
        file.write(hashlib.sha1(content, usedforsecurity=False).digest())


def _status(status: os.stat_result | None, mode: int) -> bytes:
    if status is None:
        return _STAT.pack(0, 0, 0, 0, 0, 0, mode, 0, 0, 0)
    changed, modified = divmod(status.st_ctime_ns, _BILLION), divmod(status.st_mtime_ns, _BILLION)
    return _STAT.pack(
        changed[0] & _LOW,
        changed[1],
        modified[0] & _LOW,
        modified[1],
        status.st_dev & _LOW,
        status.st_ino & _LOW,
        mode,
        status.st_uid & _LOW,
        status.st_gid & _LOW,
        status.st_size & _LOW,
    )
