"""A pack read while it arrives (gitformat-pack(5)): each entry is inflated and handed on, nothing is kept.

Whole entries go on in one piece; those over BIG bytes, inflated, in pieces, so that memory does not grow with them.
"""

from __future__ import annotations

import hashlib
import zlib
from array import array
from collections.abc import Sequence
from typing import Protocol

from git_helper.git.inflate import inflate_first
from git_helper.git.pack_errors import DamagedPack, Limits, TooBig

COMMIT, TREE, BLOB, TAG = 1, 2, 3, 4
BIG = 8 << 20
_OFS_DELTA, _REF_DELTA = 6, 7
_PIECE = 1 << 20
_WINDOW = 1 << 18
_HEADER = 12
_TRAILER = 20
_OID = 20
_MOST_PACKED = 2 * BIG
"""Bytes of an entry that goes on in one piece."""

HEADERS = {COMMIT: b"commit %d\0", TREE: b"tree %d\0", BLOB: b"blob %d\0", TAG: b"tag %d\0"}
_SHORT = 8192
_COPIED = 4096  # a copy of less costs less than a view
_begin = hashlib.sha1(usedforsecurity=False).copy

Packed = Sequence[memoryview | bytes]
Base = int | bytes | None
"""What an entry is a delta to: an entry by its offset, an object by its id, or None for what is no delta."""


def object_id(kind: int, content: bytes) -> bytes:
    """The 20 bytes of the object's SHA-1 name."""
    header = HEADERS[kind] % len(content)
    checksum = _begin()
    if len(content) < _SHORT:  # then a copy costs less than a second call
        checksum.update(header + content)
    else:
        checksum.update(header)
        checksum.update(content)
    return checksum.digest()


class Pieces(Protocol):
    """Takes one big entry."""

    def write(self, piece: bytes) -> None:
        """The next inflated bytes."""

    def done(self) -> None:
        """That was all, and its length is right."""


class Receiver(Protocol):
    """Takes the entries of a pack in their order. `kind` is 0 for a delta; `offset` is where the entry begins."""

    def begin(self, count: int) -> None:
        """So many entries will come."""

    def whole(self, offset: int, kind: int, base: Base, content: bytes, packed: Packed, oid: bytes | None) -> None:
        """An entry inflated; `packed` are its compressed bytes; `oid` is its name, None for a delta."""

    def big(self, offset: int, kind: int, base: Base, size: int) -> Pieces:
        """An entry of so many bytes, more than BIG; it comes in pieces."""


class PackEntries:
    """`feed` it the bytes of one pack in any portions, then `finish`. Raises DamagedPack, TooBig.

    `kept`: whether the pack is kept. Then the CRC-32 of each entry as it is in the pack is wanted for its index, and no
    compressed bytes; and only blobs get names here, which leaves more for the other process (see pack_worker).
    """

    def __init__(self, receiver: Receiver, limits: Limits, *, kept: bool = False) -> None:
        self.checksums = array("I")
        """Of each entry that has ended."""
        self._kept = kept
        self._receiver = receiver
        self._limits = limits
        self._checksum = hashlib.sha1(usedforsecurity=False)
        self._start = 0  # offset in the pack of the next byte that is read
        self._rest = b""  # the beginning of a header whose end has not come yet
        self._left: int | None = None  # entries to come; None before the header of the pack
        self._partial: _Partial | None = None  # the entry whose bytes are coming
        self._trailer = b""

    @property
    def received(self) -> int:
        """Bytes of the pack that have been read."""
        return self._start

    def feed(self, data: bytes) -> None:
        """The next bytes."""
        if self._rest:
            data = self._rest + data
            self._rest = b""
        if self._left is None:
            if len(data) < _HEADER:
                self._rest = data
                return
            self._begin(data)
        view = memoryview(data)
        position = self._entries(data, view, _HEADER if self._start == 0 else 0)
        self._checksum.update(view[:position])
        self._start += position
        if self._start > self._limits.pack:
            raise TooBig("its size is", self._start, self._limits.pack)
        if self._left or self._partial is not None:
            self._rest = bytes(view[position:])
        else:
            self._trailer += bytes(view[position : position + _TRAILER + 1])
            if len(self._trailer) > _TRAILER:
                raise DamagedPack("bytes follow the pack")

    def finish(self) -> None:
        """The pack must be whole now."""
        if self._left is None or self._left or self._partial is not None or len(self._trailer) < _TRAILER:
            raise DamagedPack("the pack ends in the middle")
        if self._trailer != self._checksum.digest():
            raise DamagedPack("the checksum of the pack is wrong")

    def _begin(self, data: bytes) -> None:
        if data[:4] != b"PACK" or int.from_bytes(data[4:8], "big") not in (2, 3):
            raise DamagedPack("it is no pack")
        self._left = int.from_bytes(data[8:12], "big")
        if self._left > self._limits.objects:
            raise TooBig("its number of objects is", self._left, self._limits.objects)
        self._receiver.begin(self._left)

    def _entries(self, data: bytes, view: memoryview, position: int) -> int:
        """Reads as many entries as there are in `data`, of which `view` is one; where it stopped."""
        end = len(data)
        if self._partial is not None:
            position = self._go_on(self._partial, view, position)
        receiver, start = self._receiver, self._start
        while self._left and position < end and self._partial is None:
            try:
                kind, size, base, body = self._entry_header(data, position)
            except IndexError:
                break
            if size > BIG:
                pieces = receiver.big(start + position, kind, base, size)
                self._partial = _Partial(size, pieces, self._first_sum(view[position:body]))
                position = self._go_on(self._partial, view, body)
                continue
            # Compressed bytes are hardly ever more than this, and what is too much would be copied.
            stop = body + size + (size >> 10) + 64
            window = data[body:stop] if size < _COPIED else view[body:stop]
            found = inflate_first(window, size)
            if found is None:
                whole = _Whole(receiver, start + position, kind, base)
                self._partial = _Partial(size, whole, self._first_sum(view[position:body]), whole)
                position = self._go_on(self._partial, view, body)
                continue
            content, rest = found
            after = body + len(window) - rest
            self._left -= 1
            packed: Packed = ()
            if self._kept:
                self.checksums.append(zlib.crc32(data[position:after] if size < _COPIED else view[position:after]))
            else:
                packed = (view[body:after],)
            oid = object_id(kind, content) if kind == BLOB or (kind and not self._kept) else None
            receiver.whole(start + position, kind, base, content, packed, oid)
            position = after
        return position

    def _first_sum(self, header: memoryview) -> int | None:
        return zlib.crc32(header) if self._kept else None

    def _go_on(self, partial: _Partial, view: memoryview, position: int) -> int:
        """Inflates on until the entry or `view` ends; where it stopped."""
        position = partial.take(view, position)
        if partial.ended:
            self._partial = None
            self._left = (self._left or 0) - 1
            if partial.checksum is not None:
                self.checksums.append(partial.checksum)
            partial.pieces.done()
        return position

    def _entry_header(self, data: bytes, position: int) -> tuple[int, int, Base, int]:
        """Kind, inflated size, base, and where the compressed bytes begin. IndexError when `data` ends before."""
        begin = self._start + position
        byte = data[position]
        position += 1
        kind = (byte >> 4) & 7
        size = byte & 15
        shift = 4
        while byte & 0x80:
            byte = data[position]
            position += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if shift > 70:
                raise DamagedPack("the size of an object has too many digits")
        if size > self._limits.object_size:
            raise TooBig("the size of an object is", size, self._limits.object_size)
        if COMMIT <= kind <= TAG:
            return kind, size, None, position
        if kind == _REF_DELTA:
            if position + _OID > len(data):
                raise IndexError
            return 0, size, data[position : position + _OID], position + _OID
        if kind != _OFS_DELTA:
            raise DamagedPack(f"there is no kind {kind} of objects")
        byte = data[position]
        position += 1
        distance = byte & 0x7F
        while byte & 0x80:
            byte = data[position]
            position += 1
            distance = ((distance + 1) << 7) | (byte & 0x7F)
            if distance > begin:
                break
        if not 0 < distance <= begin - _HEADER:
            raise DamagedPack("a delta names a base outside the pack")
        return 0, size, begin - distance, position


class _Partial:
    """An entry that comes in several portions. `checksum`: of its header, if one of all is wanted."""

    def __init__(self, size: int, pieces: Pieces, checksum: int | None, whole: _Whole | None = None) -> None:
        self.pieces = pieces
        self.checksum = checksum
        self.ended = False
        self._left = size
        self._whole = whole
        self._inflater = zlib.decompressobj()

    def take(self, view: memoryview, position: int) -> int:
        """Inflates from `position`; where it stopped: at the end of the entry or of `view`."""
        end = len(view)
        while not self.ended and position < end:
            window = view[position : position + _WINDOW]
            try:
                # One byte more than is left shows an entry that is longer than it says.
                piece = self._inflater.decompress(window, min(self._left + 1, _PIECE))
            except zlib.error as error:
                raise DamagedPack("an object cannot be inflated") from error
            self.ended = self._inflater.eof
            rest = self._inflater.unused_data if self.ended else self._inflater.unconsumed_tail
            after = position + len(window) - len(rest)
            self._left -= len(piece)
            if self._left < 0 or (self.ended and self._left):
                raise DamagedPack("an object has another size than it says")
            if self.checksum is not None:
                self.checksum = zlib.crc32(view[position:after], self.checksum)
            if self._whole is not None:
                self._whole.keep(view[position:after])
            if piece:
                self.pieces.write(piece)
            position = after
        return position


class _Whole:
    """The pieces of an entry that goes on in one."""

    def __init__(self, receiver: Receiver, offset: int, kind: int, base: Base) -> None:
        self.packed: list[memoryview] = []
        self._receiver = receiver
        self._entry = (offset, kind, base)
        self._parts: list[bytes] = []
        self._packed_size = 0

    def keep(self, packed: memoryview) -> None:
        """The next compressed bytes. Empty blocks inflate to nothing, so there could be any number of them."""
        self._packed_size += len(packed)
        if self._packed_size > _MOST_PACKED:
            raise DamagedPack("an object is longer compressed than it can be")
        self.packed.append(packed)

    def write(self, piece: bytes) -> None:
        """The next inflated bytes."""
        self._parts.append(piece)

    def done(self) -> None:
        """Hands the entry on."""
        offset, kind, base = self._entry
        content = b"".join(self._parts)
        oid = None if base is not None else object_id(kind, content)
        self._receiver.whole(offset, kind, base, content, self.packed, oid)
