"""The other end of PackReader: a process that inflates and hashes the entries of a pack, which is most of the work.

Bytes of the pack come in; out go messages, each its length (4 bytes) and a list of events in marshal's form, which is fast
and is between processes of one program only. An event is what Receiver.whole gets, or a name and an argument.
"""

from __future__ import annotations

import contextlib
import gc
import marshal
import os
import select
from collections import deque
from typing import TYPE_CHECKING, Any

from git_helper.git.named_blobs import NamedBlobs
from git_helper.git.pack_entries import BLOB, PackEntries
from git_helper.git.pack_errors import DamagedPack, Limits, TooBig

if TYPE_CHECKING:
    from git_helper.git.pack_entries import Base, Packed, Receiver

READY, BEGIN, BIG_ENTRY, PIECE, DONE, DAMAGED, TOO_BIG, CHECKSUMS, END = range(9)
_FORM = 2  # later ones look for objects that come twice
_MESSAGE = 1 << 18
_READ = 1 << 18
_MOST = 1 << 20
_MOST_KEPT = 32 << 20  # in a history trees come before blobs: one side has more to do, then the other


class _Events:
    """Passes on what a Receiver gets, many events in one message; compressed bytes only of what is no blob."""

    def __init__(self, output: _Output) -> None:
        self._output = output
        self._events: list[tuple[Any, ...]] = []
        self._size = 0

    def begin(self, count: int) -> None:
        """See Receiver."""
        self.add(BEGIN, count)

    def whole(self, offset: int, kind: int, base: Base, content: bytes, packed: Packed, oid: bytes | None) -> None:
        """See Receiver."""
        needed = tuple([bytes(part) for part in packed]) if packed and kind != BLOB else ()
        self._events.append((offset, kind, base, content, needed, oid))
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
        if self._events:
            content = marshal.dumps(self._events, _FORM)
            self._events.clear()
            self._size = 0
            self._output.send(len(content).to_bytes(4, "big") + content)

    def finish(self) -> None:
        """All of it is on its way."""
        self.flush()
        self._output.finish()


class _Output:
    """stdout, and up to `most` bytes that wait for the other side, so that this side can go on meanwhile."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: deque[memoryview] = deque()
        self._size = 0
        os.set_blocking(1, False)

    def send(self, message: bytes) -> None:
        """Raises BrokenPipeError."""
        self._waiting.append(memoryview(message))
        self._size += len(message)
        self._write()
        while self._size > self._most:
            select.select((), (1,), ())
            self._write()

    def finish(self) -> None:
        """Waits until all is sent."""
        os.set_blocking(1, True)
        self._write()

    def _write(self) -> None:
        waiting = self._waiting
        with contextlib.suppress(BlockingIOError):
            while waiting:
                written = os.write(1, waiting[0])
                self._size -= written
                if written == len(waiting[0]):
                    waiting.popleft()
                else:
                    waiting[0] = waiting[0][written:]


def entries_of(receiver: Receiver, limits: Limits, memory: int | None) -> PackEntries:
    """What reads a pack for `receiver`, here or there; `memory`: see PackReader."""
    if memory is None:
        return PackEntries(receiver, limits)
    return PackEntries(NamedBlobs(receiver, limits, memory), limits, kept=True)


def main() -> None:
    """Reads a pack from stdin. First comes what PackReader says: 4 bytes of length, marshal."""
    gc.set_threshold(50_000)
    facts, memory = marshal.loads(_exactly(int.from_bytes(_exactly(4), "big")))  # noqa: S302 (PackReader says it)
    limits = Limits(*facts)
    events = _Events(_Output(_MOST if memory is None else _MOST_KEPT))
    events.add(READY, None)
    events.flush()
    try:
        _read(entries_of(events, limits, memory), events)
    except BrokenPipeError:
        os._exit(1)  # nobody wants it any more
    os._exit(0)


def _read(entries: PackEntries, events: _Events) -> None:
    try:
        while data := os.read(0, _READ):
            entries.feed(data)
            events.flush()
        entries.finish()
        events.add(CHECKSUMS, entries.checksums.tobytes())
        events.add(END, None)
    except DamagedPack as error:
        events.add(DAMAGED, error.reason)
    except TooBig as error:
        events.add(TOO_BIG, error.facts)
    events.finish()


def _exactly(size: int) -> bytes:
    content = b""
    while len(content) < size and (data := os.read(0, size - len(content))):
        content += data
    return content
