"""What was made last, kept in memory for a while: the base of a delta mostly stands shortly before it."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

from git_helper.git.pack_entries import BIG

Key = TypeVar("Key")
_LARGEST = BIG  # what is not kept is made again for each delta to it, with all of its chain


class RecentObjects(Generic[Key]):
    """Kinds and contents, at most `memory` bytes of these; what was used last stays longest."""

    def __init__(self, memory: int) -> None:
        self._memory = memory
        self._size = 0
        self._objects: OrderedDict[Key, tuple[int, bytes]] = OrderedDict()

    def keep(self, key: Key, kind: int, content: bytes) -> None:
        """Keeps an object, unless it is too large or here already."""
        objects = self._objects
        size = len(content)
        if size > _LARGEST or key in objects:
            return
        objects[key] = kind, content
        self._size += size
        while self._size > self._memory:
            self._size -= len(objects.popitem(last=False)[1][1])

    def get(self, key: Key) -> tuple[int, bytes] | None:
        """Kind and content, if they are still here."""
        found = self._objects.get(key)
        if found is not None:
            self._objects.move_to_end(key)
        return found
