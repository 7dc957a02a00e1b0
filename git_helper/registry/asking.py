"""Questions to registries with the credentials that apply, as few of them as can be."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Protocol

from git_helper.core.credential import Origin
from git_helper.core.plain_url import PlainUrl
from git_helper.core.redaction import redact
from git_helper.errors import GitHelperError
from git_helper.registry.answers import check_status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from git_helper.net.message import Response

_MOST_SAID = 2048
_SAID_SHOWN = 200
_MESSAGE = re.compile(r'"(?:message|detail|title|error_description|error)"\s*:\s*"([^"\\]{1,500})"')


class Client(Protocol):
    """What `registry.client.Client` does for us."""

    def get(
        self, url: str, *, headers: Mapping[str, str] | None = None, limit: int | None = None, method: str = "GET"
    ) -> Response:
        """The answer of whatever status, after redirects. Raises GitHelperError."""


class Asking:
    """Thread-safe. The first request to an origin goes alone: it learns which credential is wanted there, so that of many
    requests at once not each one is refused first, and a wrong password is not sent so often that it locks an account.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._gates: dict[Origin | None, _Gate] = {}
        self._lock = threading.Lock()

    def get(
        self, url: str, *, headers: Mapping[str, str] | None = None, limit: int | None = None, method: str = "GET"
    ) -> Response:
        """As `Client.get`."""
        parsed = PlainUrl.parse(url)
        origin = Origin.parse(parsed.scheme.encode(), parsed.authority.netloc.encode())
        with self._lock:
            gate = self._gates.setdefault(origin, _Gate())
        with gate:
            return self._client.get(url, headers=headers, limit=limit, method=method)


class _Gate:
    """Lets one through; when that one has come back, all the others."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self._first = threading.Lock()
        self._inside = threading.local()

    def __enter__(self) -> None:
        self._inside.first = False
        if self._open.is_set():
            return
        self._first.acquire()
        if self._open.is_set():  # while we waited
            self._first.release()
        else:
            self._inside.first = True

    def __exit__(self, *exception: object) -> None:
        if self._inside.first:
            self._open.set()
            self._first.release()


def accepted(response: Response, shown: str) -> Response:
    """The answer, unless it is a refusal: then it is closed and raised, with what the server said. See `check_status`."""
    try:
        check_status(response, shown)
    except GitHelperError as error:
        if said := _said(response):
            error.message += f"; it says: {said}"
            error.args = (error.message,)
        response.close()
        raise
    return response


def _said(response: Response) -> str:
    """The first line of what a server says about its refusal, if that is text for people."""
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip(" \t").lower()
    if kind not in ("text/plain", "application/json", "application/problem+json"):
        return ""
    try:
        text = response.read(_MOST_SAID).decode("utf-8", "replace")
    except GitHelperError:
        return ""
    if kind != "text/plain":
        found = _MESSAGE.search(text)
        text = found[1] if found else ""
    line = text.lstrip("\r\n\t ").partition("\n")[0].rstrip("\r\t ")
    return redact(line)[:_SAID_SHOWN]
