"""One set of connections for the process, and one request on one of them: no redirects, no retries, no credentials."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import urllib3
from urllib3.exceptions import HTTPError, LocationValueError
from urllib3.util import Timeout

from git_helper import __version__
from git_helper.errors import UsageError
from git_helper.net.failures import Wait, refused_by_proxy

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from git_helper.net.proxy import Proxy, ProxyFor
    from git_helper.net.target import Target
    from git_helper.net.tls import ContextFor
    from git_helper.secret import Secret

CONNECT_SECONDS = 20.0
IDLE_SECONDS = 120.0
# Servers of Git hosts answer some things only to programs that look like git.
USER_AGENT = f"git/2.0 (git-helper/{__version__})"
_ORDINARY = {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "gzip"}
_HOSTS = 64
_CONNECTIONS = 32  # kept for each host


class Pools:
    """Connections by trust and proxy. Thread-safe; answers hold their connection until they are read or closed."""

    def __init__(self, context_for: ContextFor, proxy_for: ProxyFor | None, timeout: float | None) -> None:
        """`timeout`: seconds for each wait; None: 20 for a connection, 120 for every wait after that."""
        self._context_for = context_for
        self._proxy_for = proxy_for
        self._connect = CONNECT_SECONDS if timeout is None else timeout
        self._idle = IDLE_SECONDS if timeout is None else timeout
        self._managers: dict[tuple[ssl.SSLContext | None, Proxy | None], urllib3.PoolManager] = {}
        self._lock = threading.Lock()

    def open(
        self,
        method: str,
        target: Target,
        headers: Mapping[str, str],
        body: bytes | None = None,
        authorization: Secret | None = None,
    ) -> tuple[urllib3.BaseHTTPResponse, Wait]:
        """The answer with its body unread, and the limits of reading it. Raises Unreachable, UsageError."""
        proxy = None if self._proxy_for is None else self._proxy_for(target.origin)
        wait = Wait(target.shown, self._connect, self._idle, None if proxy is None else proxy.url)
        manager = self._manager(target, proxy)
        sent = _ORDINARY | {name.title(): value for name, value in headers.items()}
        if authorization is not None:
            sent["Authorization"] = authorization.reveal().decode("latin-1")
        start = time.monotonic()
        try:
            raw = manager.urlopen(
                method,
                target.url,
                redirect=False,
                retries=False,
                preload_content=False,
                headers=sent,
                body=body,
                timeout=Timeout(connect=self._connect, read=self._idle),
            )
        except LocationValueError:
            raise UsageError(f"cannot request '{target.shown}': its host is no host name") from None
        except (HTTPError, OSError) as error:
            raise wait.failed(error, time.monotonic() - start) from error
        if raw.status == 407 and proxy is not None:
            raw.close()
            raise refused_by_proxy(proxy.url, target.shown, raw.status, raw.reason or "")
        return raw, wait

    def close(self) -> None:
        """Closes every connection that nobody is using."""
        with self._lock:
            managers, self._managers = list(self._managers.values()), {}
        for manager in managers:
            for key in manager.pools.keys():  # noqa: SIM118 (it has no iterator, only a copy of its keys)
                pool = manager.pools.get(key)
                if pool is not None:
                    pool.close()
            manager.clear()

    def _manager(self, target: Target, proxy: Proxy | None) -> urllib3.PoolManager:
        context = self._context_for(target.origin) if target.origin.scheme == b"https" else None
        proxy_context = (
            self._context_for(proxy.origin) if proxy is not None and proxy.origin.scheme == b"https" else None
        )
        with self._lock:
            key = (context, proxy)
            if key not in self._managers:
                self._managers[key] = _made(context, proxy, proxy_context)
            return self._managers[key]


def _made(
    context: ssl.SSLContext | None, proxy: Proxy | None, proxy_context: ssl.SSLContext | None
) -> urllib3.PoolManager:
    if proxy is None:
        return urllib3.PoolManager(_HOSTS, ssl_context=context, maxsize=_CONNECTIONS)
    headers = {}
    if proxy.authorization is not None:
        headers["Proxy-Authorization"] = proxy.authorization.reveal().decode("latin-1")
    return urllib3.ProxyManager(
        proxy.url,
        _HOSTS,
        proxy_headers=headers,
        proxy_ssl_context=proxy_context,
        ssl_context=context,
        maxsize=_CONNECTIONS,
    )
