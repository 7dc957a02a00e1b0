"""The body of an answer: decoded in bounded steps, counted, and never shorter than it should be without an error."""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING

from urllib3.exceptions import HTTPError

from git_helper.errors import Unreachable
from git_helper.net.message import BLOCK
from git_helper.secret import visible

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

    from git_helper.net.failures import Wait

_GZIP = 16 + zlib.MAX_WBITS
_MOST_STEPS = 16
_MOST_BARREN = 1 << 20
"""Packed bytes without a single one in them: empty blocks and members, or zeros behind them, which need have no end."""
KEPT = 1 << 16
"""Bytes of a refusal's text that are read so that the connection can be used again."""


class StreamBody:
    """Reads from the connection. Decodes gzip by itself: how much one step may unpack differs between urllib3 versions."""

    def __init__(self, raw: BaseHTTPResponse, wait: Wait, limit: int | None = None, *, decode: bool = True) -> None:
        """`limit`: bytes, decoded. Raises Unreachable for an encoding that was not asked for.

        Without `decode` the bytes are taken as they come: some servers call a `.tar.gz` an encoded `.tar`.
        """
        self._raw = raw
        self._wait = wait
        self._limit = limit
        self._received = 0
        self._given = 0
        self._ended = False
        encoding = raw.headers.get("Content-Encoding", "identity").strip(" \t").lower() if decode else ""
        self._gzip = _Gzip() if encoding in ("gzip", "x-gzip") else None
        if self._gzip is None and encoding not in ("identity", ""):
            self.close()
            raise Unreachable(
                f"cannot read the answer of '{wait.shown}': its encoding '{visible(encoding[:40])}' is unknown"
            )

    def read1(self, size: int) -> bytes:
        """See `Body`. Raises Unreachable for a stall, a cut, damaged gzip and a body beyond the limit."""
        if self._ended or size <= 0:
            return b""
        try:
            data = self._decoded(size) if self._gzip is not None else self._block(size)
        except Unreachable:
            self.close()
            raise
        self._given += len(data)
        if self._limit is not None and self._given > self._limit:
            self.close()
            raise Unreachable(f"the answer of '{self._wait.shown}' is longer than {self._limit} bytes")
        if not data:
            self._ended = True
            self._raw.release_conn()
        return data

    def close(self) -> None:
        """Gives the connection back; closes it when the body was not read to its end."""
        if not self._ended:
            self._ended = True
            self._raw.close()
            self._raw.release_conn()

    def drain(self) -> bytes:
        """What there is of a short text, read in a few steps, so that the connection can go on; then closes."""
        parts: list[bytes] = []
        left = KEPT
        try:
            for _ in range(_MOST_STEPS):
                part = self.read1(left) if left else b""
                left -= len(part)
                parts.append(part)
                if not part:
                    break
        except Unreachable:
            pass  # the status has said what matters
        finally:
            self.close()
        return b"".join(parts)

    def _block(self, size: int) -> bytes:
        try:
            data: bytes = self._raw.read1(size, decode_content=False) or b""
        except (HTTPError, OSError) as error:
            raise self._wait.broken(error, self._received) from error
        self._received += len(data)
        return data

    def _decoded(self, size: int) -> bytes:
        gzip, barren = self._gzip, 0
        while gzip is not None:
            try:
                data = gzip.take(size)
                if data:
                    return data
                block = self._block(BLOCK)
                barren += len(block)
                if barren > _MOST_BARREN:
                    raise Unreachable(f"cannot read the answer of '{self._wait.shown}': its gzip holds nothing")
                if not block:
                    if gzip.is_within():
                        raise self._wait.broken(EOFError(), self._received)
                    return b""
                gzip.feed(block)
            except zlib.error as error:
                raise Unreachable(f"cannot read the answer of '{self._wait.shown}': its gzip is damaged") from error
        return b""


class BufferBody(io.BytesIO):
    """A short body that has been read already."""

    def read1(self, size: int | None = -1, /) -> bytes:
        """At most `size` bytes, empty at the end."""
        return b"" if self.closed else super().read1(-1 if size is None else size)


class _Gzip:
    """RFC 1952, members one after another; unpacks no more than is taken, so that a bomb costs nothing."""

    def __init__(self) -> None:
        self._waiting = b""
        self._member = zlib.decompressobj(_GZIP)
        self._within = False

    def feed(self, block: bytes) -> None:
        """More packed bytes; only when `take` gives none."""
        self._waiting += block

    def take(self, size: int) -> bytes:
        """Up to `size` unpacked bytes; none when more packed ones are needed. Raises zlib.error."""
        while self._waiting:
            self._within = True
            data = self._member.decompress(self._waiting, size)
            self._waiting = self._member.unconsumed_tail
            if self._member.eof:
                # Another member may follow, or zeros that only fill up.
                self._waiting = self._member.unused_data.lstrip(b"\0")
                self._member = zlib.decompressobj(_GZIP)
                self._within = False
            if data:
                return data
        # With all input taken in, output may still wait inside.
        return self._member.decompress(b"", size) if self._within else b""

    def is_within(self) -> bool:
        """Whether a member has begun that has not ended."""
        return self._within
