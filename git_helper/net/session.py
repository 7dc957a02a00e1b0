"""Requests over HTTP: one set of connections, each wait limited, each failure said in our words."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import urllib3
from urllib3.exceptions import HTTPError, LocationParseError, MaxRetryError, NewConnectionError, SSLError, TimeoutError  # noqa: A004

from git_helper import __version__
from git_helper.errors import Unreachable, UsageError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

    from git_helper.secret import Secret

SECONDS = 30.0
# Servers of Git hosts answer some things only to programs that look like git.
USER_AGENT = f"git/2.0 (git-helper/{__version__})"


@dataclass(frozen=True)
class Answer:
    """Status and headers (names in lower case) of one answer; redirects are not followed."""

    status: int
    headers: dict[str, str]


class Session:
    """Connections for one command; `timeout` in seconds for each wait."""

    def __init__(self, context: ssl.SSLContext, timeout: float) -> None:
        self._timeout = timeout
        self._pools = urllib3.PoolManager(ssl_context=context, retries=False)

    def get(self, url: str, authorization: Secret | None = None) -> Answer:
        """One GET; its body is not read. Raises Unreachable, UsageError for a URL that cannot be requested."""
        headers = {"User-Agent": USER_AGENT, "Accept": "*/*"}
        if authorization is not None:
            headers["Authorization"] = authorization.reveal().decode("latin-1")
        with _in_our_words(url, self._timeout):
            response = self._pools.request(
                "GET", url, headers=headers, redirect=False, preload_content=False, timeout=self._timeout
            )
            response.close()
        return Answer(response.status, {name.lower(): value for name, value in response.headers.items()})

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *exception: object) -> None:
        self._pools.clear()


@contextlib.contextmanager
def _in_our_words(url: str, timeout: float) -> Iterator[None]:
    try:
        yield
    except LocationParseError as error:
        raise UsageError(f"cannot read the URL '{url}'") from error
    except HTTPError as error:
        cause = error.reason if isinstance(error, MaxRetryError) and error.reason is not None else error
        raise _unreachable(url, cause, timeout) from error


def _unreachable(url: str, cause: Exception, timeout: float) -> Unreachable:
    # A refused connection is a kind of timeout to urllib3.
    if isinstance(cause, TimeoutError) and not isinstance(cause, NewConnectionError):
        return Unreachable(f"cannot reach '{url}': no answer within {timeout:g} seconds", "try a longer --timeout")
    if isinstance(cause, SSLError):
        detail = (
            getattr(cause.args[0], "verify_message", None) or getattr(cause.args[0], "reason", None) or "TLS failed"
        )
        return Unreachable(
            f"cannot trust '{url}': {detail}", "name the authority's certificate: export SSL_CERT_FILE=FILE"
        )
    detail = str(cause).rpartition(": ")[2] or type(cause).__name__
    return Unreachable(f"cannot reach '{url}': {detail}")
