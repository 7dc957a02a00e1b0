"""dulwich's HTTP client over our own session: credentials, redirects, trust and limits are the session's.

`HttpGitClient` takes any pool that has `headers` and `request`; it is handed URLs without userinfo, so none can end up
where it keeps them (6-ssh-and-clone §5).
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Protocol
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

from dulwich.client import HttpGitClient

from git_helper.git.http_answers import ADVERTISEMENT, RESULT, check_answer
from git_helper.git.pkt_line import REFS_LIMIT, Packets, packet
from git_helper.net.message import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dulwich.client import GitClient

    from git_helper.core.giturl import GitUrl
    from git_helper.net.message import Headers, Response
    from git_helper.secret import Secret

_BUFFER = 1 << 20
_INFO_REFS = "/info/refs"
_DELIMITER = b"0001"
_COMMAND_FETCH = packet("command=fetch")


class Sender(Protocol):
    """What `net.session.Session` does for us."""

    def send(self, request: Request) -> Response:
        """The answer; a context manager."""


def http_client(session: Sender, url: GitUrl) -> GitClient:
    """A client for the repository; the path that its methods ask for is empty. Raises what the session raises."""
    # thin-pack: dulwich's own server refuses clients without it; where nothing is there yet, no pack is thin.
    return HttpGitClient(url.safe_url, pool_manager=SessionPool(session, url), include_tags=True)  # type: ignore[arg-type]


class SessionPool:
    """The pool of connections that dulwich sees."""

    def __init__(self, session: Sender, url: GitUrl) -> None:
        self.headers: dict[str, str] = {}
        self._session = session
        self._url = url

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        preload_content: bool = False,
        timeout: float | None = None,
    ) -> PoolResponse:
        """The answer, which is git's; the limits are the session's. Raises what it raises, NotFound, Refused, NotGit."""
        kept = {name: value for name, value in (headers or {}).items() if name.lower() != "content-length"}
        parts = urlsplit(url)
        response = self._session.send(self._request(method, url, parts, kept, body))
        try:
            is_list = parts.path.endswith(_INFO_REFS)
            check_answer(response, self._url.masked_clone_url, ADVERTISEMENT if is_list else RESULT)
        except BaseException:
            response.close()
            raise
        answer = PoolResponse(response)
        said = answer.refusal()
        if said is not None:
            response.close()
            raise Packets(response.read1, self._url.masked_clone_url, self._secrets()).refusal(said)
        return answer

    def _secrets(self) -> list[Secret]:
        return [secret for secret in (self._url.password, self._url.user) if secret is not None]

    def _request(
        self, method: str, url: str, parts: SplitResult, headers: Mapping[str, str], body: bytes | None
    ) -> Request:
        """Userinfo belongs to the origin that the person wrote it for; elsewhere a redirect has led us."""
        same = _origin(parts) == _origin(urlsplit(self._url.safe_url))
        user, password = (self._url.user, self._url.password) if same else (None, None)
        name = None if user is None else user.reveal()
        path = unquote_to_bytes(parts.path.removesuffix(_INFO_REFS).removesuffix("/git-upload-pack").strip("/"))
        asks_for_pack = body is not None and not body[4:].startswith(b"command=ls-refs")
        limit = None if asks_for_pack else REFS_LIMIT
        sent = None if body is None else with_features(body)
        return Request(method, url, headers, sent, name, password, path, limit=limit)


class PoolResponse:
    """An answer as dulwich reads it: exactly as many bytes as asked for, fewer only at the end."""

    def __init__(self, response: Response) -> None:
        self.status = response.status
        self.headers: Headers = response.headers
        self._response = response
        self._file = io.BufferedReader(_Raw(response), _BUFFER)
        self._head = b""

    def read(self, size: int = -1) -> bytes:
        """Raises Unreachable when the answer stalls or is cut off."""
        if not self._head:
            return self._file.read(size)
        first, self._head = (self._head, b"") if size < 0 else (self._head[:size], self._head[size:])
        return first + self._file.read(size if size < 0 else size - len(first))

    def refusal(self) -> bytes | None:
        """What the server says instead of an answer (`ERR`), which dulwich would not tell."""
        self._head = self._file.read(8)
        return self.read(int(self._head[:4], 16))[8:] if re.match(b"[0-9a-f]{4}ERR ", self._head) else None

    def geturl(self) -> str:
        """Where it came from, redirects followed: the requests that follow go there."""
        return self._response.url

    def close(self) -> None:
        """Lets the connection go."""
        self._response.close()


class _Raw(io.RawIOBase):
    def __init__(self, response: Response) -> None:
        self._response = response

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._response.read1(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def with_features(body: bytes) -> bytes:
    """A request for a pack as git makes it, with what dulwich leaves out in version 2.

    `ofs-delta`: bases of deltas are named by their places, else the pack is longer and git looks each base up by name;
    `include-tag`: annotated tags come with the commits that they name.
    """
    if not body.startswith(_COMMAND_FETCH):
        return body
    position = 0
    while body[position : position + 4] != _DELIMITER:
        length = int(body[position : position + 4] or b"0", 16)
        if length < 4:
            return body
        position += length
    position += 4
    return body[:position] + packet("ofs-delta") + packet("include-tag") + body[position:]


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
