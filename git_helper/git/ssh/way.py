"""The way to a server: which hosts it leads through, and its first bytes. Nothing here needs the library that speaks SSH.

So the server begins to answer while the library, which takes a while, is loaded.
"""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING

from git_helper.core import unreachable
from git_helper.errors import Unreachable
from git_helper.frozen import frozen
from git_helper.git.ssh.command import LONGER
from git_helper.git.ssh.proxy import Proxy
from git_helper.secret import visible
from git_helper.system.trace import timed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from git_helper.git.ssh.jumps import Hop
    from git_helper.git.ssh.options import SshOptions

CONNECT_SECONDS = 20.0
_MOST_HOPS = 16
_PAUSE = 1.0
"""Seconds between ConnectionAttempts."""


@frozen
class Means:
    """What connecting needs. `resolve`: the options for host, user and port of a URL; `shell`: of a ProxyCommand.

    `idle`: seconds for every answer of a server; `connect`: the most seconds for reaching it, else what ConnectTimeout says,
    else 20. `may_ask`: whether there is a person, and programs may use the terminal.
    """

    resolve: Callable[[str, str | None, int | None], SshOptions]
    environ: Mapping[str, str]
    shell: str
    idle: float
    connect: float | None = None
    may_ask: bool = False


@frozen
class Leg:
    """A connection to make, through that of `hop`, or by the program `command`, or directly. `seconds`: for reaching it."""

    options: SshOptions
    hop: Leg | None
    command: str | None
    seconds: float

    @property
    def place(self) -> str:
        """The host as the person knows it, with its port unless that is 22."""
        host = self.options.original_host or self.options.hostname
        name = f"[{host}]" if ":" in host else host
        return name if self.options.port == 22 else f"{name}:{self.options.port}"

    @property
    def shown(self) -> str:
        """The account, for people."""
        return visible(f"{self.options.user}@{self.place}")

    @property
    def hint(self) -> str:
        """How to allow more time for reaching it."""
        by_us = self.seconds < (self.options.connect_timeout or CONNECT_SECONDS)
        return LONGER if by_us else "allow more time: ConnectTimeout in ~/.ssh/config"


def plan(
    means: Means, host: str, user: str | None, port: int | None, jumps: Sequence[Hop] | None = None, hops: int = 0
) -> Leg:
    """The way to `host`, spelled as in a URL; `jumps` stands instead of its own ProxyJump.

    Raises Unreachable for too many hops, and what `means.resolve` raises.
    """
    options = means.resolve(host, user, port)
    found = options.proxy_jump if jumps is None else jumps
    hop = None
    if found:
        if hops >= _MOST_HOPS:
            shown = visible(options.original_host or options.hostname)
            raise Unreachable(f"cannot reach '{shown}': the way leads through more than {_MOST_HOPS} hosts")
        last = found[-1]
        hop = plan(means, last.host, last.user, last.port, found[:-1] or None, hops + 1)
    seconds = float(options.connect_timeout or CONNECT_SECONDS)
    if means.connect is not None:
        seconds = min(seconds, means.connect)
    return Leg(options, hop, None if jumps is not None else options.proxy_command, seconds)


class Line:
    """Where the bytes of the first leg flow. `address`: of the host; None when somebody else has looked it up."""

    def __init__(self, sock: socket.socket, proxy: Proxy | None = None) -> None:
        self.socket = sock
        self.proxy = proxy
        self.address = None if proxy is not None else str(sock.getpeername()[0])

    def close(self) -> None:
        """Ends it."""
        self.socket.close()
        if self.proxy is not None:
            self.proxy.close()


def reach(means: Means, leg: Leg) -> Line:
    """Sets off: a line to the first host on the way. Raises Unreachable."""
    while leg.hop is not None:
        leg = leg.hop
    if leg.command is not None:
        may_ask = means.may_ask and not leg.options.batch_mode
        proxy = Proxy(leg.command, means.shell, means.environ, may_ask=may_ask)
        return Line(proxy.socket, proxy)
    for attempt in range(max(1, leg.options.connection_attempts)):
        if attempt:
            time.sleep(_PAUSE)
        try:
            return Line(_direct(leg))
        except Unreachable as error:
            failure = error
    raise failure


class Departure:
    """`reach` in a thread of its own, which waits for the name and the server while this one loads what speaks SSH."""

    def __init__(self, means: Means, leg: Leg) -> None:
        self._line: Line | None = None
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._go, args=(means, leg), daemon=True)
        self._thread.start()

    def line(self) -> Line:
        """What `reach` gives, or raises."""
        self._thread.join()
        if self._line is None:
            raise self._error or Unreachable("cannot reach the server")
        return self._line

    def _go(self, means: Means, leg: Leg) -> None:
        try:
            self._line = reach(means, leg)
        except Exception as error:
            self._error = error


def _direct(leg: Leg) -> socket.socket:
    options = leg.options
    family = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}.get(options.address_family, socket.AF_UNSPEC)
    name = options.hostname
    try:
        # As bytes, a name in ASCII needs no codec for other ones, which takes a while to load.
        host = name.encode() if name.isascii() else name
        found = socket.getaddrinfo(host, options.port, family, socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Unreachable(f"cannot reach '{leg.shown}': its name is not known", unreachable.UNKNOWN_NAME) from None
    reason, hint = "it has no address", None
    for kind, _, _, _, address in found:
        sock = socket.socket(kind, socket.SOCK_STREAM)
        try:
            sock.settimeout(leg.seconds)
            if options.bind_address is not None:
                sock.bind((options.bind_address, 0))
            with timed("connect", host=leg.shown, address=address[0], port=address[1]):
                sock.connect(address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            return sock
        except TimeoutError:
            reason, hint = f"no answer in {leg.seconds:g} seconds", leg.hint
        except OSError as error:
            reason, hint = (error.strerror or str(error)).lower(), unreachable.hint(error.errno, proxies=False)
        sock.close()
    raise Unreachable(f"cannot reach '{leg.shown}': {reason}", hint)
