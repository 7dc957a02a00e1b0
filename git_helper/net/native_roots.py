"""The only door to truststore: certificates that the system trusts."""

from __future__ import annotations

import ssl

import truststore

from git_helper.net.shared_context import PROTOCOLS


def native() -> ssl.SSLContext:
    """A context that trusts whom the system trusts: macOS and Windows decide themselves, elsewhere OpenSSL's places count."""
    context = _Native(ssl.PROTOCOL_TLS_CLIENT)
    truststore.SSLContext.set_alpn_protocols(context, PROTOCOLS)
    return context


class _Native(truststore.SSLContext):
    """For many threads, see SharedContext."""

    def set_alpn_protocols(self, alpn_protocols: object) -> None:
        """Changes nothing."""
