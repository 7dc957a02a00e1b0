"""The other end of PackReader: a process that inflates and hashes the entries of a pack, which is most of the work.

Bytes of the pack come in; out go messages, each its length (4 bytes) and a list of events in marshal's form, which is fast
and is between processes of one program only. An event is what Receiver.whole gets, or a name and an argument.
"""

from __future__ import annotations

import gc
import marshal
import os
from typing import TYPE_CHECKING, Any

from git_helper.git.pack_entries import BLOB, PackEntries
from git_helper.git.pack_errors import DamagedPack, Limits, TooBig

if TYPE_CHECKING:
    from git_helper.git.pack_entries import Base, Packed

READY, BEGIN, BIG_ENTRY, PIECE, DONE, DAMAGED, TOO_BIG, END = range(8)
_FORM = 2  # later ones look for objects that come twice
_MESSAGE = 1 << 18
_READ = 1 << 18


class _Events:
    """Passes on what a Receiver gets, many events in one message. `packed`: whether compressed bytes are wanted.

    Those of blobs go never: they are known by their files.
    """

    def __init__(self, *, packed: bool) -> None:
        self._packed = packed
        self._events: list[tuple[Any, ...]] = []
        self._size = 0

    def begin(self, count: int) -> None:
        """See Receiver."""
        self.add(BEGIN, count)

    def whole(self, offset: int, kind: int, base: Base, content: bytes, packed: Packed, oid: bytes | None) -> None:
        """See Receiver."""
        kept = tuple(bytes(part) for part in packed) if self._packed and kind != BLOB else ()
        self._events.append((offset, kind, base, content, kept, oid))
        self._size += len(content)
        if self._size > _MESSAGE:
            self.flush()

    def big(self, offset: int, kind: int, base: Base, size: int) -> _Events:
        """See Receiver."""
        self.add(BIG_ENTRY, (offset, kind, base, size))
        return self

    def write(self, piece: bytes) -> None:
        """See Pieces."""
        self.add(PIECE, piece)
        self.flush()

    def done(self) -> None:
        """See Pieces."""
        self.add(DONE, None)

    def add(self, event: int, argument: object) -> None:
        """One of the events above."""
        self._events.append((event, argument))

    def flush(self) -> None:
        """Sends what there is."""
        if not self._events:
            return
        content = marshal.dumps(self._events, _FORM)
        self._events.clear()
        self._size = 0
        rest = memoryview(len(content).to_bytes(4, "big") + content)
        while rest:
            rest = rest[os.write(1, rest) :]


def main() -> None:
    """Reads a pack from stdin. First comes what PackReader says: 4 bytes of length, marshal."""
    gc.set_threshold(50_000)
    limits, packed = marshal.loads(_exactly(int.from_bytes(_exactly(4), "big")))  # noqa: S302 (PackReader says it)
    events = _Events(packed=packed)
    events.add(READY, None)
    events.flush()
    try:
        _read(PackEntries(events, Limits(*limits)), events)
    except BrokenPipeError:
        os._exit(1)  # nobody wants it any more
    os._exit(0)


def _read(entries: PackEntries, events: _Events) -> None:
    try:
        while data := os.read(0, _READ):
            entries.feed(data)
            events.flush()
        entries.finish()
        events.add(END, None)
    except DamagedPack as error:
        events.add(DAMAGED, error.reason)
    except TooBig as error:
        events.add(TOO_BIG, error.facts)
    events.flush()


def _exactly(size: int) -> bytes:
    content = b""
    while len(content) < size and (data := os.read(0, size - len(content))):
        content += data
    return content
