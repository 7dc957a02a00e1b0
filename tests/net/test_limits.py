"""Servers that stall, break off, flood or lie: an error in our words, soon, and little memory."""

from __future__ import annotations

import gc
import gzip
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from git_helper.errors import NoCredential, Unreachable, UsageError
from git_helper.net.message import BLOCK
from git_helper.net.session import Request
from tests.net.asked import Sources, basic, guarded, session
from tests.servers.git_http import Fault, GitHttpServer
from tests.servers.http_message import Dropped, Response
from tests.servers.recording import RecordingServer
from tests.servers.repositories import make_repository
from tests.servers.rules import Realm

LIMIT = 0.4


@contextmanager
def raw_server(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """The URL of a server that does with each connection what `answer` says, which need not be HTTP."""
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            with suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(BLOCK)
                    answer(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            stop.set()
            with suppress(OSError), socket.create_connection(listener.getsockname()) as last:
                last.sendall(b"x")
            thread.join(10)
            assert not thread.is_alive()


def failure(url: str, timeout: float = LIMIT, **more: object) -> Unreachable:
    with session(timeout=timeout) as one, pytest.raises(Unreachable) as caught:
        one.send(Request("GET", url, **more)).read()  # type: ignore[arg-type]
    return caught.value


def test_a_server_that_says_nothing() -> None:
    waiting = threading.Event()

    def say_nothing(connection: socket.socket) -> None:
        waiting.wait(5)

    start = time.monotonic()
    with raw_server(say_nothing) as url:
        error = failure(url)
        assert error.message == f"cannot reach '{url}/': no answer within {LIMIT:g} seconds"
        assert error.hint == "allow more time: --timeout SECONDS"
        assert LIMIT <= time.monotonic() - start < 4
        waiting.set()


def test_a_server_that_stalls_within_its_answer() -> None:
    with RecordingServer() as server:

        def body() -> Iterator[bytes]:
            yield b"x" * 10
            server.hold()

        server.script = lambda request: (200, {}, body())
        error = failure(server.url)
        assert error.message == (
            f"the answer of '{server.url}/' stopped after 10 bytes: nothing came for {LIMIT:g} seconds"
        )


def test_a_real_git_server_that_stalls_and_one_that_breaks_off(tmp_path: Path) -> None:
    make_repository(tmp_path / "x.git")
    with GitHttpServer(tmp_path, faults=[Fault(stall_after=7)]) as server:
        url = server.url + "/x.git/info/refs?service=git-upload-pack"
        assert "stopped after 7 bytes" in failure(url).message
        server.faults = [Fault(drop_after=7, reset=True)]
        assert "was cut off" in failure(url).message


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert failure(f"http://127.0.0.1:{port}/x").message == (
        f"cannot reach 'http://127.0.0.1:{port}/x': connection refused"
    )


def test_no_such_host() -> None:
    assert failure("http://nowhere.invalid/").message == "cannot reach 'http://nowhere.invalid/': its host is not known"


def test_a_host_that_is_no_host_name() -> None:
    with session() as one, pytest.raises(UsageError):
        one.send(Request("GET", f"http://{'a' * 300}/"))


@pytest.mark.parametrize("url", ["ftp://good.example/", "file:///etc/passwd", "good.example", "http://a b/", ""])
def test_a_url_that_is_none_of_ours(url: str) -> None:
    with session() as one, pytest.raises(UsageError):
        one.send(Request("GET", url))


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"", "closed the connection without an answer"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "its answer is no HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 70_000 + b"\r\n\r\n", "the headers of its answer are too long"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", "the headers of its answer are too long"),
    ],
)
def test_an_answer_that_is_none(answer: bytes, says: str) -> None:
    with raw_server(lambda connection: connection.sendall(answer)) as url:
        assert says in failure(url).message


@pytest.mark.parametrize(
    "answer",
    [
        b"Content-Length: 100\r\n\r\nshort",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n64\r\nshort",
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\nshort",
        b"Content-Encoding: gzip\r\nContent-Length: 15\r\n\r\n" + gzip.compress(b"x" * 1000, mtime=0)[:15],
    ],
)
def test_an_answer_that_is_cut_off(answer: bytes) -> None:
    with raw_server(lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\n" + answer)) as url:
        assert "was cut off after " in failure(url).message


def test_damaged_gzip_and_an_unknown_encoding() -> None:
    with RecordingServer(lambda request: (200, {"Content-Encoding": "gzip"}, b"no gzip")) as server:
        assert "its gzip is damaged" in failure(server.url).message
        server.script = lambda request: (200, {"Content-Encoding": "b\x7fr"}, b"")
        assert "its encoding 'b%7Fr' is unknown" in failure(server.url).message


@pytest.mark.parametrize("size", [1, 7, 1000, -1])
def test_gzip_is_unpacked(size: int) -> None:
    text = bytes(range(256)) * 20
    packed = gzip.compress(text[:3000]) + gzip.compress(text[3000:]) + b"\0" * 10
    with RecordingServer(lambda request: (200, {"Content-Encoding": "gzip"}, packed)) as server, session() as one:
        with one.send(Request("GET", server.url)) as response:
            assert response.read(size) == (text if size < 0 else text[:size])
            assert response.read() == (b"" if size < 0 else text[size:])
            assert response.read(5) == b""
        assert server.requests[0].headers["accept-encoding"] == "gzip"
        one.send(Request("GET", server.url, {"accept-encoding": "identity"})).close()
        assert server.requests[1].headers["accept-encoding"] == "identity"


def bomb(megabytes: int) -> bytes:
    """Gzip that unpacks to so many MB of zeros."""
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(megabytes)) + packer.flush()


def test_a_gzip_bomb_costs_no_memory_and_ends_at_the_limit() -> None:
    packed = bomb(200)
    with RecordingServer(lambda request: (200, {"Content-Encoding": "gzip"}, packed)) as server, session() as one:
        tracemalloc.start()
        try:
            with pytest.raises(Unreachable, match="is longer than 1000000 bytes"):
                one.send(Request("GET", server.url, limit=1_000_000)).read()
            with one.send(Request("GET", server.url)) as response:
                count = 0
                while part := response.read1():
                    count += len(part)
            assert count == 200 << 20
            assert tracemalloc.get_traced_memory()[1] < 8 << 20
        finally:
            tracemalloc.stop()


def test_an_endless_answer_ends_at_the_limit() -> None:
    def body() -> Iterator[bytes]:
        while True:
            yield bytes(BLOCK)

    with RecordingServer(lambda request: (200, {}, body())) as server:
        assert "is longer than 300000 bytes" in failure(server.url, timeout=10, limit=300_000).message


def test_a_huge_text_with_a_refusal_does_not_hold_us_up() -> None:
    realm = Realm("/", [("alice", "secret")])

    def body() -> Iterator[bytes]:
        while True:
            yield bytes(BLOCK)

    with RecordingServer() as server, session(Sources(basic("alice", "secret"))) as one:
        inside = guarded(realm)
        server.script = lambda request: (
            inside(request) if realm.admit(request) else (401, {"WWW-Authenticate": "Basic"}, body())
        )
        assert one.send(Request("GET", server.url)).status == 200


def test_a_refusal_that_comes_in_drops_does_not_hold_us_up() -> None:
    def body() -> Iterator[bytes]:
        while True:
            yield b"x"
            time.sleep(0.01)  # the drops

    with RecordingServer(lambda request: (401, {}, body())) as server, session() as one:
        with pytest.raises(NoCredential):
            one.send(Request("GET", server.url))
        assert server.requests[0].sent < 1000


def test_read_gives_exactly_what_is_asked_for_and_read1_what_there_is() -> None:
    with RecordingServer() as server:

        def body() -> Iterator[bytes]:
            yield b"abc"
            server.hold()
            yield b"defg"

        server.script = lambda request: (200, {}, body())
        with session() as one, one.send(Request("GET", server.url)) as response:
            assert response.read1() == b"abc"
            server.release()
            assert response.read(3) == b"def"
            assert response.read(3) == b"g"


def test_connections_are_used_again_and_nothing_is_left(recwarn: pytest.WarningsRecorder) -> None:
    def body() -> Iterable[bytes]:
        yield b"x" * 100_000

    with RecordingServer(lambda request: (200, {}, body())) as server:
        with session() as one:
            for _ in range(3):
                with one.send(Request("GET", server.url)) as response:
                    response.read()
            with one.send(Request("GET", server.url)) as response:
                response.read(10)
            one.send(Request("GET", server.url)).close()
            assert [request.connection for request in server.requests[:4]] == [1, 1, 1, 1]
        gc.collect()
    assert not [str(warning.message) for warning in recwarn]


def test_headers_of_one_name_are_told_apart() -> None:
    lines = [("WWW-Authenticate", "A"), ("www-authenticate", "B"), ("X", "y")]
    with RecordingServer(lambda request: Response(200, lines)) as server, session() as one:
        headers = one.send(Request("GET", server.url)).headers
    assert headers.getall("WWW-Authenticate") == ["A", "B"]
    assert headers["WWW-AUTHENTICATE"] == "A, B"
    assert headers.get("absent") is None
    assert headers.getall("absent") == []
    assert "x" in list(headers)


def test_a_connection_that_is_cut_in_the_middle() -> None:
    def body() -> Iterator[bytes]:
        yield b"x" * 5
        raise Dropped(reset=True)

    with RecordingServer(lambda request: (200, {"Content-Length": "9"}, body())) as server:
        assert failure(server.url).message == f"the answer of '{server.url}/' was cut off after 5 bytes"
