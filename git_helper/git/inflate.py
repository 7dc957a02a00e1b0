"""Inflating what is whole (RFC 1950): by ISA-L where it is installed, in half the time of zlib, else by zlib.

What ISA-L does not take is for zlib to judge, so both accept the same bytes; in portions ISA-L reads ahead, so they are
zlib's, too.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_SMALL = 600
"""Bytes, inflated; up to there zlib is faster, since it begins faster."""
_errors: tuple[type[Exception], ...] = (zlib.error,)
_begin: Callable[[], Any] = zlib.decompressobj
try:
    from isal import isal_zlib
except ImportError:  # wheels of it are not made for every machine
    pass
else:
    _errors = (zlib.error, isal_zlib.error)  # type: ignore[assignment]  # its stub takes the class for an instance
    _begin = isal_zlib.decompressobj


def inflate_first(packed: bytes | memoryview, size: int) -> tuple[bytes, int] | None:
    """The `size` bytes that the beginning of `packed` inflates to, and how many bytes of `packed` follow it.

    None when it does not end in there, is of another size or damaged.
    """
    inflater = zlib.decompressobj() if size < _SMALL else _begin()
    try:
        content: bytes = inflater.decompress(packed, size + 1)
    except _errors:
        return None
    if not inflater.eof or len(content) != size:
        return None
    return content, len(inflater.unused_data)


def inflate(packed: bytes | memoryview) -> bytes:
    """What all of `packed` inflates to. Raises zlib.error."""
    inflater = _begin()
    try:
        content: bytes = inflater.decompress(packed)
    except _errors:
        return zlib.decompress(packed)
    return content if inflater.eof else zlib.decompress(packed)
