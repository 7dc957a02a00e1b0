"""Deltas that cannot be resolved when they come: their base comes later, is no longer in memory, or they are big.

At the end each chain of them is made once from its beginning.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from git_helper.git import delta
from git_helper.git.pack_entries import BIG, BLOB, HEADERS, object_id
from git_helper.git.pack_errors import DamagedPack
from git_helper.git.stored_objects import NO_BASE

if TYPE_CHECKING:
    from collections.abc import Callable

    from git_helper.git.links import Links
    from git_helper.git.pack_entries import Base
    from git_helper.git.pack_errors import Limits
    from git_helper.git.stored_objects import StoredObjects

_EVERY = 1024


class LateDeltas:
    """`add` them, then `finish`. `memory`: bytes of them that are kept; the others are inflated again."""

    def __init__(self, objects: StoredObjects, links: Links, limits: Limits, memory: int) -> None:
        self._objects = objects
        self._links = links
        self._limits = limits
        self._left = memory
        self._numbers: list[int] = []
        self._contents: dict[int, bytes] = {}  # by number
        self._base_names: dict[int, bytes] = {}  # of those whose base has not come yet

    def add(self, offset: int, base: Base, content: bytes | None) -> int:
        """The delta at `offset`, inflated, None for a big one; its number."""
        place = base if isinstance(base, int) else self._objects.place(base)
        number = self._objects.add(offset, place)
        self._numbers.append(number)
        if isinstance(base, bytes) and not place:
            self._base_names[number] = base
        if content is not None and len(content) <= self._left:
            self._contents[number] = content
            self._left -= len(content)
        return number

    def finish(self, progress: Callable[[], None]) -> None:
        """Names them all; what lies on the way to them is made again, but once for all of them.

        Calls `progress` now and then. Raises DamagedPack, TooBig, OSError.
        """
        objects = self._objects
        waiting = self._waiting()
        below: dict[int, list[int]] = {}
        todo = sorted(self._starts(below), reverse=True)
        made = 0
        while todo:
            number = todo.pop()
            if objects.bases[number]:
                self._make(number)
                made += 1
                if made % _EVERY == 0:
                    progress()
            next_ones = below.pop(number, [])
            for late in waiting.pop(objects.names[number], ()) if waiting else ():
                objects.bases[late] = objects.offsets[number]
                next_ones.append(late)
            todo += reversed(next_ones)
        if not all(objects.kinds):
            raise DamagedPack("a delta lacks its base (a thin pack)")
        self._contents.clear()

    def _waiting(self) -> dict[bytes, list[int]]:
        """Those whose base is not known yet, by its name."""
        objects = self._objects
        found: dict[bytes, list[int]] = {}
        for number, name in self._base_names.items():
            objects.bases[number] = objects.place(name)
            if not objects.bases[number]:
                found.setdefault(name, []).append(number)
        return found

    def _starts(self, below: dict[int, list[int]]) -> set[int]:
        """Where the chains begin; notes in `below` the ways down to these deltas."""
        objects = self._objects
        starts: set[int] = set()
        seen: set[int] = set()
        for number in self._numbers:
            while number not in seen:
                seen.add(number)
                before = objects.base(number)
                if before == NO_BASE:
                    if objects.kinds[number]:
                        starts.add(number)
                    break
                below.setdefault(before, []).append(number)
                number = before
        return starts

    def _make(self, number: int) -> None:
        """One whose base is known: makes the object, and names it unless it has its name."""
        objects = self._objects
        base = objects.base(number)
        is_known = objects.kinds[number] != 0
        content = self._contents.pop(number, None)
        if not (objects.is_big(base) or objects.is_big(number)):
            content = objects.inflated(number) if content is None else content
            size, alike = delta.outline(content)
            self._limits.check_object(size)
            if size <= BIG:
                kind, before = objects.load(base)
                content = delta.apply(before, content)
                objects.recent.keep(objects.offsets[number], kind, content)
                if not is_known:
                    self._name(number, kind, content, before, alike)
                return
            objects.mark_big(number)
        if not is_known:
            self._make_big(number, objects.kinds[base])

    def _make_big(self, number: int, kind: int) -> None:
        """By way of files, because something in the chain is big: a blob is hashed without being held in memory."""
        objects = self._objects
        objects.mark_big(number)
        with objects.open(number) as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            if kind != BLOB:
                self._limits.check_tree(size)
                self._name(number, kind, file.read())
                return
            checksum = hashlib.sha1(HEADERS[kind] % size, usedforsecurity=False)
            while piece := file.read(1 << 20):
                checksum.update(piece)
            objects.name(number, kind, checksum.digest())

    def _name(self, number: int, kind: int, content: bytes, before: bytes | None = None, alike: int = 0) -> None:
        oid = object_id(kind, content)
        if kind != BLOB:
            self._links.add(kind, oid, content, before, alike)
        self._objects.name(number, kind, oid)
