"""A server of files that knows Range and If-Range, and can fail on the way."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping

from tests.servers.http_message import Dropped, Request, Response
from tests.servers.loopback import LoopbackServer


class FileServer(LoopbackServer):
    """Serves `files` by path. `tag`: the ETag of everything, or None.

    `cuts`: byte counts, each answer is cut after the next of them; `statuses`: answers, with headers, that come first.
    """

    def __init__(self, files: Mapping[str, bytes], tag: str | None = '"v1"') -> None:
        super().__init__()
        self.files = dict(files)
        self.tag = tag
        self.cuts: list[int] = []
        self.statuses: list[tuple[int, dict[str, str]]] = []
        self.ranges = True
        self.headers: dict[str, str] = {}

    def answer(self, request: Request) -> Response:
        if self.statuses:
            status, headers = self.statuses.pop(0)
            return Response(status, headers, b"")
        content = self.files.get(request.path)
        if content is None:
            return Response(404, {}, b"")
        headers = dict(self.headers) | ({} if self.tag is None else {"ETag": self.tag})
        start = self._start(request)
        if start is None:
            return Response(200, headers | {"Content-Length": str(len(content))}, self._cut(content))
        if start >= len(content):
            return Response(416, {"Content-Range": f"bytes */{len(content)}"}, b"")
        rest = content[start:]
        headers |= {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
        return Response(206, headers | {"Content-Length": str(len(rest))}, self._cut(rest))

    def _start(self, request: Request) -> int | None:
        found = re.fullmatch(r"bytes=(\d+)-", request.headers.get("range", ""))
        condition = request.headers.get("if-range")
        if found is None or not self.ranges or (condition is not None and condition != self.tag):
            return None
        return int(found[1])

    def _cut(self, content: bytes) -> Iterator[bytes]:
        if not self.cuts:
            yield content
            return
        yield content[: self.cuts.pop(0)]
        raise Dropped

    def asked_for(self) -> list[str | None]:
        """The Range of each request."""
        return [request.headers.get("range") for request in self.requests]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
