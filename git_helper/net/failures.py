"""What went wrong on the wire, in our words: each failure of urllib3 as an Unreachable with its subject and its limit."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass
from http.client import BadStatusLine, HTTPException, IncompleteRead, LineTooLong, RemoteDisconnected
from typing import TYPE_CHECKING

from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)

from git_helper.errors import Unreachable
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGER = "allow more time: --timeout SECONDS"
_OWN_AUTHORITY = "name the authority's certificate: export SSL_CERT_FILE=FILE"
_UNKNOWN_AUTHORITY = (2, 18, 19, 20, 21)
# X509_V_ERR_* of openssl/x509_vfy.h, which Python gives as verify_code.
_CERTIFICATE = {
    9: "its certificate is not yet valid: is the clock of this machine right?",
    10: "its certificate has expired",
    23: "its certificate has been revoked",
    62: "its certificate is for another host",
    64: "its certificate is for another host",
}
_HANDSHAKE = {
    "WRONG_VERSION_NUMBER": "it does not speak TLS at this port",
    "HTTP_REQUEST": "it does not speak TLS at this port",
    "RECORD_LAYER_FAILURE": "it does not speak TLS at this port",
    "UNSUPPORTED_PROTOCOL": "it does not speak TLS 1.2 or newer",
    "TLSV1_ALERT_PROTOCOL_VERSION": "it does not speak TLS 1.2 or newer",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it asks for a client certificate",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "it accepts neither our ciphers nor our certificate, if it asked for one",
    "UNEXPECTED_EOF_WHILE_READING": "it closed the connection during the TLS handshake",
}


@dataclass(frozen=True)
class Wait:
    """A request for people, and its limits in seconds: for a connection, and for each wait after that."""

    shown: str
    connect: float
    idle: float
    proxy: str | None = None

    def failed(self, error: Exception, elapsed: float) -> Unreachable:
        """There is no answer. `elapsed`: seconds since the start, which tell one limit from the other."""
        if isinstance(error, ProxyError):
            return self._proxy_failed(error.original_error, elapsed)
        if isinstance(error, SSLError):
            return untrusted(self.shown, error)
        through = "" if self.proxy is None else f" through the proxy '{self.proxy}'"
        reason, hint = _reason(error, self.idle if elapsed >= self.idle else self.connect)
        return Unreachable(f"cannot reach '{self.shown}'{through}: {reason}", hint)

    def broken(self, error: Exception, received: int) -> Unreachable:
        """The answer ended too early, after so many bytes."""
        if isinstance(error, ReadTimeoutError):
            return Unreachable(
                f"the answer of '{self.shown}' stopped after {received} bytes: nothing came for {self.idle:g} seconds",
                _LONGER,
            )
        return Unreachable(f"the answer of '{self.shown}' was cut off after {received} bytes")

    def _proxy_failed(self, error: Exception, elapsed: float) -> Unreachable:
        refusal = re.search(r"Tunnel connection failed: (\d+) ?(.*)", str(error))
        if refusal is None:
            reason, hint = _reason(error, self.idle if elapsed >= self.idle else self.connect)
            return Unreachable(f"cannot reach the proxy '{self.proxy}' on the way to '{self.shown}': {reason}", hint)
        return refused_by_proxy(self.proxy or "", self.shown, int(refusal[1]), refusal[2])


def refused_by_proxy(proxy: str, shown: str, status: int, reason: str) -> Unreachable:
    """The proxy answered instead of the server; `reason` is its own text."""
    said = f"the proxy '{proxy}' refuses the way to '{shown}': {status} {visible(reason)}".rstrip(" ")
    hint = "give it a user name and password: export https_proxy=http://USER:PASSWORD@HOST:PORT"
    return Unreachable(said, hint if status == 407 else None)


def untrusted(shown: str, error: SSLError) -> Unreachable:
    """TLS failed: why, and what would mend it."""
    cause = _cause(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        if cause.verify_code in _UNKNOWN_AUTHORITY:
            reason = f"its certificate is from an unknown authority ({cause.verify_message})"
            return Unreachable(f"cannot trust '{shown}': {reason}", _OWN_AUTHORITY)
        return Unreachable(f"cannot trust '{shown}': {_CERTIFICATE.get(cause.verify_code, cause.verify_message)}")
    name = getattr(cause, "reason", None)
    if isinstance(cause, ssl.SSLEOFError):
        name = "UNEXPECTED_EOF_WHILE_READING"
    reason = _HANDSHAKE.get(name or "") or (f"TLS failed ({name})" if name else "TLS failed")
    return Unreachable(f"cannot trust '{shown}': {reason}")


def _reason(error: Exception, limit: float) -> tuple[str, str | None]:
    if isinstance(error, NameResolutionError):
        return "its host is not known", None
    # A refused connection is a kind of timeout to urllib3.
    if isinstance(error, (ConnectTimeoutError, ReadTimeoutError, TimeoutError)):
        if not isinstance(error, NewConnectionError):
            return f"no answer within {limit:g} seconds", _LONGER
    if isinstance(error, SSLError):
        return untrusted("", error).message.partition(": ")[2], None
    cause = _cause(error)
    if isinstance(cause, RemoteDisconnected):
        return "it closed the connection without an answer", None
    if isinstance(cause, OSError) and cause.strerror:
        return visible(cause.strerror).lower(), None
    if isinstance(cause, LineTooLong) or "headers" in str(cause):
        return "the headers of its answer are too long", None
    if isinstance(cause, BadStatusLine):
        return "its answer is no HTTP", None
    if isinstance(cause, (IncompleteRead, HTTPException)):
        return "its answer cannot be read", None
    return type(cause).__name__, None


def _cause(error: Exception) -> Exception:
    """What is below urllib3's own wrappers."""
    for below in _below(error):
        if not isinstance(below, HTTPError):
            return below
    return error


def _below(error: Exception) -> Iterator[Exception]:
    seen: BaseException | None = error
    while isinstance(seen, Exception):
        yield seen
        inner = [part for part in seen.args if isinstance(part, Exception)]
        wraps = isinstance(seen, (ProtocolError, SSLError)) and inner
        seen = inner[0] if wraps else seen.__cause__
