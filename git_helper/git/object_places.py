"""Where the objects of a pack are once they were read: in memory for a while, in a spool, or in a file of their own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from git_helper.git import delta
from git_helper.git.inflate import inflate
from git_helper.git.pack_entries import BIG, BLOB
from git_helper.git.pack_errors import DamagedPack
from git_helper.git.recent_objects import RecentObjects

if TYPE_CHECKING:
    from collections.abc import Sequence

_RECENT = 16 << 20
_BUFFER = 1 << 18


class Record(NamedTuple):
    """Compressed bytes in the spool; `base` is the id of the object that they are a delta to, then `kind` is 0."""

    kind: int
    base: bytes | None
    position: int
    length: int


Place = bytes | Record
"""The path of a file with a blob's content, or a record of the spool."""


class Places:
    """Every object of the pack by its id; a context manager. `folder`: for the spool, on the disk of the destination.

    Only what may be needed again is spooled: what is written to a file of the tree can be read there.
    """

    def __init__(self, folder: bytes) -> None:
        self.folder = folder
        self._places: dict[bytes, Place] = {}
        self.recent = RecentObjects[bytes](_RECENT)
        self._spool: BinaryIO | None = None
        self._end = 0

    def __contains__(self, oid: bytes) -> bool:
        return oid in self._places

    def path(self, oid: bytes) -> bytes | None:
        """The file that holds the blob, if one does."""
        place = self._places.get(oid)
        return place if isinstance(place, bytes) else None

    def put(self, oid: bytes, place: Place) -> None:
        """It is there now."""
        self._places[oid] = place

    def spool(self, kind: int, base: bytes | None, packed: Sequence[memoryview | bytes]) -> Record:
        """Writes the compressed bytes of an entry."""
        position = self._end
        for part in packed:
            self._end += len(part)
        spool = self._opened()
        spool.seek(position)
        spool.writelines(packed)
        return Record(kind, base, position, self._end - position)

    def load(self, oid: bytes) -> tuple[int, bytes]:
        """Kind and content of an object that is there and not big. Raises DamagedPack."""
        deltas: list[Record] = []
        wanted = oid
        while True:
            found = self.recent.get(oid)
            if found is None:
                place = self._places[oid]
                if isinstance(place, bytes):
                    found = BLOB, _read(place)
                elif place.base is None:
                    found = place.kind, self.inflate(place)
                else:
                    deltas.append(place)
                    oid = place.base
                    continue
            kind, content = found
            while deltas:
                content = delta.apply(content, self.inflate(deltas.pop()))
            self.recent.keep(wanted, kind, content)
            return kind, content

    def inflate(self, record: Record) -> bytes:
        """What was spooled, as it was before; its length was checked then."""
        spool = self._opened()
        spool.seek(record.position)
        return inflate(spool.read(record.length))

    def _opened(self) -> BinaryIO:
        if self._spool is None:
            self._spool = open(os.path.join(self.folder, b"spool"), "w+b", buffering=_BUFFER)  # noqa: SIM115
        return self._spool

    def close(self) -> None:
        """Lets the spool go."""
        if self._spool is not None:
            self._spool.close()

    def __enter__(self) -> Places:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _read(path: bytes) -> bytes:
    with open(path, "rb") as file:
        content = file.read(BIG + 1)
    if len(content) > BIG:
        raise DamagedPack("a delta does not fit its base")
    return content
