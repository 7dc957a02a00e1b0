"""The trust of TLS connections."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import certifi

from git_helper.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


def context(environ: Mapping[str, str]) -> ssl.SSLContext:
    """Mozilla's roots, or those of `SSL_CERT_FILE` instead; TLS 1.2 at least. A file that cannot serve is an error."""
    cafile = environ.get("SSL_CERT_FILE") or certifi.where()
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        made.load_verify_locations(cafile=cafile)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(
            f"cannot read the certificates in '{cafile}'", "unset SSL_CERT_FILE, or name a PEM file"
        ) from error
    return made
