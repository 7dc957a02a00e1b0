"""pkt-lines and side-band (gitprotocol-common(5), gitprotocol-pack(5)), over anything that gives bytes."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from git_helper.core.redaction import redact
from git_helper.errors import Refused, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from git_helper.secret import Secret

_LONGEST = 65520
_READ = 1 << 18
REFS_LIMIT = 1 << 30
"""Bytes of a list of refs, and of what else a server says of itself."""
_LONGEST_MESSAGE = 2000


class Mark(Enum):
    """The packets without content."""

    FLUSH = 0
    DELIMITER = 1
    END = 2


class ServerError(Refused):
    """The server said why it does not answer (`ERR`, or band 3)."""


class NotGit(Unreachable):
    """An answer, but not of git's protocol."""


def packet(line: str | bytes) -> bytes:
    """One line as a packet, with the LF that git's own have."""
    data = (line.encode() if isinstance(line, str) else line) + b"\n"
    return b"%04x%b" % (len(data) + 4, data)


def packets(lines: Iterable[str | bytes]) -> bytes:
    """Lines as packets, one after another."""
    return b"".join(packet(line) for line in lines)


FLUSH = b"0000"
DELIMITER = b"0001"


class Packets:
    """Reads packets. `read(size)` gives some bytes as soon as there are any, none at the end.

    `subject`: who speaks, for messages; `secrets`: what those must not show. Raises Unreachable for an answer that ends
    too early, NotGit for bytes that are no packets, ServerError for what the server says against us.
    """

    def __init__(self, read: Callable[[int], bytes], subject: str, secrets: Iterable[Secret] = ()) -> None:
        self._read = read
        self.subject = subject
        self._secrets = tuple(secrets)
        self._buffer = b""
        self._position = 0

    def at_end(self) -> bool:
        """Whether no byte follows."""
        return self._position == len(self._buffer) and not self._more()

    def line(self) -> bytes | Mark:
        """The next packet, without LF."""
        length = self._length()
        if length < 4:
            self._position += 4
            return Mark(length)
        while len(self._buffer) - self._position < length:
            self._need_more()
        data = self._buffer[self._position + 4 : self._position + length]
        self._position += length
        data = data.removesuffix(b"\n")
        if data.startswith(b"ERR "):
            raise self.refusal(data[4:])
        return data

    def peek(self, size: int) -> bytes:
        """The next bytes, fewer only at the end, without going on."""
        while len(self._buffer) - self._position < size and self._more():
            pass
        return self._buffer[self._position : self._position + size]

    def side_band(self, feed: Callable[[bytes], None]) -> None:
        """Until the flush: band 1 to `feed` in portions of what was read at once; band 2, messages for people, to nobody."""
        parts: list[bytes] = []
        while True:
            if parts and not self._has_packet():
                feed(parts[0] if len(parts) == 1 else b"".join(parts))
                parts = []
            length = self._length()
            if length < 4:
                self._position += 4
                break
            while len(self._buffer) - self._position < length:
                self._need_more()
            start, end = self._position + 4, self._position + length
            self._position = end
            band = self._buffer[start] if end > start else 0
            if band == 1:
                parts.append(self._buffer[start + 1 : end])
            elif band != 2:
                data = self._buffer[start:end]
                raise self.refusal(data.removeprefix(b"\3").removeprefix(b"ERR ") if data else b"")
        for part in parts:
            feed(part)

    def rest(self, feed: Callable[[bytes], None]) -> None:
        """Everything that follows, which is no packets."""
        while not self.at_end():
            feed(self._buffer[self._position :])
            self._position = len(self._buffer)

    def refusal(self, said: bytes) -> ServerError:
        """What the server says, as an error."""
        return ServerError(f"'{self.subject}' says: {self._clean(said[:_LONGEST_MESSAGE]) or 'nothing'}")

    def _clean(self, said: bytes) -> str:
        return redact(said.decode("utf-8", "replace").strip(" \r\n"), self._secrets)

    def _has_packet(self) -> bool:
        """Whether the whole next packet is in the buffer."""
        left = len(self._buffer) - self._position
        return left >= 4 and left >= self._length()

    def _length(self) -> int:
        while len(self._buffer) - self._position < 4:
            self._need_more()
        digits = self._buffer[self._position : self._position + 4]
        try:
            length = int(digits, 16)
        except ValueError:
            length = -1
        # int() takes signs, blanks and underscores too.
        if not digits.isalnum() or not (0 <= length <= 2 or 4 <= length <= _LONGEST):
            raise NotGit(f"the answer of '{self.subject}' is not of git's protocol")
        return length

    def _need_more(self) -> None:
        if not self._more():
            raise Unreachable(f"the answer of '{self.subject}' ended in the middle")

    def _more(self) -> bool:
        data = self._read(_READ)
        self._buffer = self._buffer[self._position :] + data
        self._position = 0
        return bool(data)
