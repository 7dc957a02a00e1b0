"""A pack read while it arrives: here, or a large one with the help of a second process (see pack_worker).

That one inflates and hashes and leaves no trace; what is made of the entries is made here, errors too.
"""

from __future__ import annotations

import contextlib
import marshal
from array import array
from typing import TYPE_CHECKING, Any

from git_helper.errors import GitHelperError
from git_helper.git import pack_worker
from git_helper.git.pack_errors import DamagedPack, TooBig
from git_helper.system import second_process

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_helper.git.pack_entries import PackEntries, Pieces, Receiver
    from git_helper.git.pack_errors import Limits

MANY = 2_000
"""So many objects are worth a second process."""
_HEADER = 12
_WHOLE = 6  # what Receiver.whole gets; other events are a name and an argument


class PackReader:
    """`feed` it the bytes of one pack in any portions, then `finish`; `close` it in any case.

    `memory`: bytes of contents to remember for a pack that is kept: `receiver` is what NamedBlobs stands before then, and
    needs no compressed bytes. Otherwise it gets those of all but blobs.
    `helper`: words that run the second process; `many`: so many objects are worth it.
    Raises DamagedPack, TooBig, what `receiver` raises, and GitHelperError when the second process is killed.
    """

    def __init__(
        self,
        receiver: Receiver,
        limits: Limits,
        *,
        memory: int | None = None,
        helper: Sequence[str] | None = None,
        many: int = MANY,
    ) -> None:
        self.received = 0
        """Bytes so far."""
        self._receiver = receiver
        self._limits = limits
        self._memory = memory
        self._helper = helper
        self._many = many
        self._head = b""
        self._process: second_process.SecondProcess | None = None
        self._here: PackEntries | None = None
        self._there: _There | None = None

    @property
    def checksums(self) -> array[int]:
        """The CRC-32 of each entry of a pack that is kept, when it has come."""
        return self._own().checksums if self._there is None else self._there.checksums

    def prepare(self) -> None:
        """A pack is coming that may be large: the second process can start while the server makes it."""
        if second_process.can_have_one():
            words = list(self._helper or second_process.command(pack_worker.__name__))
            with contextlib.suppress(OSError):  # there is no room for one more
                self._process = second_process.SecondProcess(words)

    def feed(self, data: bytes) -> None:
        """The next bytes."""
        self.received += len(data)
        if self._here is None and self._there is None:
            data = self._head = self._head + data
            if len(data) < _HEADER:
                return
            self._begin(int.from_bytes(data[8:12], "big"))
        if self._there is None:
            self._own().feed(data)
        elif not self._there.feed(data):
            self._back(self._there)

    def finish(self) -> None:
        """The pack must be whole now."""
        if self._there is not None:
            if self._there.finish():
                return
            self._back(self._there)
        self._own().finish()

    def close(self) -> None:
        """Ends the second process."""
        if self._process is not None:
            self._process.close()
            self._process = None

    def _begin(self, count: int) -> None:
        self._head = b""
        if count < self._many:
            self.close()
            return
        if self._process is None:
            self.prepare()
        if self._process is not None:
            self._there = _There(self._process, self._receiver, marshal.dumps((tuple(self._limits), self._memory)))

    def _back(self, there: _There) -> None:
        """The second process has not begun after all: everything so far is read here."""
        self.close()
        self._there = None
        self._own().feed(b"".join(there.unread))

    def _own(self) -> PackEntries:
        if self._here is None:
            self._here = pack_worker.entries_of(self._receiver, self._limits, self._memory)
        return self._here


class _There:
    """Entries that come from a second process. `feed` and `finish` are False when it has not even begun."""

    def __init__(self, process: second_process.SecondProcess, receiver: Receiver, wish: bytes) -> None:
        self.unread: list[bytes] = []
        """All bytes so far, until it has begun."""
        self.checksums = array("I")
        self._process = process
        self._receiver = receiver
        self._wish = len(wish).to_bytes(4, "big") + wish
        self._has_begun = self._has_ended = False
        self._said = bytearray()
        self._pieces: Pieces | None = None

    def feed(self, data: bytes) -> bool:
        if not self._has_begun:
            self.unread.append(data)
        rest = memoryview(self._wish + data if self._wish else data)
        self._wish = b""
        while rest:
            taken, said = self._process.talk(rest)
            rest = rest[taken:]
            if said is not None and not self._hear(said):
                return False
        return True

    def finish(self) -> bool:
        while not self._has_ended:
            if not self._hear(self._process.hear()):
                return False
        return True

    def _hear(self, said: bytes) -> bool:
        """Takes what it says; False when it has ended before it began."""
        if not said:
            if not self._has_begun:
                return False
            raise GitHelperError(
                "cannot unpack the answer of the server: the process that helps has ended", "is there enough memory?"
            )
        buffer = self._said
        buffer += said
        while len(buffer) >= 4 and len(buffer) >= (end := 4 + int.from_bytes(buffer[:4], "big")):
            with memoryview(buffer) as said_so_far:
                events = marshal.loads(said_so_far[4:end])  # noqa: S302 (a process of ours says it)
            del buffer[:end]
            self._take(events)
        return True

    def _take(self, events: list[Any]) -> None:
        whole = self._receiver.whole
        for event in events:
            if len(event) == _WHOLE:
                whole(*event)
            else:
                self._take_other(*event)

    def _take_other(self, event: int, argument: Any) -> None:
        if event == pack_worker.READY:
            self._has_begun = True
            self.unread.clear()
        elif event == pack_worker.BEGIN:
            self._receiver.begin(argument)
        elif event == pack_worker.BIG_ENTRY:
            self._pieces = self._receiver.big(*argument)
        elif event == pack_worker.DAMAGED:
            raise DamagedPack(argument)
        elif event == pack_worker.TOO_BIG:
            raise TooBig(*argument)
        elif event == pack_worker.CHECKSUMS:
            self.checksums.frombytes(argument)
        elif event == pack_worker.END:
            self._has_ended = True
        elif self._pieces is not None:
            self._take_piece(self._pieces, argument)

    def _take_piece(self, pieces: Pieces, piece: bytes | None) -> None:
        if piece is None:
            self._pieces = None
            pieces.done()
        else:
            pieces.write(piece)
