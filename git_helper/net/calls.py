"""A server is called while what will speak to it is still being loaded: both take some hundredths of a second."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from git_helper.errors import GitHelperError
from git_helper.net.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable

    from git_helper.net.message import Request, Response
    from git_helper.net.proxy import ProxyFor
    from git_helper.net.session import Session

CONNECT_SECONDS = 20.0


class Calls:
    """Connections under way, one for each host and port. Thread-safe. `seconds`: how long one may take."""

    def __init__(self, seconds: float = CONNECT_SECONDS) -> None:
        self._seconds = seconds
        self._begun: dict[tuple[str, int], _Call | None] = {}  # None: it was taken
        self._lock = threading.Lock()

    def begin(self, host: str, port: int) -> None:
        """Calls `host` (IPv6 without brackets), unless that was done before."""
        with self._lock:
            if (host, port) not in self._begun:
                self._begun[host, port] = _Call(host, port, self._seconds)

    def take(self, host: str, port: int) -> socket.socket | None:
        """The connection, for whoever asks first; None without one, then connect as usual. Raises TimeoutError."""
        with self._lock:
            call = self._begun.get((host, port))
            self._begun[host, port] = None
        return None if call is None else call.connection()

    def close(self) -> None:
        """Closes what nobody took."""
        with self._lock:
            left, self._begun = [call for call in self._begun.values() if call is not None], {}
        for call in left:
            call.close()


class _Call:
    def __init__(self, host: str, port: int, seconds: float) -> None:
        self._place = (host, port)
        self._seconds = seconds
        self._socket: socket.socket | None = None
        self._late = self._closed = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._connect, name="call", daemon=True)
        self._thread.start()

    def connection(self) -> socket.socket | None:
        self._thread.join()
        if self._late:
            raise TimeoutError
        return self._socket

    def close(self) -> None:
        """Now, or as soon as it is there."""
        with self._lock:
            self._closed = True
            if self._socket is not None:
                self._socket.close()

    def _connect(self) -> None:
        host, port = self._place
        try:
            # As bytes: the codec for other names takes longer to load than the connection.
            found = socket.getaddrinfo(host.encode("ascii"), port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return  # the usual way finds it out, too, and says it
        for family, kind, protocol, _, address in found:
            with suppress(OSError):
                made = socket.socket(family, kind, protocol)
                try:
                    made.settimeout(self._seconds)
                    made.connect(address)
                except OSError as error:
                    self._late = self._late or isinstance(error, TimeoutError)
                    made.close()
                else:
                    self._answered(made)
                    return

    def _answered(self, made: socket.socket) -> None:
        with self._lock:
            self._socket, self._late = made, False
            if self._closed:
                made.close()


class CallingSession:
    """A `Session` that is opened when it is first used, while the server is being called."""

    def __init__(
        self, open_session: Callable[[Calls, bool], Session], proxy_for: ProxyFor | None, calls: Calls
    ) -> None:
        """`calls`: for `open_session`, which is also told whether the first server speaks TLS. Who is reached through a
        proxy is not called; without `proxy_for`, nobody is."""
        self._open = open_session
        self._proxy_for = proxy_for
        self._calls = calls
        self._session: Session | None = None
        self._lock = threading.Lock()

    def send(self, request: Request) -> Response:
        """As a Session does."""
        if self._session is None:
            self._call(request)
        with self._lock:
            if self._session is None:
                self._session = self._open(self._calls, request.url.startswith("https:"))
        return self._session.send(request)

    def close(self) -> None:
        """Closes all connections."""
        self._calls.close()
        if self._session is not None:
            self._session.close()

    def _call(self, request: Request) -> None:
        with suppress(GitHelperError):  # the session raises it, too
            target = Target.of(request)
            if self._proxy_for is not None and self._proxy_for(target) is None:
                self._calls.begin(target.origin.host.decode().strip("[]"), target.origin.port)
