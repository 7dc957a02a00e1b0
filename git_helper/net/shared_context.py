"""A TLS context for the connections of many threads."""

from __future__ import annotations

import ssl

PROTOCOLS = ["http/1.1"]


class SharedContext(ssl.SSLContext):
    """What it offers by ALPN (RFC 7301) stays as it is, whatever urllib3 sets for each connection anew.

    OpenSSL frees the old list then, while it may be copying it for the connection of another thread: CPython gives the
    interpreter away there (python/cpython issue 134698).
    """

    def __new__(cls) -> SharedContext:
        """For a client."""
        self: SharedContext = super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)
        ssl.SSLContext.set_alpn_protocols(self, PROTOCOLS)
        return self

    def set_alpn_protocols(self, alpn_protocols: object) -> None:
        """Changes nothing."""
