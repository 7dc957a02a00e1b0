"""Whatever registries serve (index pages, files, find-links), fetched with the credentials that apply."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from git_helper.core import indexes as configured
from git_helper.core.indexes import Userinfo
from git_helper.core.plain_url import PlainUrl
from git_helper.net.message import Request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from git_helper.core.credential import Origin
    from git_helper.core.indexes import Index, Place
    from git_helper.net.message import Response

SEARCH = frozenset({401, 403, 404})
"""Registries hide what is private behind any of these: 401 Azure and AWS, 403 Google, 404 GitLab (5-http §3.8)."""


class Sender(Protocol):
    """What `net.session.Session` does for us."""

    def send(self, request: Request) -> Response:
        """The answer; a context manager."""


class Client:
    """Asks registries; `indexes` are all that the command was given. Thread-safe."""

    def __init__(self, session: Sender, indexes: Sequence[Index] = ()) -> None:
        self._session = session
        self._indexes = tuple(indexes)

    def get(
        self, url: str, *, headers: Mapping[str, str] | None = None, limit: int | None = None, method: str = "GET"
    ) -> Response:
        """The answer for a URL, which may carry userinfo; redirects are followed, GET and HEAD only.

        `limit`: see `Request`. 401 is an error; any other status is the caller's to judge, `response.asked` says who was
        asked in vain for a credential. Raises NoCredential, Refused, Unreachable, UsageError, Cancelled.
        """
        info = Userinfo.of(PlainUrl.parse(url))
        return self._session.send(
            Request(
                method,
                url,
                dict(headers or {}),
                username=info.username,
                password=info.password,
                search=SEARCH,
                limit=limit,
                place=self._place,
            )
        )

    def _place(self, origin: Origin, path: str) -> Place:
        return configured.place(self._indexes, origin, path)
