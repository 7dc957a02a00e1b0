"""Connections that are under way while what will speak over them is still being loaded."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from typing import TYPE_CHECKING

import pytest

from git_helper.errors import Unreachable, UsageError
from git_helper.net.calls import CallingSession, Calls
from git_helper.net.message import Request
from git_helper.net.proxy import Proxy
from git_helper.net.session import Session
from git_helper.net.target import Target
from tests.servers.recording import RecordingServer

if TYPE_CHECKING:
    pass


@pytest.fixture
def calls() -> Iterator[Calls]:
    with closing(Calls(5.0)) as made:
        yield made


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5.0)
        yield server


def port_of(server: socket.socket) -> int:
    port: int = server.getsockname()[1]
    return port


def test_a_call_is_answered_once(calls: Calls, listener: socket.socket) -> None:
    for _ in range(2):
        calls.begin("127.0.0.1", port_of(listener))
    connection = calls.take("127.0.0.1", port_of(listener))
    assert connection is not None
    with connection, listener.accept()[0] as accepted:
        connection.sendall(b"hello")
        assert accepted.recv(5) == b"hello"
    calls.begin("127.0.0.1", port_of(listener))
    assert calls.take("127.0.0.1", port_of(listener)) is None, "everything is loaded by now"


def test_nobody_was_called(calls: Calls, listener: socket.socket) -> None:
    assert calls.take("127.0.0.1", port_of(listener)) is None
    calls.begin("127.0.0.1", port_of(listener))
    assert calls.take("127.0.0.1", port_of(listener)) is None, "whoever asked first is connecting already"


@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-host.invalid", "a" * 70 + ".example", ""])
def test_who_cannot_be_reached_is_found_out_the_usual_way(calls: Calls, host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = port_of(server)
    calls.begin(host, port)
    assert calls.take(host, port) is None


def test_who_does_not_answer_is_not_called_again() -> None:
    with ExitStack() as stack:
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(8):  # until its queue is full
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0.05)
            with suppress(OSError):
                waiting.connect(full.getsockname())
        calls = stack.enter_context(closing(Calls(0.1)))
        calls.begin("127.0.0.1", port_of(full))
        with pytest.raises(TimeoutError):
            calls.take("127.0.0.1", port_of(full))


def test_what_nobody_took_is_closed(listener: socket.socket) -> None:
    calls = Calls(5.0)
    calls.begin("127.0.0.1", port_of(listener))
    with listener.accept()[0] as accepted:
        calls.close()
        accepted.settimeout(5.0)
        assert accepted.recv(1) == b""


class Opened:
    """What opens sessions, and the calls that they find."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.sessions = 0
        self.told: list[bool] = []
        self.before_opening: Callable[[], object] = lambda: None
        self._context = context

    def __call__(self, calls: Calls, tls: bool) -> Session:
        self.sessions += 1
        self.told.append(tls)
        self.before_opening()
        return Session(self._context, calls=calls)


@pytest.fixture
def opened() -> Opened:
    return Opened(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


def direct(_: Target) -> None:
    return None


def test_a_server_is_called_before_the_session_is_opened(opened: Opened, listener: socket.socket) -> None:
    accepted: list[socket.socket] = []

    def answer() -> None:
        connection = listener.accept()[0]  # nobody else could have called so far
        accepted.append(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhere")

    opened.before_opening = answer
    with closing(CallingSession(opened, direct, Calls(5.0))) as session:
        response = session.send(Request("GET", f"http://127.0.0.1:{port_of(listener)}/x"))
        assert response.read() == b"here"
    with accepted[0] as connection:
        assert connection.recv(1 << 16).startswith(b"GET /x HTTP/1.1\r\n")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_whoever_opens_the_session_hears_whether_there_will_be_tls(opened: Opened, scheme: str) -> None:
    with closing(CallingSession(opened, None, Calls(5.0))) as session, pytest.raises(Unreachable):
        session.send(Request("GET", f"{scheme}://127.0.0.1:9/x"))
    assert opened.told == [scheme == "https"]


def test_one_connection_and_one_session_are_enough(opened: Opened) -> None:
    with RecordingServer() as server, closing(CallingSession(opened, direct, Calls(5.0))) as session:
        for _ in range(3):
            assert session.send(Request("GET", f"{server.url}/x")).read() == b""
        assert ([one.connection for one in server.requests], opened.sessions) == ([1, 1, 1], 1)


def proxied(_: Target) -> Proxy:
    return Proxy("http", "127.0.0.1", 1)


def broken(_: Target) -> Proxy:
    raise UsageError("no proxy")


@pytest.mark.parametrize("proxy_for", [None, proxied, broken])
def test_who_must_not_be_called_is_not(
    opened: Opened, listener: socket.socket, proxy_for: Callable[[Target], Proxy | None] | None
) -> None:
    calls = Calls(5.0)
    url = f"http://127.0.0.1:{port_of(listener)}/"

    def look() -> None:
        listener.settimeout(0.2)
        with pytest.raises(TimeoutError):
            listener.accept()
        raise UsageError("seen")

    opened.before_opening = look
    with closing(CallingSession(opened, proxy_for, calls)) as session, pytest.raises(UsageError, match="seen"):
        session.send(Request("GET", url))


def test_what_is_no_url_is_said_by_the_session(opened: Opened) -> None:
    with closing(CallingSession(opened, direct, Calls(5.0))) as session, pytest.raises(UsageError, match="ftp"):
        session.send(Request("GET", "ftp://good.example/"))
