"""Files that stand for bigger ones kept by Git LFS (git-lfs docs/spec.md, "The Pointer")."""

from __future__ import annotations

import re

from git_helper.frozen import frozen

LONGEST_POINTER = 1024
_FIRST_LINE = b"version https://git-lfs.github.com/spec/v1\n"
_OID = re.compile(rb"^oid sha256:([0-9a-f]{64})$", re.MULTILINE)
_SIZE = re.compile(rb"^size ([0-9]{1,19})$", re.MULTILINE)


@frozen
class LfsPointer:
    """`oid`: SHA-256 of the real content in hexadecimal; `size`: its bytes."""

    oid: str
    size: int


def read_pointer(content: bytes) -> LfsPointer | None:
    """What a file stands for; None when it is an ordinary file."""
    if len(content) >= LONGEST_POINTER or not content.startswith(_FIRST_LINE):
        return None
    oid, size = _OID.search(content), _SIZE.search(content)
    return None if oid is None or size is None else LfsPointer(oid[1].decode(), int(size[1]))
