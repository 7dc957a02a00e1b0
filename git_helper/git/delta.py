"""Deltas (gitformat-pack(5), "Deltified representation"): in memory by dulwich, from file to file for big objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from git_helper.git.pack_errors import DamagedPack

try:
    from dulwich._pack import apply_delta  # type: ignore[import-not-found]
except ImportError:  # dulwich without its compiled part
    from dulwich.pack import apply_delta

from dulwich.errors import ApplyDeltaError

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADER = 20
"""No more than so many bytes hold the two sizes at the beginning of a delta."""
_PIECE = 1 << 20
_MOST_BITS = 63


def sizes(delta: bytes) -> tuple[int, int, int]:
    """Of the beginning of a delta: the base's size, the result's size, and where the instructions begin."""
    base, position = _size(delta, 0)
    result, position = _size(delta, position)
    return base, result, position


def outline(delta: bytes) -> tuple[int, int]:
    """The result's size, and how many bytes the first instruction copies from the base's beginning. Raises DamagedPack.

    Called for nearly every object of a history, so it is written for speed; `apply` checks what it does not.
    """
    try:
        place = 0
        while delta[place] & 0x80:
            place += 1
        size = shift = 0
        while (byte := delta[place := place + 1]) & 0x80:
            size |= (byte & 0x7F) << shift
            shift += 7
            if shift > _MOST_BITS:
                raise DamagedPack("a delta has no sizes")
        size |= byte << shift
        opcode = delta[place + 1] if size else 0
        if opcode & 0x8F != 0x80:  # it brings bytes, or copies from elsewhere
            return size, 0
        alike, place = 0, place + 2
        if opcode & 0x10:
            alike = delta[place]
            place += 1
        if opcode & 0x20:
            alike |= delta[place] << 8
            place += 1
        if opcode & 0x40:
            alike |= delta[place] << 16
        return size, alike or 0x10000
    except IndexError:
        raise DamagedPack("a delta ends in the middle") from None


def apply(base: bytes, delta: bytes) -> bytes:
    """The result. Raises DamagedPack. The caller has checked the sizes: memory for the result is taken at once."""
    try:
        return b"".join(apply_delta(base, delta))
    except (ApplyDeltaError, MemoryError) as error:
        raise DamagedPack("a delta does not fit its base") from error


def apply_pieces(base: BinaryIO, base_size: int, delta: BinaryIO) -> Iterator[bytes]:
    """The result in pieces of at most 1 MiB. `base` can seek; `delta` is read from where its instructions begin.

    Raises DamagedPack; whether the pieces have the announced length is for the caller to see.
    """
    while byte := delta.read(1):
        opcode = byte[0]
        if opcode & 0x80:
            offset = _numbers(delta, opcode, 4)
            count = _numbers(delta, opcode >> 4, 3) or 0x10000
            if offset + count > base_size:
                raise DamagedPack("a delta does not fit its base")
            base.seek(offset)
            yield from _read(base, count)
        elif opcode:
            yield from _read(delta, opcode)
        else:
            raise DamagedPack("a delta holds an unknown instruction")


def _read(file: BinaryIO, count: int) -> Iterator[bytes]:
    while count:
        piece = file.read(min(count, _PIECE))
        if not piece:
            raise DamagedPack("a delta ends in the middle")
        count -= len(piece)
        yield piece


def _numbers(delta: BinaryIO, flags: int, count: int) -> int:
    """A number of up to `count` bytes, the lowest first; only those are there whose flag is set."""
    number = 0
    for place in range(count):
        if flags & (1 << place):
            byte = delta.read(1)
            if not byte:
                raise DamagedPack("a delta ends in the middle")
            number |= byte[0] << (8 * place)
    return number


def _size(delta: bytes, position: int) -> tuple[int, int]:
    size = shift = 0
    for place in range(position, min(position + HEADER // 2, len(delta))):
        size |= (delta[place] & 0x7F) << shift
        shift += 7
        if not delta[place] & 0x80:
            return size, place + 1
    raise DamagedPack("a delta has no sizes")
