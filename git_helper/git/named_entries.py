"""Entries of a pack that is kept, named on their way: the deltas between commits, between tags and between blobs.

Trees go on as they are: whoever takes them looks into them anyhow, and has a processor of its own (see pack_worker).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_helper.git import delta
from git_helper.git.pack_entries import BIG, BLOB, TREE, object_id
from git_helper.git.recent_objects import RecentObjects

if TYPE_CHECKING:
    from git_helper.git.pack_entries import Base, Packed, Pieces, Receiver
    from git_helper.git.pack_errors import Limits


class NamedEntries:
    """A Receiver in front of another, which gets trees as they come, and of all else the name, the kind and the content, that
    of blobs left out. Deltas reach it as deltas when their base is not among the last `memory` bytes of contents, or is
    named by its id.
    """

    def __init__(self, receiver: Receiver, limits: Limits, memory: int) -> None:
        self._receiver = receiver
        self._limits = limits
        self._recent = RecentObjects[int](memory)

    def begin(self, count: int) -> None:
        """See Receiver."""
        self._receiver.begin(count)

    def whole(self, offset: int, kind: int, base: Base, content: bytes, packed: Packed, oid: bytes | None) -> None:
        """See Receiver."""
        if kind == TREE:
            self._receiver.whole(offset, kind, base, content, (), oid)
            return
        if base is not None:
            found = self._recent.get(base) if isinstance(base, int) else None
            size = 0 if found is None else delta.outline(content)[0]
            self._limits.check_object(size)
            if found is None or size > BIG:
                self._receiver.whole(offset, kind, base, content, (), None)
                return
            kind, before = found
            content = delta.apply(before, content)
            oid = object_id(kind, content)
        self._recent.keep(offset, kind, content)
        self._receiver.whole(offset, kind, base, b"" if kind == BLOB else content, (), oid)

    def big(self, offset: int, kind: int, base: Base, size: int) -> Pieces:
        """See Receiver."""
        return self._receiver.big(offset, kind, base, size)
