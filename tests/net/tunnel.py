"""Proxies on loopback that keep what they were asked and told: one that speaks HTTP, one that speaks SOCKS 4, 4a and 5."""

from __future__ import annotations

import base64
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from ipaddress import ip_address
from typing import Self

_BLOCK = 1 << 16
_SECONDS = 10


class _Relay:
    """A context manager; `serve` is called with each connection, in a thread of its own."""

    scheme = "http"

    def __init__(self) -> None:
        self.port = 0
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join(_SECONDS)
        self._listener.close()
        for one in self._sockets:
            with suppress(OSError):
                socket.socket.shutdown(one, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(_SECONDS)
            assert not thread.is_alive()
        for one in self._sockets:
            one.close()

    def serve(self, client: socket.socket) -> None:
        raise NotImplementedError

    def _start(self, work: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=work, args=args)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._sockets.append(client)
                self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError):
            self.serve(client)

    def _connect(self, host: str, port: int) -> socket.socket:
        server = socket.create_connection((host, port), _SECONDS)
        self._sockets.append(server)
        return server

    def _join(self, client: socket.socket, server: socket.socket) -> None:
        self._start(self._pump, server, client)
        self._pump(client, server)

    @staticmethod
    def _pump(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while block := source.recv(_BLOCK):
                target.sendall(block)
            socket.socket.shutdown(target, socket.SHUT_WR)


class TunnelProxy(_Relay):
    """Tunnels by CONNECT and answers plain requests itself: `with TunnelProxy("u:p") as proxy: … proxy.url`.

    `refusal`: a status line instead of a tunnel. `challenges`: the Proxy-Authenticate fields of a 407. `tls`: for an
    https proxy. `lines`: method and target of each request; `heads`: all of it.
    """

    def __init__(
        self,
        user_password: str | None = None,
        refusal: bytes | None = None,
        challenges: Sequence[str] = ('Basic realm="tunnel"',),
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__()
        self.scheme = "http" if tls is None else "https"
        self.lines: list[str] = []
        self.heads: list[bytes] = []
        self.user_password = user_password
        self._refusal = refusal
        self._challenges = "".join(f"Proxy-Authenticate: {one}\r\n" for one in challenges).encode()
        self._tls = tls

    @property
    def logins(self) -> list[str | None]:
        """User and password of each request."""
        return [_login(head) for head in self.heads]

    def serve(self, client: socket.socket) -> None:
        if self._tls is not None:
            client = self._tls.wrap_socket(client, server_side=True)
            self._sockets.append(client)
        while head := _head(client):
            self.heads.append(head)
            method, target, _ = head.split(b"\r\n")[0].split(b" ")
            self.lines.append(f"{method.decode()} {target.decode()}")
            if self.user_password is not None and _login(head) != self.user_password:
                said = b"HTTP/1.1 407 Proxy Authentication Required\r\n" + self._challenges
                client.sendall(said + b"Content-Length: 0\r\n\r\n")
            elif self._refusal is not None:
                client.sendall(b"HTTP/1.1 " + self._refusal + b"\r\nContent-Length: 0\r\n\r\n")
            elif method == b"CONNECT":
                host, _, port = target.decode().rpartition(":")
                server = self._connect(host.strip("[]"), int(port))
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                self._join(client, server)
                return
            else:
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nproxy")


def _head(client: socket.socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head:
        block = client.recv(_BLOCK)
        if not block:
            return b""
        head += block
    return head


def _login(head: bytes) -> str | None:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b": ")
        if name.lower() == b"proxy-authorization" and value.startswith(b"Basic "):
            return base64.b64decode(value[6:]).decode()
    return None


class SocksProxy(_Relay):
    """Opens what it is asked for. `places`: host and port of each request as they came, names unresolved.

    `user_password`: who is let in by version 5. `said`: all that clients said before the connection was open.
    `refuse`: addresses that it cannot reach.
    """

    scheme = "socks5h"

    def __init__(self, user_password: str | None = None, refuse: Sequence[str] = ()) -> None:
        super().__init__()
        self.places: list[str] = []
        self.users: list[str] = []
        self.said = b""
        self._wanted = user_password
        self._refuse = refuse

    def serve(self, client: socket.socket) -> None:
        version = self._take(client, 1)
        place = self._version_5(client) if version == b"\x05" else self._version_4(client)
        if place is None:
            return
        host, port, yes, no = place
        self.places.append(f"{host}:{port}")
        if host in self._refuse:
            client.sendall(no)
            return
        server = self._connect(host, port)
        client.sendall(yes)
        self._join(client, server)

    def _version_5(self, client: socket.socket) -> tuple[str, int, bytes, bytes] | None:
        methods = self._take(client, self._take(client, 1)[0])
        wanted = 0 if self._wanted is None else 2
        if wanted not in methods:
            client.sendall(b"\x05\xff")
            return None
        client.sendall(bytes([5, wanted]))
        if wanted == 2:
            self._take(client, 1)
            user = self._take(client, self._take(client, 1)[0]).decode()
            password = self._take(client, self._take(client, 1)[0]).decode()
            self.users.append(f"{user}:{password}")
            right = f"{user}:{password}" == self._wanted
            client.sendall(b"\x01\x00" if right else b"\x01\x01")
            if not right:
                return None
        kind = self._take(client, 4)[3]
        if kind == 3:
            host = self._take(client, self._take(client, 1)[0]).decode()
        else:
            host = str(ip_address(self._take(client, 4 if kind == 1 else 16)))
        port = int.from_bytes(self._take(client, 2), "big")
        return host, port, b"\x05\x00\x00\x01" + bytes(6), b"\x05\x05\x00\x01" + bytes(6)

    def _version_4(self, client: socket.socket) -> tuple[str, int, bytes, bytes]:
        self._take(client, 1)
        port = int.from_bytes(self._take(client, 2), "big")
        address = self._take(client, 4)
        self.users.append(self._text(client))
        host = self._text(client) if address[:3] == bytes(3) else str(ip_address(address))
        return host, port, b"\x00\x5a" + bytes(6), b"\x00\x5b" + bytes(6)

    def _text(self, client: socket.socket) -> str:
        text = b""
        while (byte := self._take(client, 1)) != b"\0":
            text += byte
        return text.decode()

    def _take(self, client: socket.socket, count: int) -> bytes:
        taken = b""
        while len(taken) < count:
            block = client.recv(count - len(taken))
            if not block:
                raise ConnectionError("the client is gone")
            taken += block
        self.said += taken
        return taken
