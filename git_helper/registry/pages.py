"""Pages of registries, asked for with the credentials that apply and read as they arrive."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from git_helper.core.byte_size import MOST_PAGE_BYTES
from git_helper.registry import index_page
from git_helper.registry.asking import accepted
from git_helper.registry.links import without_userinfo
from git_helper.registry.page_facts import PageFacts
from git_helper.registry.patience import patiently

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from git_helper.net.message import Answered, Response
    from git_helper.registry.asking import Client
    from git_helper.registry.links import Link

AHEAD = 1 << 18
"""Bytes of a page that are read as soon as it comes. Most pages are shorter: then their connection is free again."""

_ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01"


class Page:
    """A page that a server has begun to send. Iterate over `links` once; a context manager.

    `url`: where it came from in the end, for reports. `status`: 200. `credential`: who let us in.
    """

    def __init__(self, response: Response, most_bytes: int) -> None:
        """Reads the beginning. Raises what reading raises; the answer is closed then."""
        self.url = without_userinfo(response.url)
        self.status = response.status
        self.credential: Answered | None = response.credential
        self.facts = PageFacts(self.url)
        self._response = response
        self._most_bytes = most_bytes
        self._ahead: list[bytes] = []
        try:
            self._read_ahead()
        except BaseException:
            response.close()
            raise

    def links(self) -> Iterator[Link]:
        """What it links to, while it arrives. Raises as `read_page`."""
        try:
            yield from index_page.read_page(
                self._blocks(),
                self._response.url,
                self._response.headers.get("Content-Type"),
                most_bytes=self._most_bytes,
                facts=self.facts,
            )
        finally:
            self.close()

    def close(self) -> None:
        """Lets the connection go."""
        self._response.close()

    def __enter__(self) -> Page:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _read_ahead(self) -> None:
        length = self._response.headers.get("Content-Length", "")
        if length.isascii() and length.isdigit() and int(length[:20]) > self._most_bytes:
            raise index_page.too_large(self.facts, self._most_bytes)
        left = min(AHEAD, self._most_bytes)
        for block in index_page.blocks(self._response):
            self._ahead.append(block)
            left -= len(block)
            if left <= 0:
                break

    def _blocks(self) -> Iterator[bytes]:
        ahead, self._ahead = self._ahead, []
        yield from ahead
        del ahead
        yield from index_page.blocks(self._response)


class Pages:
    """Asks for pages. Thread-safe."""

    def __init__(
        self, client: Client, most_bytes: int = MOST_PAGE_BYTES, *, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self.most_bytes = most_bytes
        self._client = client
        self._pause = pause

    def open(self, url: str) -> Page:
        """The page at a URL; a server that is busy is asked again. Raises NotFound, Refused, NoCredential, Unreachable,
        UsageError, Cancelled."""
        return patiently(lambda: self._open(url), self._pause)

    def _open(self, url: str) -> Page:
        response = self._client.get(url, headers={"Accept": _ACCEPT})
        return Page(accepted(response, without_userinfo(response.url)), self.most_bytes)
