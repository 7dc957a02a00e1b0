"""The trust of TLS connections: which certificates an origin may show."""

from __future__ import annotations

import ssl
import threading
from typing import TYPE_CHECKING

import certifi

from git_helper.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from git_helper.core.credential import Origin

    ContextFor = Callable[[Origin], ssl.SSLContext]


def context(environ: Mapping[str, str]) -> ssl.SSLContext:
    """Mozilla's roots, or those of `SSL_CERT_FILE` instead; TLS 1.2 at least. A file that cannot serve is an error."""
    cafile = environ.get("SSL_CERT_FILE") or certifi.where()
    # Not ssl.create_default_context(): its flags differ between Python versions.
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.hostname_checks_common_name = False  # RFC 9110 §4.3.4: only the subjectAltName counts
    try:
        made.load_verify_locations(cafile=cafile)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(
            f"cannot read the certificates in '{cafile}'", "unset SSL_CERT_FILE, or name a PEM file"
        ) from error
    return made


def contexts(environ: Mapping[str, str]) -> ContextFor:
    """The context for each origin: the same for all, made when the first one asks. It raises UsageError."""
    made: list[ssl.SSLContext] = []
    lock = threading.Lock()

    def context_for(_: Origin) -> ssl.SSLContext:
        with lock:
            if not made:
                made.append(context(environ))
        return made[0]

    return context_for
