"""The objects of one pack file by name and by number, read back when they are needed (gitformat-pack(5)).

What is small is made in memory, with a bounded cache of what was made last; what is big goes from file to file.
"""

from __future__ import annotations

import os
import tempfile
import zlib
from array import array
from bisect import bisect_left
from typing import TYPE_CHECKING, BinaryIO

from git_helper.git import delta
from git_helper.git.inflate import inflate
from git_helper.git.pack_errors import DamagedPack
from git_helper.git.recent_objects import RecentObjects

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO

    from git_helper.git.pack_errors import Limits

NO_BASE = -1
_BLOCK = 1 << 20
_MOST_HEADER = 64
_KEPT_FILES = 2


class StoredObjects:
    """Numbers are the order in the pack. `scratch`: a folder for big objects while they are made;
    `memory`: bytes of what was made last that are kept.

    `kinds[number]` is 0 as long as the object is not known; `bases[number]` is the offset of a delta's base, 0 for what is no
    delta, or not known yet. `recent` has its objects by offset, too: it is cheaper than to look for a number.
    """

    def __init__(self, file: FileIO, scratch: str, limits: Limits, memory: int) -> None:
        self.offsets = array("Q")
        self.bases = array("Q")
        self.kinds = bytearray()
        self.names: list[bytes] = []
        self._numbers: dict[bytes, int] = {}
        self._counted = 0
        self.checksum = b""
        self.checksums = array("I")
        """The CRC-32 of each entry as it is in the pack, for its index."""
        self._big: set[int] = set()
        self._file = file  # without a buffer: what is read is not in a row
        self._scratch = scratch
        self._limits = limits
        self._end = 0
        self.recent = RecentObjects[int](memory)
        self._made: dict[int, str] = {}

    # ------------------------------------------------------------------ making it known

    def add(self, offset: int, base: int) -> int:
        """An entry begins at `offset`, a delta to the one at `base` if that is not 0; its number."""
        self.offsets.append(offset)
        self.bases.append(base)
        self.kinds.append(0)
        self.names.append(b"")
        return len(self.names) - 1

    def add_named(self, offset: int, base: int, kind: int, oid: bytes) -> None:
        """The same with what is known of it at once."""
        self.offsets.append(offset)
        self.bases.append(base)
        self.kinds.append(kind)
        self.names.append(oid)

    def name(self, number: int, kind: int, oid: bytes) -> None:
        """What the entry is."""
        self.kinds[number] = kind
        self.names[number] = oid
        self._numbers[oid] = number

    @property
    def numbers(self) -> dict[bytes, int]:
        """Of the objects that are known, by name."""
        if self._counted < len(self.names):  # many at once take a third of the time
            new = range(self._counted, len(self.names))
            self._counted = len(self.names)
            self._numbers.update(zip(self.names[new.start :], new, strict=True))
            self._numbers.pop(b"", None)
        return self._numbers

    def complete(self, end: int, checksum: bytes, checksums: array[int]) -> None:
        """All entries are in the file; the last one ends at `end`, `checksums` are theirs. Now they can be read."""
        self._end = end
        self.checksum = checksum
        self.checksums = checksums

    def move(self, path: str, destination: str) -> None:
        """Puts the pack, whose path is `path`, at its place, on disk before it is visible."""
        os.fsync(self._file.fileno())
        self._file.close()  # Windows moves no open file
        os.rename(path, destination)
        self._file = open(destination, "rb", buffering=0)  # noqa: SIM115

    def close(self) -> None:
        """Closes the pack."""
        self._file.close()

    def mark_big(self, number: int) -> None:
        """It must not be made in memory."""
        self._big.add(number)

    def is_big(self, number: int) -> bool:
        """Whether it, or something on the way to it, must not be made in memory."""
        return number in self._big

    def number_at(self, offset: int) -> int:
        """The number of the entry there. Raises DamagedPack."""
        number = bisect_left(self.offsets, offset)
        if number == len(self.offsets) or self.offsets[number] != offset:
            raise DamagedPack("a delta names a base where no object begins")
        return number

    def place(self, name: bytes | None) -> int:
        """Where the object's entry begins, 0 as long as the object is not known."""
        number = None if name is None else self.numbers.get(name)
        return 0 if number is None else self.offsets[number]

    def base(self, number: int) -> int:
        """The number of a delta's base, NO_BASE for what is no delta. Raises DamagedPack."""
        offset = self.bases[number]
        return self.number_at(offset) if offset else NO_BASE

    # ------------------------------------------------------------------ reading

    def load(self, number: int) -> tuple[int, bytes]:
        """Kind and content of an object that is not big. Raises DamagedPack."""
        deltas: list[int] = []
        while (found := self.recent.get(self.offsets[number])) is None and self.bases[number]:
            deltas.append(number)
            number = self.base(number)
        if found is None:
            found = self.kinds[number], self.inflated(number)
            self.recent.keep(self.offsets[number], *found)
        kind, content = found
        while deltas:
            number = deltas.pop()
            content = delta.apply(content, self.inflated(number))
            self.recent.keep(self.offsets[number], kind, content)
        return kind, content

    def inflated(self, number: int) -> bytes:
        """The bytes of the entry: the content, or the delta."""
        start = self.offsets[number]
        entry = self._bytes(start, self._next(number) - start)
        try:
            return inflate(memoryview(entry)[_header(entry) :])
        except zlib.error as error:
            raise DamagedPack("an object cannot be inflated") from error

    def open(self, number: int) -> BinaryIO:
        """The content of a big object as a file. Raises DamagedPack, TooBig."""
        way: list[int] = []
        while number not in self._made and self.bases[number]:
            way.append(number)
            number = self.base(number)
        if number not in self._made:
            self._make(number, self._pieces(number))
        while way:
            base, number = number, way.pop()
            with self._instructions(number) as instructions, open(self._made[base], "rb") as before:
                base_size, result_size, start = delta.sizes(instructions.read(delta.HEADER))
                self._limits.check_object(result_size)
                if before.seek(0, os.SEEK_END) != base_size:
                    raise DamagedPack("a delta does not fit its base")
                instructions.seek(start)
                size = self._make(number, delta.apply_pieces(before, base_size, instructions))
            if size != result_size:
                raise DamagedPack("an object has another size than it says")
        return open(self._made[number], "rb")

    def take(self, number: int) -> str:
        """The content of a big object in a file that is the caller's from now on; its path. Raises as `open`."""
        self.open(number).close()
        return self._made.pop(number)

    # ------------------------------------------------------------------ big objects

    def _instructions(self, number: int) -> BinaryIO:
        """The inflated delta, in memory or in a file."""
        file: BinaryIO = tempfile.TemporaryFile(dir=self._scratch)  # noqa: SIM115
        for piece in self._pieces(number):
            file.write(piece)
        file.seek(0)
        return file

    def _make(self, number: int, pieces: Iterator[bytes]) -> int:
        """Puts a big object into a file of its own, of which only the last ones are kept; its size."""
        path = os.path.join(self._scratch, f"big-{number}")
        size = 0
        with open(path, "xb") as file:
            for piece in pieces:
                size += file.write(piece)
        self._made[number] = path
        while len(self._made) > _KEPT_FILES:
            oldest = next(iter(self._made))
            os.unlink(self._made.pop(oldest))
        return size

    def _pieces(self, number: int) -> Iterator[bytes]:
        """The inflated bytes of an entry, piece by piece."""
        start, end = self.offsets[number], self._next(number)
        position = start + _header(self._bytes(start, _MOST_HEADER))
        inflater = zlib.decompressobj()
        while not inflater.eof and position < end:
            block = self._bytes(position, min(_BLOCK, end - position))
            position += len(block)
            while block and not inflater.eof:
                yield inflater.decompress(block, _BLOCK)
                block = inflater.unconsumed_tail

    def _bytes(self, start: int, size: int) -> bytes:
        self._file.seek(start)
        return self._file.read(size)

    def _next(self, number: int) -> int:
        return self.offsets[number + 1] if number + 1 < len(self.offsets) else self._end


def _header(entry: bytes) -> int:
    """The number of bytes in front of the compressed ones, which were checked when they came."""
    kind = (entry[0] >> 4) & 7
    position = _digits(entry, 0)
    if kind == 7:
        return position + 20
    return _digits(entry, position) if kind == 6 else position


def _digits(entry: bytes, position: int) -> int:
    """Where a number that begins there has ended."""
    while entry[position] & 0x80:
        position += 1
    return position + 1
