"""How connections are made, below the pools of urllib3: direct ones, CONNECT (RFC 9110 §9.3.6) and SOCKS."""

from __future__ import annotations

import socket
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, ProxyManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, ProxyError
from urllib3.util.connection import create_connection

from git_helper.core import socks
from git_helper.net.bounded_answer import BoundedAnswer
from git_helper.net.proxy import SOCKS
from git_helper.secret import visible

if TYPE_CHECKING:
    import ssl

    from git_helper.net.calls import Calls
    from git_helper.net.proxy import Proxy

_HOSTS = 64
_CONNECTIONS = 32  # kept for each host


class ProxyRefusal(OSError):
    """The proxy answered, but opens no way. `reason`: its own words, made visible. `challenges`: as in a 407.

    `certain`: whether it was the proxy, beyond doubt.
    """

    def __init__(
        self, reason: str, *, wants_login: bool = False, challenges: tuple[str, ...] = (), certain: bool = True
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wants_login = wants_login
        self.challenges = challenges
        self.certain = certain


def manager(
    proxy: Proxy | None,
    context: ssl.SSLContext | None,
    proxy_context: ssl.SSLContext | None,
    agent: str,
    calls: Calls | None = None,
) -> PoolManager:
    """Connections for `context`, through `proxy` and with its login; `proxy_context`: for TLS with the proxy itself.

    `calls`: direct connections that are under way.
    """
    if proxy is None:
        direct = PoolManager(_HOSTS, ssl_context=context, maxsize=_CONNECTIONS, _socks_options={"calls": calls})
        direct.pool_classes_by_scheme = {"http": _CalledPool, "https": _CalledTlsPool}
        return direct
    if proxy.scheme in SOCKS:
        through = PoolManager(_HOSTS, ssl_context=context, maxsize=_CONNECTIONS, _socks_options={"proxy": proxy})
        through.pool_classes_by_scheme = {"http": _SocksPool, "https": _SocksTlsPool}
        return through
    headers = {"User-Agent": agent}
    if proxy.authorization is not None:
        headers["Proxy-Authorization"] = proxy.authorization.reveal().decode("latin-1")
    through = ProxyManager(
        proxy.url,
        _HOSTS,
        proxy_headers=headers,
        proxy_ssl_context=proxy_context,
        ssl_context=context,
        maxsize=_CONNECTIONS,
    )
    through.pool_classes_by_scheme = {"http": _PlainPool, "https": _TunnelPool}
    return through


class _CalledConnection(HTTPConnection):
    """A direct connection, which may be under way already."""

    response_class = BoundedAnswer

    def __init__(self, *args: Any, _socks_options: dict[str, Calls | None], **more: Any) -> None:
        self._calls = _socks_options["calls"]
        super().__init__(*args, **more)

    def _new_conn(self) -> socket.socket:
        try:
            sock = None if self._calls is None else self._calls.take(self._dns_host.strip("[]"), self.port or 0)
        except TimeoutError as error:
            raise ConnectTimeoutError(self, "it did not answer") from error
        if sock is None:
            return super()._new_conn()
        for option in self.socket_options or ():
            sock.setsockopt(*option)
        sys.audit("http.client.connect", self, self.host, self.port)
        return sock


class _CalledTlsConnection(_CalledConnection, HTTPSConnection):
    pass


class _CalledPool(HTTPConnectionPool):
    ConnectionCls = _CalledConnection


class _CalledTlsPool(HTTPSConnectionPool):
    ConnectionCls = _CalledTlsConnection


class _PlainConnection(HTTPConnection):
    """To a proxy that gets whole requests."""

    response_class = BoundedAnswer


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TunnelConnection(HTTPSConnection):
    """TLS through a tunnel. Ours, because http.client forgets what a proxy that refuses wants to hear."""

    response_class = BoundedAnswer

    _tunnel_headers: dict[str, str]

    def _tunnel(self) -> None:
        host = self._tunnel_host or ""
        place = f"[{host}]:{self._tunnel_port}" if ":" in host else f"{host}:{self._tunnel_port}"
        lines = [f"CONNECT {place} HTTP/1.1", f"Host: {place}"]
        lines += [f"{name}: {value}" for name, value in self._tunnel_headers.items()]
        self.sock.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
        answer = BoundedAnswer(self.sock, method="CONNECT")
        try:
            answer.begin()
            if 200 <= answer.status < 300:
                return
            challenges = tuple(answer.headers.get_all("Proxy-Authenticate", []))
            # Nobody but the proxy has answered yet: tinyproxy says 401 to a wrong password.
            wants_login = answer.status in (401, 407)
            reason = f"{answer.status} {visible(answer.reason or '')}".rstrip(" ")
        finally:
            answer.close()
        self.close()
        raise ProxyRefusal(reason, wants_login=wants_login, challenges=challenges)


class _TunnelPool(HTTPSConnectionPool):
    ConnectionCls = _TunnelConnection


class _SocksConnection(HTTPConnection):
    """A connection that a SOCKS proxy opens."""

    response_class = BoundedAnswer

    def __init__(self, *args: Any, _socks_options: dict[str, Proxy], **more: Any) -> None:
        self._by = _socks_options["proxy"]
        super().__init__(*args, **more)

    def _new_conn(self) -> socket.socket:
        # `timeout` is the one for connections here; it is for all of the conversation.
        end = None if self.timeout is None else time.monotonic() + self.timeout
        last: ProxyRefusal | None = None
        for host in self._destinations():
            try:
                return self._open(host, end)
            except ProxyRefusal as error:
                last = error
                if error.wants_login:
                    break
        raise ProxyError("the proxy refuses", last or ProxyRefusal("the host has no address that it takes"))

    def _destinations(self) -> list[str]:
        """What the proxy is asked for: the name itself, or its addresses where looking it up is left to us."""
        if self._by.scheme in ("socks4a", "socks5h"):
            return [self.host]
        family = socket.AF_INET if self._by.scheme == "socks4" and ":" not in self.host else socket.AF_UNSPEC
        try:
            found = socket.getaddrinfo(self._dns_host, self.port, family, socket.SOCK_STREAM)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        return list(dict.fromkeys(str(address[0]) for *_, address in found))

    def _open(self, host: str, end: float | None) -> socket.socket:
        try:
            sock = create_connection((self._by.host, self._by.port), _left(end), socket_options=self.socket_options)
        except socket.gaierror as error:
            raise ProxyError("no proxy", NameResolutionError(self._by.host, self, error)) from error
        except OSError as error:
            raise ProxyError("no proxy", error) from error
        try:
            _converse(sock, self._conversation(host), end)
            sock.settimeout(self.timeout)
        except socks.SocksRefusal as error:
            sock.close()
            raise ProxyRefusal(error.reason, wants_login=error.wants_login) from None
        except OSError as error:
            sock.close()
            raise ProxyError("the proxy failed", error) from error
        return sock

    def _conversation(self, host: str) -> socks.Conversation:
        port = self.port or 0
        if self._by.scheme in ("socks4", "socks4a"):
            return socks.version_4(host, port, self._by.username or b"")
        if self._by.password is None:
            return socks.version_5(host, port, None)
        return socks.version_5(host, port, (self._by.username or b"", self._by.password.reveal()))


class _SocksTlsConnection(_SocksConnection, HTTPSConnection):
    pass


class _SocksPool(HTTPConnectionPool):
    ConnectionCls = _SocksConnection


class _SocksTlsPool(HTTPSConnectionPool):
    ConnectionCls = _SocksTlsConnection


def _converse(sock: socket.socket, conversation: socks.Conversation, end: float | None) -> None:
    """Raises SocksRefusal, OSError (TimeoutError at the `end`)."""
    with suppress(StopIteration):
        send, count = next(conversation)
        while True:
            sock.settimeout(_left(end))
            sock.sendall(send)
            received = b""
            while len(received) < count:
                sock.settimeout(_left(end))
                block = sock.recv(count - len(received))
                if not block:
                    raise ConnectionResetError(None, "it closed the connection")
                received += block
            send, count = conversation.send(received)


def _left(end: float | None) -> float | None:
    if end is None:
        return None
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
