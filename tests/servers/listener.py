"""A listening socket on loopback, and a thread that hands each connection on."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable

_SECONDS = 10


class Listener:
    """Calls `serve` with each connection, in the listener's thread, until it is closed.

    `path`: of a socket in the file system; else it listens on `port`.
    """

    def __init__(self, serve: Callable[[socket.socket], None], path: str | None = None) -> None:
        self._serve = serve
        if path is None:
            self._socket = socket.create_server(("127.0.0.1", 0))
        else:
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.bind(path)
            self._socket.listen()
        self.port: int = self._socket.getsockname()[1] if path is None else 0
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """No connection comes after this."""
        # shutdown() wakes accept(), close() alone does not.
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(_SECONDS)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self._serve(connection)
