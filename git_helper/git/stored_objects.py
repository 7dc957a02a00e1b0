"""The objects of one pack file by name and by number, read back when they are needed (gitformat-pack(5)).

What is small is made in memory, with a bounded cache of what was made last; what is big goes from file to file.
"""

from __future__ import annotations

import os
import tempfile
import zlib
from array import array
from collections import OrderedDict
from typing import TYPE_CHECKING, BinaryIO

from git_helper.git import delta
from git_helper.git.inflate import inflate
from git_helper.git.pack_entries import BIG
from git_helper.git.pack_errors import DamagedPack, TooBig

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_helper.git.pack_errors import Limits

NO_BASE = -1
_LARGEST_RECENT = BIG  # what is not kept is made again for each delta to it, with all of its chain
_BLOCK = 1 << 20
_MOST_HEADER = 32
_KEPT_FILES = 2


class StoredObjects:
    """Numbers are the order in the pack. `scratch`: a folder for big objects while they are made;
    `memory`: bytes of what was made last that are kept.

    `kinds[number]` is 0 as long as the object is not known; `bases[number]` is NO_BASE for what is no delta.
    """

    def __init__(self, file: BinaryIO, scratch: str, limits: Limits, memory: int) -> None:
        self.offsets = array("Q")
        self.bases = array("q")
        self.kinds = bytearray()
        self.names: list[bytes] = []
        self.numbers: dict[bytes, int] = {}
        self.checksum = b""
        self._big: set[int] = set()
        self._file = file
        self._scratch = scratch
        self._limits = limits
        self._memory = memory
        self._end = 0
        self._recent: OrderedDict[int, tuple[int, bytes]] = OrderedDict()
        self._recent_size = 0
        self._made: dict[int, str] = {}

    # ------------------------------------------------------------------ making it known

    def add(self, offset: int, base: int) -> int:
        """An entry begins at `offset`; its number."""
        self.offsets.append(offset)
        self.bases.append(base)
        self.kinds.append(0)
        self.names.append(b"")
        return len(self.names) - 1

    def name(self, number: int, kind: int, oid: bytes) -> None:
        """What the entry is."""
        self.kinds[number] = kind
        self.names[number] = oid
        self.numbers[oid] = number

    def complete(self, end: int, checksum: bytes) -> None:
        """All entries have come; the last one ends at `end`. Now they can be read."""
        self._end = end
        self.checksum = checksum
        self._file.flush()

    def move(self, path: str, destination: str) -> None:
        """Puts the pack, whose path is `path`, at its place, on disk before it is visible."""
        os.fsync(self._file.fileno())
        self._file.close()  # Windows moves no open file
        os.rename(path, destination)
        self._file = open(destination, "rb")  # noqa: SIM115

    def close(self) -> None:
        """Closes the pack."""
        self._file.close()

    def mark_big(self, number: int) -> None:
        """It must not be made in memory."""
        self._big.add(number)

    def is_big(self, number: int) -> bool:
        """Whether it, or something on the way to it, must not be made in memory."""
        return number in self._big

    def remember(self, number: int, kind: int, content: bytes) -> None:
        """Keeps it in memory for a while, as the base of deltas."""
        size = len(content)
        if size > _LARGEST_RECENT or number in self._recent:
            return
        recent = self._recent
        recent[number] = (kind, content)
        self._recent_size += size
        while self._recent_size > self._memory:
            self._recent_size -= len(recent.popitem(last=False)[1][1])

    def recent(self, number: int) -> tuple[int, bytes] | None:
        """Kind and content, if it is still in memory; then it stays there longer."""
        found = self._recent.get(number)
        if found is not None:
            self._recent.move_to_end(number)
        return found

    # ------------------------------------------------------------------ reading

    def load(self, number: int) -> tuple[int, bytes]:
        """Kind and content of an object that is not big. Raises DamagedPack."""
        deltas: list[int] = []
        while (found := self.recent(number)) is None and self.bases[number] >= 0:
            deltas.append(number)
            number = self.bases[number]
        if found is None:
            found = self.kinds[number], self.inflated(number)
            self.remember(number, *found)
        kind, content = found
        while deltas:
            number = deltas.pop()
            content = delta.apply(content, self.inflated(number))
            self.remember(number, kind, content)
        return kind, content

    def inflated(self, number: int) -> bytes:
        """The bytes of the entry: the content, or the delta."""
        try:
            return inflate(self.packed(number)[self._header(number) :])
        except zlib.error as error:
            raise DamagedPack("an object cannot be inflated") from error

    def packed(self, number: int) -> memoryview:
        """The entry as it is in the pack."""
        start = self.offsets[number]
        self._file.seek(start)
        return memoryview(self._file.read(self._next(number) - start))

    def open(self, number: int) -> BinaryIO:
        """The content of a big object as a file. Raises DamagedPack, TooBig."""
        way: list[int] = []
        while number not in self._made and self.bases[number] >= 0:
            way.append(number)
            number = self.bases[number]
        if number not in self._made:
            self._make(number, self._pieces(number))
        while way:
            base, number = number, way.pop()
            with self._instructions(number) as instructions, open(self._made[base], "rb") as before:
                base_size, result_size, start = delta.sizes(instructions.read(delta.HEADER))
                if result_size > self._limits.object_size:
                    raise TooBig("the size of an object is", result_size, self._limits.object_size)
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

    def crc32(self) -> array[int]:
        """The checksum of each entry as the index of a pack has it, in their order. Reads the pack once."""
        found = array("I")
        start = self.offsets[0] if self.offsets else self._end
        self._file.seek(start)
        checksum = 0
        block = memoryview(b"")
        for end in [*self.offsets[1:], self._end]:
            while (left := end - start) > len(block):
                checksum = zlib.crc32(block, checksum)
                start += len(block)
                block = memoryview(self._file.read(_BLOCK))
                if not block:
                    raise DamagedPack("the pack ends in the middle")
            found.append(zlib.crc32(block[:left], checksum))
            block, start, checksum = block[left:], end, 0
        return found

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
        position, end = self.offsets[number] + self._header(number), self._next(number)
        inflater = zlib.decompressobj()
        while not inflater.eof and position < end:
            self._file.seek(position)
            block = self._file.read(min(_BLOCK, end - position))
            position += len(block)
            while block and not inflater.eof:
                yield inflater.decompress(block, _BLOCK)
                block = inflater.unconsumed_tail

    def _header(self, number: int) -> int:
        """The number of bytes in front of the compressed ones, which were checked when they came."""
        self._file.seek(self.offsets[number])
        head = self._file.read(_MOST_HEADER + 20)
        kind = (head[0] >> 4) & 7
        position = next(place for place, byte in enumerate(head) if not byte & 0x80) + 1
        if kind == 7:
            position += 20
        elif kind == 6:
            position += next(place for place, byte in enumerate(head[position:]) if not byte & 0x80) + 1
        return position

    def _next(self, number: int) -> int:
        return self.offsets[number + 1] if number + 1 < len(self.offsets) else self._end
