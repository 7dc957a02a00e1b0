"""The base of our servers: a listening socket on loopback, a thread for each connection, a record of each request."""

from __future__ import annotations

import abc
import selectors
import socket
import ssl
import struct
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import BinaryIO, Self, cast
from urllib.parse import quote

from tests.servers.http_message import (
    BLOCK,
    Dropped,
    MalformedRequestError,
    Request,
    Response,
    join_headers,
    plain,
    read_request,
    response_head,
)

_JOIN_SECONDS = 10
_DRAIN_LIMIT = 1 << 20


class LoopbackServer(abc.ABC):
    """A context manager; inside it the server answers at `url`. Subclasses say what, by `answer(request)`.

    tls: serves https with this context. host: another loopback address (127.0.0.2, ::1) is another origin.
    """

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.host = host
        self.port = port
        self.tls = tls
        self.failures: list[str] = []
        """Tracebacks of our own mistakes; leaving the `with` raises when there is one."""
        self._records: list[Request] = []
        self._changed = threading.Condition()
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._count = 0
        self._released = threading.Event()
        self._closing = False

    @abc.abstractmethod
    def answer(self, request: Request) -> Response:
        """The answer to one request; runs in the connection's thread."""

    # ------------------------------------------------------------------ where it is

    @property
    def scheme(self) -> str:
        return "https" if self.tls else "http"

    @property
    def netloc(self) -> str:
        """host:port, as git and netrc-like files write it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """scheme://host:port, without a slash at the end."""
        return f"{self.scheme}://{self.netloc}"

    def url_for(self, path: str = "/", user: str | None = None, password: str | None = None) -> str:
        """The URL of `path`, with userinfo when given (percent-encoded)."""
        userinfo = "" if user is None and password is None else quote(user or "", safe="")
        if password is not None:
            userinfo += ":" + quote(password, safe="")
        return f"{self.scheme}://{userinfo}{'@' if userinfo else ''}{self.netloc}/{path.lstrip('/')}"

    # ------------------------------------------------------------------ what it saw

    @property
    def requests(self) -> list[Request]:
        """A copy of the record, in order of arrival."""
        with self._changed:
            return list(self._records)

    @property
    def exchanges(self) -> list[tuple[str | None, int | None]]:
        """(credential, status) of each request: [(None, 401), ("u:p", 200)]."""
        return [request.exchange for request in self.requests]

    @property
    def authorizations(self) -> list[str]:
        """Every Authorization header that reached this server."""
        return [request.authorization for request in self.requests if request.authorization is not None]

    def forget(self) -> None:
        """Empties the record."""
        with self._changed:
            self._records.clear()

    def wait_for(self, condition: Callable[[list[Request]], bool], timeout: float = 10) -> None:
        """Blocks until `condition` of the record holds; TimeoutError when it does not come to that."""
        with self._changed:
            if not self._changed.wait_for(lambda: condition(list(self._records)), timeout):
                raise TimeoutError(f"after {timeout} s the record was {[str(record) for record in self._records]}")

    def hold(self, seconds: float | None = None) -> None:
        """Stalls the calling answer for `seconds`, or until `release()`; the end of the server ends it too."""
        self._released.wait(seconds)

    def release(self) -> None:
        """Lets every answer go on that is held, now and later."""
        self._released.set()

    # ------------------------------------------------------------------ its life

    def __enter__(self) -> Self:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self._listener = socket.create_server((self.host, self.port), family=family, backlog=128)
        self.port = self._listener.getsockname()[1]
        self._bell, self._rung = socket.socketpair()
        self._acceptor = threading.Thread(target=self._accept, name=f"accept {self.netloc}", daemon=True)
        self._acceptor.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close()
        if self.failures and kind is None:
            raise RuntimeError("the server made a mistake:\n" + "\n".join(self.failures))

    def close(self) -> None:
        """Ends every connection and thread; what was recorded can still be read."""
        with self._changed:
            if self._closing:
                return
            self._closing = True
        self._released.set()
        self._bell.close()
        self._acceptor.join(_JOIN_SECONDS)
        with self._changed:
            connections = dict(self._connections)
            for connection in connections:
                # Not SSLSocket.shutdown: it would take the TLS state away from the thread that reads.
                with suppress(OSError):
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
        self.stop_children()
        for thread in connections.values():
            thread.join(_JOIN_SECONDS)
            if thread.is_alive():
                self.failures.append(f"'{thread.name}' did not end")
        self._rung.close()
        self._listener.close()

    def stop_children(self) -> None:  # noqa: B027 (most servers have none)
        """Ends the processes that answers wait for, where a subclass has some."""

    def _accept(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._rung, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                if self._rung in ready:
                    return
                with suppress(OSError):
                    self._start_connection(*self._listener.accept())

    def _start_connection(self, connection: socket.socket, address: tuple[str, int]) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.tls:
            try:
                connection = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
            except OSError:  # the client is gone already
                connection.close()
                return
        with self._changed:
            self._count += 1
            work = (connection, self._count, address[0])
            thread = threading.Thread(target=self._serve, args=work, name=f"client of {self.netloc}", daemon=True)
            self._connections[connection] = thread
            thread.start()

    def _serve(self, connection: socket.socket, number: int, client: str) -> None:
        try:
            # A client that leaves, or refuses our certificate, is an OSError here and no concern of ours.
            with suppress(OSError), connection.makefile("rb", BLOCK) as stream:
                if isinstance(connection, ssl.SSLSocket):
                    connection.do_handshake()
                while self._serve_one(connection, cast(BinaryIO, stream), number, client):
                    pass
        except Dropped as dropped:
            if dropped.reset:
                with suppress(OSError):
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except Exception:
            self.failures.append(traceback.format_exc())
        finally:
            with self._changed:
                self._connections.pop(connection, None)
            connection.close()

    def _serve_one(self, connection: socket.socket, stream: BinaryIO, number: int, client: str) -> bool:
        """Answers one request; False when the connection is to be closed."""
        try:
            request = read_request(stream, lambda: connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n"))
        except MalformedRequestError as error:
            body = f"{error}\n".encode()
            head = [("Content-Length", str(len(body))), ("Connection", "close")]
            connection.sendall(response_head("HTTP/1.1", 400, head) + body)
            return False
        if request is None:
            return False
        request.connection, request.client = number, client
        with self._changed:
            self._records.append(request)
            self._changed.notify_all()
        try:
            response = self.answer(request)
        except OSError:
            raise
        except Exception:
            self.failures.append(traceback.format_exc())
            response = plain(500, "the server made a mistake")
        keep = _drain(request) and not request.closes
        self._send(connection, request, response, keep)
        return keep

    def _send(self, connection: socket.socket, request: Request, response: Response, keep: bool) -> None:
        body: Iterable[bytes]
        lines = response.header_lines()
        names = join_headers(lines)
        if isinstance(response.body, bytes | str):
            content = response.body.encode() if isinstance(response.body, str) else response.body
            body = [content] if content else []
            if "content-length" not in names and response.status not in (204, 304):
                lines.append(("Content-Length", str(len(content))))
            chunked = False
        else:
            body = response.body
            chunked = "content-length" not in names and request.version == "HTTP/1.1"
            if chunked:
                lines.append(("Transfer-Encoding", "chunked"))
        if not keep:
            lines.append(("Connection", "close"))
        with self._changed:
            request.status = response.status
            self._changed.notify_all()
        head = response_head("HTTP/1.1", response.status, lines)
        try:
            blocks = self._counted(request, () if request.method == "HEAD" else body)
            _send_body(connection, head, blocks, chunked, end=chunked and request.method != "HEAD")
        finally:
            if close := getattr(body, "close", None):
                close()  # a generator ends its process, also when the client has left

    def _counted(self, request: Request, body: Iterable[bytes]) -> Iterator[bytes]:
        """Counts before sending, so that the record is never behind what a client has."""
        for block in filter(None, body):
            with self._changed:
                request.sent += len(block)
                self._changed.notify_all()
            yield block


def _send_body(connection: socket.socket, head: bytes, blocks: Iterable[bytes], chunked: bool, end: bool) -> None:
    """Head and first block go out together: one packet for a short answer. end: send the last, empty chunk."""
    try:
        for block in blocks:
            connection.sendall(head + (b"%x\r\n%b\r\n" % (len(block), block) if chunked else block))
            head = b""
    except Dropped:
        if head:
            connection.sendall(head)
        raise
    last = b"0\r\n\r\n" if end else b""
    if head or last:
        connection.sendall(head + last)


def _drain(request: Request) -> bool:
    """Reads the rest of an unwanted body, so that the connection can go on; False when that is not worth it."""
    if request.body.awaited:
        return False
    rest = 0
    while not request.body.ended and rest <= _DRAIN_LIMIT:
        rest += len(request.body.read())
    return request.body.ended
