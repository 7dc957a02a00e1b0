"""The only door to truststore: certificates that the system trusts."""

from __future__ import annotations

import ssl

import truststore


def native() -> ssl.SSLContext:
    """A context that trusts whom the system trusts: macOS and Windows decide themselves, elsewhere OpenSSL's places count."""
    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
