"""The servers that a case of tests/cases names by their ports."""

from __future__ import annotations

import re
import ssl
from contextlib import ExitStack

import trustme

from git_helper.net.target import Target
from tests.servers.recording import RecordingServer

_NAMED = re.compile(r"(localhost\.?|127\.0\.0\.1(?=:9\d{3})|\[::1\]):(\d+)", re.IGNORECASE)
_TLS = re.compile(r"https://[^/?#]*:(\d+)")


class Ports:
    """A server for each port that a case names, on whatever port is free; `here` says where a URL really leads.

    A port that a case names behind `https://` first speaks TLS.
    """

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._servers: dict[str, RecordingServer] = {}
        self._secure = {"9443"}
        self._host = "127.0.0.1"
        self.authority = trustme.CA()

    def __getitem__(self, port: str) -> RecordingServer:
        if port not in self._servers:
            tls = None
            if port in self._secure:
                tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                self.authority.issue_cert("localhost", "127.0.0.1", "::1").configure_cert(tls)
            self._servers[port] = self._stack.enter_context(RecordingServer(host=self._host, tls=tls))
        return self._servers[port]

    def names(self) -> list[str]:
        """The ports that were named so far."""
        return list(self._servers)

    def here(self, text: str) -> str:
        """`text` with the real ports."""
        if "[::1]:" in text:
            self._host = "::1"
        self._secure |= {port for port in _TLS.findall(text) if port not in self._servers}
        return _NAMED.sub(lambda found: f"{found[1]}:{self[found[2]].port}", text)

    def trust(self, target: Target) -> ssl.SSLContext:
        """What a client needs for those that speak TLS."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.authority.configure_trust(context)
        return context

    def sent(self, port: str) -> list[str | None]:
        """The user:password of each request, in order."""
        return [pair for pair, _ in self[port].exchanges]
