"""HTTP/1.1 as bytes on a socket (RFC 9112): just enough to be a strict and observable server."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

BLOCK = 65536
_LINE_LIMIT = 131072

HeaderLines = Sequence[tuple[str, str]]


class MalformedRequestError(Exception):
    """Bytes that are no HTTP/1.x request; the connection is answered 400 and closed."""


class Dropped(Exception):
    """Raised by the body of an answer to cut the connection there; `reset` sends RST instead of FIN."""

    def __init__(self, *, reset: bool = False) -> None:
        super().__init__()
        self.reset = reset


class Body:
    """The body of a request, read once from the connection: by Content-Length, chunked, or none at all."""

    def __init__(self, stream: BinaryIO, headers: Mapping[str, str], proceed: Callable[[], None]) -> None:
        self._stream = stream
        self._proceed = proceed if headers.get("expect", "").lower() == "100-continue" else None
        self._chunked = headers.get("transfer-encoding", "").lower() == "chunked"
        self._left = 0 if self._chunked else _content_length(headers)
        self._ended = not self._chunked and self._left == 0
        self.received = 0

    @property
    def ended(self) -> bool:
        """True when every byte of the body has been read."""
        return self._ended

    @property
    def awaited(self) -> bool:
        """True while the client waits for `100 Continue` before it sends the body (RFC 9110, 10.1.1)."""
        return self._proceed is not None and not self._ended

    def __iter__(self) -> Iterator[bytes]:
        while block := self.read():
            yield block

    def read(self, size: int = BLOCK) -> bytes:
        """At most `size` bytes; empty at the end. ConnectionError when the client left in the middle."""
        if self._ended:
            return b""
        if self._proceed is not None:
            self._proceed()
            self._proceed = None
        if self._chunked and self._left == 0 and not self._next_chunk():
            return b""
        block = self._stream.read(min(size, self._left))
        if not block:
            raise ConnectionError("the request ended in the middle")
        self._left -= len(block)
        self.received += len(block)
        if self._chunked:
            if self._left == 0:
                self._stream.readline(_LINE_LIMIT)
        else:
            self._ended = self._left == 0
        return block

    def _next_chunk(self) -> bool:
        line = self._stream.readline(_LINE_LIMIT)
        try:
            self._left = int(line.partition(b";")[0], 16)
        except ValueError:
            raise ConnectionError("the request ended in the middle of its chunks") from None
        if self._left:
            return True
        while self._stream.readline(_LINE_LIMIT).strip():
            pass  # trailer fields
        self._ended = True
        return False


@dataclass(eq=False)
class Request:
    """One request as it came, and what became of it. `status` is None until the answer starts."""

    method: str
    target: str
    version: str
    header_lines: tuple[tuple[str, str], ...]
    body: Body
    connection: int = 0
    client: str = ""
    content: bytes = b""
    """The whole body, where the server keeps it (RecordingServer does, GitHttpServer does not)."""
    user: str | None = None
    """The user that a realm let in."""
    status: int | None = None
    sent: int = 0
    """Bytes of the answer's body, without chunk framing."""
    arrived: float = field(default_factory=time.monotonic)

    @property
    def headers(self) -> dict[str, str]:
        """Names in lower case; lines of one name joined with a comma (RFC 9110, 5.3)."""
        return join_headers(self.header_lines)

    @property
    def path(self) -> str:
        """Percent-decoded, without the query; of an absolute target (as proxies get) only its path."""
        return unquote(urlsplit(self.target).path) or "/"

    @property
    def query(self) -> str:
        return urlsplit(self.target).query

    @property
    def received(self) -> int:
        """Bytes of the request's body, without chunk framing, as they were sent (maybe compressed)."""
        return self.body.received

    @property
    def closes(self) -> bool:
        """True when the client wants the connection closed after the answer (RFC 9112, 9.3)."""
        return self.version != "HTTP/1.1" or self.headers.get("connection", "").lower() == "close"

    @property
    def authorization(self) -> str | None:
        """The Authorization header as sent."""
        return self.headers.get("authorization")

    @property
    def user_password(self) -> str | None:
        """`user:password` of a Basic Authorization header (RFC 7617), read as UTF-8; None for anything else."""
        scheme, _, value = (self.authorization or "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            return base64.b64decode(value.strip(), validate=True).decode("utf-8", "replace")
        except binascii.Error:
            return None

    @property
    def bearer(self) -> str | None:
        """The token of a Bearer Authorization header (RFC 6750); None for anything else."""
        scheme, _, value = (self.authorization or "").partition(" ")
        return value.strip() if scheme.lower() == "bearer" else None

    @property
    def exchange(self) -> tuple[str | None, int | None]:
        """(what was sent as credential, what was answered): compares well against a list of expectations."""
        return self.user_password if self.user_password is not None else self.authorization, self.status

    def __str__(self) -> str:
        return f"{self.method} {self.target} -> {self.status}"


@dataclass
class Response:
    """What to answer. Bytes are sent with Content-Length, an iterable in chunks unless it has that header."""

    status: int = 200
    headers: Mapping[str, str] | HeaderLines = ()
    body: bytes | str | Iterable[bytes] = b""

    def header_lines(self) -> list[tuple[str, str]]:
        return list(self.headers.items() if isinstance(self.headers, Mapping) else self.headers)


def plain(status: int, text: str = "", headers: HeaderLines = ()) -> Response:
    """A short text/plain answer; git shows such a text to the person as `remote: …`."""
    text = text or HTTPStatus(status).phrase
    return Response(status, [("Content-Type", "text/plain; charset=utf-8"), *headers], f"{text}\n")


def join_headers(lines: HeaderLines) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in lines:
        name = name.lower()
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def read_request(stream: BinaryIO, proceed: Callable[[], None]) -> Request | None:
    """The next request of a connection, None when the client closed it. MalformedRequestError for anything else."""
    line = _line(stream)
    while line == b"\r\n":  # RFC 9112, 2.2: tolerate an empty line before the request
        line = _line(stream)
    if not line:
        return None
    words = line.decode("latin-1").split()
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise MalformedRequestError(repr(line))
    lines: list[tuple[str, str]] = []
    while (line := _line(stream)) not in (b"\r\n", b"\n"):
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or not name or name != name.strip():
            raise MalformedRequestError(repr(line))
        lines.append((name, value.strip()))
    return Request(words[0], words[1], words[2], tuple(lines), Body(stream, join_headers(lines), proceed))


def response_head(version: str, status: int, lines: HeaderLines) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    fields = "".join(f"{name}: {value}\r\n" for name, value in lines)
    return f"{version} {status} {phrase}\r\n{fields}\r\n".encode("latin-1")


def _line(stream: BinaryIO) -> bytes:
    line = stream.readline(_LINE_LIMIT)
    if line and not line.endswith(b"\n"):
        raise MalformedRequestError("a line without an end")
    return line


def _content_length(headers: Mapping[str, str]) -> int:
    value = headers.get("content-length", "0")
    if not value.isdecimal():
        raise MalformedRequestError(f"Content-Length: {value}")
    return int(value)
