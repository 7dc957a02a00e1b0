"""A relay that makes a connection as long as a way across the world: every byte arrives half a round trip later."""

from __future__ import annotations

import queue
import socket
import threading
import time
from contextlib import suppress
from typing import Self

_BLOCK = 1 << 16


class Relay:
    """`with Relay(port, 0.04) as relay: … relay.port` leads to `port` on loopback. round_trip: in seconds.

    TCP's own handshake is counted, too: a connection's first bytes set off one round trip after it was accepted.
    """

    def __init__(self, port: int, round_trip: float) -> None:
        self._target = port
        self._round_trip = round_trip
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            begin = time.monotonic() + self._round_trip
            far = socket.create_connection(("127.0.0.1", self._target))
            for one, other in ((near, far), (far, near)):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                under_way: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
                threading.Thread(target=self._leave, args=(one, under_way, begin), daemon=True).start()
                threading.Thread(target=_arrive, args=(under_way, other), daemon=True).start()

    def _leave(self, source: socket.socket, under_way: queue.SimpleQueue[tuple[float, bytes]], begin: float) -> None:
        block = b"."
        while block:
            try:
                block = source.recv(_BLOCK)
            except OSError:
                block = b""
            under_way.put((max(time.monotonic(), begin) + self._round_trip / 2, block))


def _arrive(under_way: queue.SimpleQueue[tuple[float, bytes]], target: socket.socket) -> None:
    """Sends what came when its time has come; an empty block is the end."""
    while True:
        due, block = under_way.get()
        time.sleep(max(0.0, due - time.monotonic()))
        try:
            if not block:
                target.shutdown(socket.SHUT_WR)
                return
            target.sendall(block)
        except OSError:
            return
