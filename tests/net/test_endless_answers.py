"""Servers that never stop, though what they send is hardly anything: each of them ends in an error."""

from __future__ import annotations

import contextlib
import gzip
import socket
import ssl
from collections.abc import Iterator

import pytest

from git_helper.errors import Unreachable, UsageError
from git_helper.net.message import Request
from git_helper.net.proxy import Proxy
from git_helper.net.session import Session
from tests.servers.listener import Listener

_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
_PACKED = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"


@contextlib.contextmanager
def endless(head: bytes, piece: bytes) -> Iterator[int]:
    """The port of a server that answers `head`, then `piece` as often as anybody listens."""

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(20)
            connection.recv(65536)
            connection.sendall(head)
            while piece:
                connection.sendall(piece)

    listener = Listener(serve)
    try:
        yield listener.port
    finally:
        listener.close()


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
        (_CHUNKED + b"0\r\n", b"X-A: b\r\n" * 100),
        (_CHUNKED + b"0\r\n", b"x" * 65536),
        (_PACKED, gzip.compress(b"") * 100),
        (_PACKED + gzip.compress(b""), bytes(65536)),
    ],
    ids=["interim answers", "trailers", "one trailer", "empty gzip members", "zeros behind gzip"],
)
def test_what_has_no_end(head: bytes, piece: bytes) -> None:
    with (
        endless(head, piece) as port,
        Session(ssl.create_default_context(), 20.0) as session,
        pytest.raises(Unreachable),
    ):
        session.send(Request("GET", f"http://127.0.0.1:{port}/")).read()


def test_interim_answers_are_taken_as_long_as_they_are_few() -> None:
    head = b"HTTP/1.1 100 Continue\r\n\r\n" * 10 + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    with endless(head, b" ") as port, Session(ssl.create_default_context(), 20.0) as session:
        assert session.send(Request("GET", f"http://127.0.0.1:{port}/")).read() == b"ok"


@pytest.mark.parametrize("scheme", ["http", "socks5", "socks5h"])
def test_a_label_that_no_name_can_have_is_no_bug_behind_a_proxy(scheme: str) -> None:
    # Nobody listens there: it is refused before anybody is called.
    proxy = Proxy(scheme, "127.0.0.1", 9)
    session = Session(ssl.create_default_context(), 20.0, proxy_for=lambda _: proxy)
    with session, pytest.raises(UsageError, match="is no host name"):
        session.send(Request("GET", f"https://{'a' * 64}.good.example/"))
