"""A pack that is kept: written to its file while it arrives, every object hashed, every delta resolved (gitformat-pack(5)).

What is inflated on the way is not inflated again: a delta whose base is still in memory is resolved at once, the others
at the end. Memory does not grow with the pack, only with the number of its objects.
"""

from __future__ import annotations

import os
from io import BufferedWriter
from typing import TYPE_CHECKING

from git_helper.git import delta
from git_helper.git.late_deltas import LateDeltas
from git_helper.git.links import Links
from git_helper.git.pack_entries import BIG, BLOB, COMMIT, TAG, TREE, object_id
from git_helper.git.pack_reader import PackReader
from git_helper.git.received_pieces import Gathered, Hashed, Skipped
from git_helper.git.stored_objects import StoredObjects

if TYPE_CHECKING:
    from collections.abc import Callable

    from git_helper.git.pack_entries import Base, Packed, Pieces
    from git_helper.git.pack_errors import Limits

MEMORY = 64 << 20
"""Bytes at the most of contents that are kept, of deltas, and in a second process of contents again."""


class ReceivedPack:
    """`feed` it the bytes of a pack, then `finish`. `path`: the file to make; `scratch`: a folder for big objects.

    `progress` gets bytes so far, objects so far and objects in all.
    Raises DamagedPack, TooBig and OSError; the file is the caller's to remove then.
    """

    def __init__(
        self,
        path: str,
        scratch: str,
        limits: Limits,
        progress: Callable[[int, int, int], None] | None = None,
        memory: int = MEMORY,
    ) -> None:
        self.links = Links()
        self.count = 0
        """The number of objects that the pack announced."""
        self.received = 0
        """Bytes of the pack that have come."""
        self._limits = limits
        self._progress = progress
        self._entries = PackReader(self, limits, memory=memory)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o444)
        file = open(descriptor, "w+b", buffering=0)  # noqa: SIM115
        self._file = BufferedWriter(file, 1 << 20)
        self._objects = StoredObjects(file, scratch, limits, memory)
        self._late = LateDeltas(self._objects, self.links, limits, memory)
        self._tail = b""

    def prepare(self) -> None:
        """It has been asked for, and may be large."""
        self._entries.prepare()

    def feed(self, data: bytes) -> None:
        """The next bytes of the pack."""
        self._file.write(data)
        self.received += len(data)
        self._tail = data[-20:] if len(data) >= 20 else (self._tail + data)[-20:]
        self._entries.feed(data)
        self._tell()

    def finish(self) -> StoredObjects:
        """All bytes have come: the objects of the pack, each of them known by its name. They can be read until `close`."""
        self._entries.finish()
        self._file.flush()
        self._objects.complete(self.received - 20, self._tail, self._entries.checksums)
        self._late.finish(self._tell)
        return self._objects

    def close(self) -> None:
        """Closes the file."""
        self._entries.close()
        self._file.close()
        self._objects.close()

    def __enter__(self) -> ReceivedPack:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _tell(self) -> None:
        if self._progress is not None:
            self._progress(self.received, len(self._objects.numbers), self.count)

    # ------------------------------------------------------------------ what PackReader gives

    def begin(self, count: int) -> None:
        """See Receiver."""
        self.count = count

    def whole(self, offset: int, kind: int, base: Base, content: bytes, packed: Packed, oid: bytes | None) -> None:
        """See Receiver and NamedBlobs."""
        objects = self._objects
        place = base if isinstance(base, int) else objects.place(base) if base else 0
        alike = 0
        before = None
        if not kind:
            found = objects.recent.get(place)
            size, alike = (0, 0) if found is None else delta.outline(content)
            self._limits.check_object(size)
            if found is None or size > BIG:
                self._late.add(offset, base, content)
                return
            kind, before = found
            content = delta.apply(before, content)
        oid = oid or object_id(kind, content)
        objects.add_named(offset, place, kind, oid)
        if kind != BLOB:  # NamedBlobs keeps these
            self.links.add(kind, oid, content, before, alike)
            objects.recent.keep(offset, kind, content)

    def big(self, offset: int, kind: int, base: Base, size: int) -> Pieces:
        """See Receiver."""
        if kind in (COMMIT, TREE, TAG):
            self._limits.check_tree(size)
            return Gathered(self, offset, kind)
        if kind == BLOB:
            number = self._objects.add(offset, 0)
            self._objects.mark_big(number)
            return Hashed(self, number, size)
        self._objects.mark_big(self._late.add(offset, base, None))
        return Skipped()

    def big_done(self, number: int, oid: bytes) -> None:
        """A big blob has been hashed; its bytes are in the pack."""
        self._objects.name(number, BLOB, oid)
