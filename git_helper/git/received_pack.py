"""A pack that is kept: written to its file while it arrives, every object hashed, every delta resolved (gitformat-pack(5)).

What is inflated on the way is not inflated again: a delta whose base is still in memory is resolved at once, the others
at the end, each chain once from its beginning. Memory does not grow with the pack, only with the number of its objects.
"""

from __future__ import annotations

import hashlib
import os
from bisect import bisect_left
from typing import TYPE_CHECKING, BinaryIO

from git_helper.git import delta
from git_helper.git.links import Links
from git_helper.git.pack_entries import BIG, BLOB, COMMIT, HEADERS, TAG, TREE, object_id
from git_helper.git.pack_errors import DamagedPack, TooBig
from git_helper.git.pack_reader import PackReader
from git_helper.git.received_pieces import Gathered, Hashed, Skipped
from git_helper.git.stored_objects import NO_BASE, StoredObjects

if TYPE_CHECKING:
    from collections.abc import Callable

    from git_helper.git.pack_entries import Base, Packed, Pieces
    from git_helper.git.pack_errors import Limits

MEMORY = 32 << 20
"""Bytes of contents, and again of deltas, that are kept at the most."""
_EVERY = 1024


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
        self.done = 0
        self._limits = limits
        self._progress = progress
        self._memory = memory
        self._entries = PackReader(self, self._limits, packed=False)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o444)
        self._file: BinaryIO = open(descriptor, "w+b", buffering=1 << 20)  # noqa: SIM115
        self._objects = StoredObjects(self._file, scratch, limits, memory)
        self._received = 0
        self._tail = b""
        self._tail_read = False
        self._deltas: dict[int, bytes] = {}  # inflated, by number
        self._deltas_size = 0
        self._unresolved: list[int] = []
        self._base_names: dict[int, bytes] = {}  # of deltas whose base has not come yet

    @property
    def received(self) -> int:
        """Bytes of the pack that have come."""
        return self._received

    def feed(self, data: bytes) -> None:
        """The next bytes of the pack."""
        self._file.write(data)
        self._received += len(data)
        self._tail = data[-20:] if len(data) >= 20 else (self._tail + data)[-20:]
        self._entries.feed(data)
        if self._progress is not None:
            self._progress(self._received, self.done, self.count)

    def finish(self) -> StoredObjects:
        """All bytes have come: the objects of the pack, each of them known by its name. They can be read until `close`."""
        self._entries.finish()
        self._tail_read = True
        objects = self._objects
        objects.complete(self._received - 20, self._tail)
        self._resolve_rest()
        return objects

    def close(self) -> None:
        """Closes the file."""
        self._entries.close()
        self._file.close()
        self._objects.close()

    def __enter__(self) -> ReceivedPack:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # ------------------------------------------------------------------ what PackReader gives

    def begin(self, count: int) -> None:
        """See Receiver."""
        self.count = count

    def whole(self, offset: int, kind: int, base: Base, content: bytes, packed: Packed, oid: bytes | None) -> None:
        """See Receiver."""
        if kind:
            self._settle(self._objects.add(offset, NO_BASE), kind, content, oid)
            return
        number = self._number(offset, base)
        before = self._objects.bases[number]
        found = self._objects.recent(before) if before >= 0 else None
        if found is None:
            self._put_off(number, content)
        else:
            self._resolve(number, found, content)

    def big(self, offset: int, kind: int, base: Base, size: int) -> Pieces:
        """See Receiver."""
        if kind in (COMMIT, TREE, TAG):
            if size > self._limits.tree_size:
                raise TooBig("the size of a tree, commit or tag is", size, self._limits.tree_size)
            return Gathered(self, offset, kind)
        if kind == BLOB:
            number = self._objects.add(offset, NO_BASE)
            self._objects.mark_big(number)
            return Hashed(self, number, size)
        number = self._number(offset, base)
        self._objects.mark_big(number)
        self._unresolved.append(number)
        return Skipped()

    def big_done(self, number: int, oid: bytes) -> None:
        """A big blob has been hashed; its bytes are in the pack."""
        self._name(number, BLOB, oid)

    # ------------------------------------------------------------------ deltas

    def _number(self, offset: int, base: Base) -> int:
        """A delta's number; its base is known by its number, or waited for by its name."""
        objects = self._objects
        if isinstance(base, bytes):
            before = objects.numbers.get(base, NO_BASE)
            number = objects.add(offset, before)
            if before == NO_BASE:
                self._base_names[number] = base
            return number
        before = bisect_left(objects.offsets, base or 0)
        if before == len(objects.offsets) or objects.offsets[before] != base:
            raise DamagedPack("a delta names a base where no object begins")
        return objects.add(offset, before)

    def _put_off(self, number: int, content: bytes) -> None:
        self._unresolved.append(number)
        if self._deltas_size + len(content) <= self._memory:
            self._deltas[number] = content
            self._deltas_size += len(content)

    def _resolve(self, number: int, base: tuple[int, bytes], content: bytes) -> None:
        """The delta `content`, whose base is in memory."""
        kind, before = base
        result_size = _result_size(content)
        if result_size > self._limits.object_size:
            raise TooBig("the size of an object is", result_size, self._limits.object_size)
        known = self._objects.kinds[number]
        if result_size > BIG:
            self._objects.mark_big(number)
            if not known:
                self._unresolved.append(number)
            return
        result = delta.apply(before, content)
        if known:
            self._objects.remember(number, kind, result)
        else:
            self._settle(number, kind, result)

    def _resolve_rest(self) -> None:
        """The deltas that were put off. What lies on the way to them is made again, but once for all of them."""
        objects, bases = self._objects, self._objects.bases
        below: dict[int, list[int]] = {}
        waiting: dict[bytes, list[int]] = {}
        for number in self._unresolved:
            name = self._base_names.get(number)
            if name is not None and bases[number] < 0:
                bases[number] = objects.numbers.get(name, NO_BASE)
                if bases[number] < 0:
                    waiting.setdefault(name, []).append(number)
        todo = sorted(self._starts(below), reverse=True)
        while todo:
            number = todo.pop()
            if bases[number] >= 0:
                self._make(number)
            next_ones = below.pop(number, [])
            for late in waiting.pop(objects.names[number], ()) if waiting else ():
                bases[late] = number
                next_ones.append(late)
            todo += reversed(next_ones)
        if not all(objects.kinds):
            raise DamagedPack("a delta lacks its base (a thin pack)")
        self._deltas.clear()

    def _starts(self, below: dict[int, list[int]]) -> set[int]:
        """Where the chains of the deltas that were put off begin; notes in `below` the ways down to these."""
        bases, kinds = self._objects.bases, self._objects.kinds
        starts: set[int] = set()
        seen: set[int] = set()
        for number in self._unresolved:
            while number not in seen:
                seen.add(number)
                before = bases[number]
                if before < 0:
                    if kinds[number]:
                        starts.add(number)
                    break
                below.setdefault(before, []).append(number)
                number = before
        return starts

    def _make(self, number: int) -> None:
        """A delta whose base is known: makes the object, and names it unless it has its name."""
        objects = self._objects
        before = objects.bases[number]
        content = self._deltas.pop(number, None)
        if objects.is_big(before) or objects.is_big(number):
            if not objects.kinds[number]:
                self._make_big(number)
            return
        content = objects.inflated(number) if content is None else content
        self._resolve(number, objects.load(before), content)
        if not objects.kinds[number]:
            self._make_big(number)

    def _make_big(self, number: int) -> None:
        """By way of files, because something in the chain is big: hashed without being held in memory."""
        objects = self._objects
        objects.mark_big(number)
        kind = objects.kinds[objects.bases[number]]
        with objects.open(number) as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            if kind == BLOB:
                checksum = hashlib.sha1(HEADERS[kind] % size, usedforsecurity=False)
                while piece := file.read(1 << 20):
                    checksum.update(piece)
                self._name(number, kind, checksum.digest())
            elif size > self._limits.tree_size:
                raise TooBig("the size of a tree, commit or tag is", size, self._limits.tree_size)
            else:
                self._settle(number, kind, file.read())

    # ------------------------------------------------------------------ objects

    def _settle(self, number: int, kind: int, content: bytes, oid: bytes | None = None) -> None:
        """An object is known, and perhaps its name."""
        oid = oid or object_id(kind, content)
        if kind != BLOB:
            self.links.add(kind, oid, content)
        self._objects.remember(number, kind, content)
        self._name(number, kind, oid)

    def _name(self, number: int, kind: int, oid: bytes) -> None:
        self._objects.name(number, kind, oid)
        self.done += 1
        if self._tail_read and self._progress is not None and self.done % _EVERY == 0:
            self._progress(self._received, self.done, self.count)


def _result_size(content: bytes) -> int:
    """What a delta says of its result; the size of its base is checked when it is applied. For nearly every object."""
    try:
        place = 0
        while content[place] & 0x80:
            place += 1
        size, shift = 0, 0
        while (byte := content[place := place + 1]) & 0x80:
            size |= (byte & 0x7F) << shift
            shift += 7
        return size | byte << shift
    except IndexError:
        raise DamagedPack("a delta has no sizes") from None
