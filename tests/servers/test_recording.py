"""The server with scripted answers, and the HTTP that all our servers speak."""

from __future__ import annotations

import base64
import http.client
import socket
import time
import urllib.request
from collections.abc import Iterator

import pytest

from tests.servers.http_message import Dropped, Request, Response
from tests.servers.recording import Answer, RecordingServer


def exchange(server: RecordingServer, *blocks: bytes) -> bytes:
    """Everything the server says to these bytes until it closes the connection."""
    with socket.create_connection((server.host, server.port), timeout=10) as client:
        for block in blocks:
            client.sendall(block)
        client.shutdown(socket.SHUT_WR)
        answer = b""
        while block := client.recv(65536):
            answer += block
    return answer


def test_a_script_sees_the_request_and_gives_the_answer() -> None:
    def script(request: Request) -> Answer:
        return 201, {"X-Path": request.path, "Content-Type": "text/plain"}, request.content[::-1]

    with RecordingServer(script) as server:
        request = urllib.request.Request(server.url_for("a%20b?q=1"), b"body", {"X-Y": "z"})  # noqa: S310
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            assert (answer.status, answer.headers["X-Path"], answer.read()) == (201, "/a b", b"ydob")
        record = server.requests[0]
        assert (record.method, record.path, record.query, record.content) == ("POST", "/a b", "q=1", b"body")
        assert (record.status, record.received, record.sent, record.headers["x-y"]) == (201, 4, 4, "z")
        server.forget()
        assert server.requests == []


def test_authorization_is_decoded() -> None:
    with RecordingServer() as server:
        for value in ("Basic " + base64.b64encode(b"ann:p:w").decode(), "Bearer t", "basic ???", "Other x"):
            exchange(server, f"GET / HTTP/1.0\r\nAuthorization: {value}\r\n\r\n".encode())
        exchange(server, b"GET / HTTP/1.0\r\n\r\n")
        assert [request.user_password for request in server.requests] == ["ann:p:w", None, None, None, None]
        assert [request.bearer for request in server.requests] == [None, "t", None, None, None]
        assert [given for given, _ in server.exchanges] == ["ann:p:w", "Bearer t", "basic ???", "Other x", None]
        assert len(server.authorizations) == 4


def test_connections_are_kept_until_the_client_wants_otherwise() -> None:
    with RecordingServer(lambda request: (200, {}, request.target)) as server:
        answer = exchange(
            server,
            b"GET /1 HTTP/1.1\r\n\r\n",
            b"PUT /2 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nab\r\n0\r\nT: v\r\n\r\n",
            b"HEAD /3 HTTP/1.1\r\n\r\nGET /4 HTTP/1.1\r\nConnection: close\r\n\r\nGET /5 HTTP/1.1\r\n\r\n",
        )
        assert answer.count(b"HTTP/1.1 200 OK") == 4
        assert answer.endswith(b"Content-Length: 2\r\nConnection: close\r\n\r\n/4")
        assert [request.content for request in server.requests] == [b"", b"ab", b"", b""]


def test_an_iterator_is_sent_in_chunks_and_can_cut_the_connection() -> None:
    def body(cut: bool) -> Iterator[bytes]:
        yield b"first"
        if cut:
            raise Dropped
        yield b"second"

    with RecordingServer(lambda request: Response(body=body(request.path == "/cut"))) as server:
        connection = http.client.HTTPConnection(server.host, server.port, timeout=10)
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"firstsecond"
        connection.request("GET", "/cut")
        with pytest.raises(http.client.IncompleteRead) as caught:
            connection.getresponse().read()
        connection.close()
        assert caught.value.partial == b"first"


def test_expectations_are_met_before_the_body_is_sent() -> None:
    with RecordingServer() as server, socket.create_connection((server.host, server.port), timeout=10) as client:
        client.sendall(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"ok")
        assert client.recv(1000).startswith(b"HTTP/1.1 200 OK")
        assert server.requests[0].content == b"ok"


@pytest.mark.parametrize("line", [b"GET /\r\n\r\n", b"GET / HTTP/2.0\r\n\r\n", b"GET / HTTP/1.1\r\nA : b\r\n\r\n"])
def test_malformed_requests_are_refused(line: bytes) -> None:
    with RecordingServer() as server:
        assert exchange(server, line).startswith(b"HTTP/1.1 400 ")
        assert server.requests == []


def test_a_mistake_in_a_script_is_not_lost() -> None:
    server = RecordingServer(lambda request: (200, {}, str(1 // len(request.content))))
    with pytest.raises(RuntimeError, match="ZeroDivisionError"), server:
        assert b" 500 " in exchange(server, b"GET / HTTP/1.1\r\n\r\n")


def test_other_loopback_addresses_are_other_origins() -> None:
    with RecordingServer(host="127.0.0.2") as other:
        assert other.url == f"http://127.0.0.2:{other.port}"
        assert other.url_for("/x", "a@b", "c/d") == f"http://a%40b:c%2Fd@127.0.0.2:{other.port}/x"
        assert other.url_for("/x", "token") == f"http://token@127.0.0.2:{other.port}/x"
        with urllib.request.urlopen(other.url, timeout=10) as answer:  # noqa: S310
            assert answer.status == 200


def test_a_server_is_there_at_once() -> None:
    durations = []
    for _ in range(10):
        start = time.monotonic()
        with RecordingServer() as server:
            assert exchange(server, b"GET / HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 200")
        durations.append(time.monotonic() - start)
    assert min(durations) < 0.05  # the best of ten: a busy machine says nothing about us


def test_waiting_for_what_does_not_come_ends() -> None:
    with RecordingServer() as server, pytest.raises(TimeoutError, match="the record was"):
        server.wait_for(bool, timeout=0.05)
