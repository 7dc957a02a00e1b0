"""The commits of a repository: to find one by the beginning of its name, or the ref that leads to it soonest."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections import deque
from typing import TYPE_CHECKING

from git_helper.core.reference import Oid
from git_helper.git.object_places import Places
from git_helper.git.pack_entries import COMMIT
from git_helper.git.pack_errors import Limits
from git_helper.git.pack_objects import PackObjects

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from git_helper.core.reference import RemoteRef

_PARENT = re.compile(rb"parent ([0-9a-f]{40})\n")


class History:
    """Takes the objects of a pack (see Consumer) and keeps its commits."""

    def __init__(self) -> None:
        self._parents: dict[bytes, tuple[bytes, ...]] = {}

    def take(self, oid: bytes, kind: int, content: bytes) -> bytes | None:
        """See Consumer."""
        if kind == COMMIT:
            # Behind the empty line is the message, which anybody may write.
            self._parents[oid] = tuple(
                bytes.fromhex(parent.decode()) for parent in _PARENT.findall(content.partition(b"\n\n")[0] + b"\n")
            )
        return None

    def take_file(self, oid: bytes, path: bytes) -> bytes | None:
        """See Consumer."""
        return None

    def starting(self, prefix: str) -> list[Oid]:
        """The commits whose names begin with `prefix`, in hexadecimal."""
        prefix = prefix.lower()
        return [Oid(found) for found in (oid.hex() for oid in self._parents) if found.startswith(prefix)]

    def is_whole(self) -> bool:
        """Whether every parent is there."""
        return all(parent in self._parents for parents in self._parents.values() for parent in parents)

    def nearest(self, wanted: Oid, tips: Iterable[RemoteRef]) -> tuple[RemoteRef, int] | None:
        """The tip with the shortest way to `wanted`, and the number of steps; None when no tip reaches it."""
        goal = bytes.fromhex(wanted.hex)
        queue = deque((bytes.fromhex(tip.commit.hex), tip, 0) for tip in tips)
        seen: set[bytes] = set()
        while queue:
            oid, tip, steps = queue.popleft()
            if oid == goal:
                return tip, steps
            if oid not in seen:
                seen.add(oid)
                queue.extend((parent, tip, steps + 1) for parent in self._parents.get(oid, ()))
        return None


def read_history(fetch: Callable[[Callable[[bytes], None]], None], limits: Limits | None = None) -> History:
    """`fetch` gives the bytes of a pack to the function that it gets; the commits in it."""
    history = History()
    with tempfile.TemporaryDirectory(prefix="git-helper-") as folder, Places(os.fsencode(folder)) as places:
        objects = PackObjects(places, history, limits or Limits())
        with contextlib.closing(objects):
            fetch(objects.feed)
            objects.finish()
    return history
