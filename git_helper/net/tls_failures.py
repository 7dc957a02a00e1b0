"""Why there is no TLS with a server: the cause in our words, and the option that fits."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from urllib3.exceptions import HTTPError, ProtocolError, SSLError

from git_helper.core.trust import Trust
from git_helper.errors import Unreachable
from git_helper.frozen import frozen
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_helper.core.trust import ClientCertificate, Roots

# X509_V_ERR_* of openssl/x509_vfy.h, which Python gives as verify_code.
_NOT_YET, _EXPIRED, _SELF_SIGNED = 9, 10, 18
_UNKNOWN = (2, _SELF_SIGNED, 19, 20, 21)
_ANOTHER_HOST = (62, 64)
_NO_AUTHORITY = (24, 79)
_REVOKED = 23
_NO_TLS = "it does not speak TLS at this port"
_OLD = "it does not speak TLS 1.2 or newer"
_HUNG_UP = "it closed the TLS connection without an answer"
_HANDSHAKE = {
    "WRONG_VERSION_NUMBER": _NO_TLS,
    "HTTP_REQUEST": _NO_TLS,
    "RECORD_LAYER_FAILURE": _NO_TLS,
    "PACKET_LENGTH_TOO_LONG": _NO_TLS,
    "UNSUPPORTED_PROTOCOL": _OLD,
    "TLSV1_ALERT_PROTOCOL_VERSION": _OLD,
    "UNEXPECTED_EOF_WHILE_READING": _HUNG_UP,
}
# Alerts of RFC 8446 §6.2 that are about our certificate, as OpenSSL names them.
_ABOUT_OURS = {
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it is missing",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "",
    "SSLV3_ALERT_NO_CERTIFICATE": "it is missing",
    "SSLV3_ALERT_BAD_CERTIFICATE": "it is bad",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": "it is of the wrong kind",
    "SSLV3_ALERT_CERTIFICATE_REVOKED": "it is revoked",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "it has expired",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "it cannot be verified",
    "TLSV1_ALERT_UNKNOWN_CA": "its authority is unknown there",
    "TLSV1_ALERT_ACCESS_DENIED": "it may not come in",
    "TLSV1_ALERT_DECRYPT_ERROR": "its signature is wrong",
}
_SHOW_OURS = "show a client certificate: --client-cert FILE[,KEY], or export SSL_CLIENT_CERT=FILE"
_SHOW_ANOTHER = "show another one: --client-cert FILE[,KEY]"
_CLOCK = "is the clock of this machine right? date"
_MOST_NAMES, _LONGEST_NAME = 5, 100


@frozen
class Certificate:
    """What stands in a certificate: all texts are foreign. `names`: hosts and addresses."""

    names: tuple[str, ...]
    subject: str
    issuer: str
    not_before: datetime
    not_after: datetime


def needs_certificate(error: Exception) -> bool:
    """Whether the certificate of the server tells more than the error does."""
    code = getattr(cause(error), "verify_code", None)
    return code in (_NOT_YET, _EXPIRED, *_UNKNOWN, *_ANOTHER_HOST)


def hung_up(error: Exception) -> bool:
    """Whether the server ended the connection without a word that was heard."""
    return isinstance(cause(error), ssl.SSLEOFError)


def untrusted(shown: str, error: Exception, trust: Trust | None = None, seen: Certificate | None = None) -> Unreachable:
    """TLS with `shown` failed. `trust`: what was to be held; `seen`: the certificate that the server shows."""
    reason, hint = explained(error, trust or Trust(), seen)
    return Unreachable(f"cannot trust '{shown}': {reason}", hint)


def explained(error: Exception, trust: Trust, seen: Certificate | None = None) -> tuple[str, str | None]:
    """The reason and what would help."""
    below = cause(error)
    if isinstance(below, ssl.SSLCertVerificationError):
        return _unverified(below, trust, seen)
    name = getattr(below, "reason", None) or ""
    if isinstance(below, ssl.SSLEOFError):
        name = "UNEXPECTED_EOF_WHILE_READING"
    if name in _ABOUT_OURS:
        return _ours(_ABOUT_OURS[name], trust)
    reason = _HANDSHAKE.get(name)
    if reason == _NO_TLS:
        return reason, "if it is meant to be without, write 'http://'"
    if reason == _HUNG_UP and trust.client is not None:
        return f"{reason}: it may have refused our client certificate {_shown(trust.client)}", _SHOW_ANOTHER
    return reason or (f"TLS failed ({visible(name)})" if name else "TLS failed"), None


def cause(error: Exception) -> Exception:
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


def _unverified(error: ssl.SSLCertVerificationError, trust: Trust, seen: Certificate | None) -> tuple[str, str | None]:
    code, now = error.verify_code, datetime.now(UTC)
    if code == _EXPIRED:
        return _expired(now, seen), _CLOCK
    if code == _NOT_YET:
        if seen is None or seen.not_before <= now:
            return "its certificate is not valid yet", _CLOCK
        return f"its certificate is not valid before {_date(seen.not_before)}", _CLOCK
    if code in _ANOTHER_HOST:
        return _another_host(seen)
    if code in _UNKNOWN:
        return _unknown(code, trust.roots, seen)
    if code == _REVOKED:
        return "its certificate has been revoked", None
    if code in _NO_AUTHORITY:
        return "its certificate was issued by one that is no authority", None
    return f"its certificate is not valid: {visible(error.verify_message)}", None


def _expired(now: datetime, seen: Certificate | None) -> str:
    if seen is None:
        return "its certificate has expired"
    if seen.not_after > now:
        return "a certificate between its own and the authority has expired"
    return f"its certificate expired on {_date(seen.not_after)}"


def _another_host(seen: Certificate | None) -> tuple[str, str | None]:
    if seen is None:
        return "its certificate is for another host", None
    if not seen.names:
        return "its certificate names no host", None
    names = [f"'{_short(name)}'" for name in seen.names[:_MOST_NAMES]]
    more = len(seen.names) - len(names)
    listed = ", ".join(names) + (f" and {more} more" if more else "")
    return f"its certificate is for another host: {listed}", "write the URL with a name that its certificate has"


def _unknown(code: int, roots: Roots, seen: Certificate | None) -> tuple[str, str | None]:
    if code == _SELF_SIGNED:
        whose = "" if seen is None else f" ('{_short(seen.subject)}')"
        return f"its certificate is self-signed{whose}", _hint(roots, "that certificate")
    issuer = "" if seen is None else f" '{_short(seen.issuer)}'"
    reason = f"its certificate is from an unknown authority{issuer}, or it leaves out what lies between"
    return reason, _hint(roots, "the authority's certificate")


def _hint(roots: Roots, what: str) -> str:
    if roots.kind == "files":
        places = ", ".join(f"'{visible(named.path)}'" for named in roots.named)
        return f"only {places} ({visible(roots.setting)}) counts: if it is right, put {what} there (PEM)"
    if roots.kind == "native":
        return f"the system does not know it: if it is right, name {what}: export SSL_CERT_FILE=FILE"
    return f"if it is right, name {what}: export SSL_CERT_FILE=FILE, or trust whom the system trusts: --native-tls"


def _ours(reason: str, trust: Trust) -> tuple[str, str | None]:
    if trust.client is None:
        if not reason:
            return "it accepts none of our ciphers, or wants a client certificate", _SHOW_OURS
        return "it wants a client certificate", _SHOW_OURS
    why = f": {reason}" if reason else ""
    return f"it refuses our client certificate {_shown(trust.client)}{why}", _SHOW_ANOTHER


def _shown(client: ClientCertificate) -> str:
    return f"'{visible(client.certificate.path)}' ({visible(client.certificate.setting)})"


def _date(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M} UTC"


def _short(text: str) -> str:
    return visible(text if len(text) <= _LONGEST_NAME else text[:_LONGEST_NAME] + "…")
