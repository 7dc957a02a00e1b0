"""A proxy on loopback: tunnels by CONNECT, answers plain requests itself, and keeps what it was asked."""

from __future__ import annotations

import base64
import socket
import threading
from contextlib import suppress
from typing import Self

_BLOCK = 1 << 16


class TunnelProxy:
    """`with TunnelProxy(user_password="u:p") as proxy: … proxy.url`. `refusal`: a status line instead of a tunnel."""

    def __init__(self, user_password: str | None = None, refusal: bytes | None = None) -> None:
        self.lines: list[str] = []
        self.heads: list[bytes] = []
        self._wanted = None if user_password is None else base64.b64encode(user_password.encode())
        self._refusal = refusal
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join(10)
        self._listener.close()
        for one in self._sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()
        for one in self._sockets:
            one.close()

    def _start(self, work: object, *args: object) -> None:
        thread = threading.Thread(target=work, args=args)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._sockets.append(client)
                self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        head = b""
        with suppress(OSError):
            while b"\r\n\r\n" not in head:
                block = client.recv(_BLOCK)
                if not block:
                    return
                head += block
            self.heads.append(head)
            method, target, _ = head.split(b"\r\n")[0].split(b" ")
            self.lines.append(f"{method.decode()} {target.decode()}")
            if self._wanted is not None and b"proxy-authorization: basic " + self._wanted.lower() not in head.lower():
                client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            elif self._refusal is not None:
                client.sendall(b"HTTP/1.1 " + self._refusal + b"\r\nContent-Length: 0\r\n\r\n")
            elif method == b"CONNECT":
                self._tunnel(client, target.decode())
            else:
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nproxy")
                client.recv(_BLOCK)

    def _tunnel(self, client: socket.socket, target: str) -> None:
        host, _, port = target.rpartition(":")
        server = socket.create_connection((host.strip("[]"), int(port)))
        self._sockets.append(server)
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        self._start(self._pump, server, client)
        self._pump(client, server)

    @staticmethod
    def _pump(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while block := source.recv(_BLOCK):
                target.sendall(block)
            target.shutdown(socket.SHUT_WR)
