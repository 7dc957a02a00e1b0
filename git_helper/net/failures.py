"""What went wrong on the wire, in our words: each failure of urllib3 as an Unreachable with its subject and its limit."""

from __future__ import annotations

from http.client import BadStatusLine, HTTPException, IncompleteRead, LineTooLong, RemoteDisconnected

from urllib3.exceptions import (
    ConnectTimeoutError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)

from git_helper.core import unreachable
from git_helper.core.trust import Trust
from git_helper.errors import Unreachable
from git_helper.frozen import frozen
from git_helper.net.message import Interrupted
from git_helper.net.tls_failures import cause, explained, untrusted
from git_helper.net.tunnel import ProxyRefusal
from git_helper.secret import visible

_LONGER = "allow more time: --timeout SECONDS"


class LoginWanted(Unreachable):
    """A proxy asks for a user name and password. `challenges` and `certain`: see ProxyRefusal."""

    def __init__(self, message: str, challenges: tuple[str, ...], certain: bool) -> None:
        super().__init__(message)
        self.challenges = challenges
        self.certain = certain


@frozen
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
        below = cause(error)
        if hint is None and self.proxy is None:
            hint = _helps(error, encrypted=self.shown.startswith("https:"))
        passing = isinstance(below, ConnectionError) and not isinstance(below, ConnectionRefusedError)
        return (Interrupted if passing else Unreachable)(f"cannot reach '{self.shown}'{through}: {reason}", hint)

    def broken(self, error: Exception, received: int) -> Unreachable:
        """The answer ended too early, after so many bytes."""
        if isinstance(error, ReadTimeoutError):
            return Interrupted(
                f"the answer of '{self.shown}' stopped after {received} bytes: nothing came for {self.idle:g} seconds",
                _LONGER,
            )
        return Interrupted(f"the answer of '{self.shown}' was cut off after {received} bytes")

    def _proxy_failed(self, error: Exception, elapsed: float) -> Unreachable:
        if isinstance(error, ProxyRefusal):
            return self.refused_by_proxy(error)
        reason, hint = _reason(error, self.idle if elapsed >= self.idle else self.connect)
        message = f"cannot reach the proxy '{self.proxy}' on the way to '{self.shown}': {reason}"
        return Unreachable(message, hint or unreachable.OTHER_PROXY)

    def refused_by_proxy(self, refusal: ProxyRefusal) -> Unreachable:
        """The proxy answered instead of the server; LoginWanted when it asks who we are."""
        message = f"the proxy '{self.proxy}' refuses the way to '{self.shown}': {refusal.reason}"
        if refusal.wants_login:
            return LoginWanted(message, refusal.challenges, refusal.certain)
        return Unreachable(message, unreachable.NOT_THROUGH_IT)


def _reason(error: Exception, limit: float) -> tuple[str, str | None]:
    if isinstance(error, NameResolutionError):
        return "its host is not known", None
    # A refused connection is a kind of timeout to urllib3.
    if isinstance(error, (ConnectTimeoutError, ReadTimeoutError, TimeoutError)):
        if not isinstance(error, NewConnectionError):
            return f"no answer within {limit:g} seconds", _LONGER
    if isinstance(error, SSLError):
        return explained(error, Trust())
    below = cause(error)
    if isinstance(below, RemoteDisconnected):
        return "it closed the connection without an answer", None
    if isinstance(below, OSError) and below.strerror:
        return visible(below.strerror).lower(), None
    if isinstance(below, LineTooLong) or "headers" in str(below):
        return "the headers of its answer are too long", None
    if isinstance(below, BadStatusLine):
        return "its answer is no HTTP", None
    if isinstance(below, (IncompleteRead, HTTPException)):
        return "its answer cannot be read", None
    return type(below).__name__, None


def _helps(error: Exception, *, encrypted: bool) -> str | None:
    """What to look at, where no proxy is between."""
    below = cause(error)
    if isinstance(error, NameResolutionError):
        return unreachable.unknown_name()
    if isinstance(below, BadStatusLine) and not encrypted:
        return unreachable.MAYBE_TLS  # RemoteDisconnected is one, too
    return unreachable.hint(below.errno) if isinstance(below, OSError) else None
