"""The blobs of a pack that is kept, named on their way, so that their contents need not go further.

All else goes on as it is: whoever takes it looks into it anyhow, and may have a processor of its own (see pack_worker).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_helper.git import delta
from git_helper.git.pack_entries import BIG, BLOB, object_id
from git_helper.git.recent_objects import RecentObjects

if TYPE_CHECKING:
    from git_helper.git.pack_entries import Base, Packed, Pieces, Receiver
    from git_helper.git.pack_errors import Limits


class NamedBlobs:
    """A Receiver in front of another, which gets blobs with their names and without their contents.

    Deltas reach it as they are unless their base is a blob among the last `memory` bytes of these, named by its place.
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
        if base is not None:
            found = self._recent.get(base) if isinstance(base, int) else None
            size = 0 if found is None else delta.outline(content)[0]
            self._limits.check_object(size)
            if found is not None and size <= BIG:
                kind, content = BLOB, delta.apply(found[1], content)
                oid = object_id(BLOB, content)
        if kind == BLOB:
            self._recent.keep(offset, BLOB, content)
            self._receiver.whole(offset, BLOB, base, b"", (), oid)
        else:
            self._receiver.whole(offset, kind, base, content, (), None)

    def big(self, offset: int, kind: int, base: Base, size: int) -> Pieces:
        """See Receiver."""
        return self._receiver.big(offset, kind, base, size)
