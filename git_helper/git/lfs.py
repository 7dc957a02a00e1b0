"""Git LFS: what pointers stand for, fetched over the batch API (git-lfs docs/api/batch.md) with the session's credentials.

Objects are verified and kept below a folder as git-lfs keeps them: `aa/bb/<oid>`, whole or not there.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote_to_bytes, urljoin, urlsplit

from git_helper.core.parse_error import ParseError
from git_helper.core.plain_url import PlainUrl
from git_helper.core.redaction import display_url, redact
from git_helper.errors import Cancelled, GitHelperError, NotFound, Refused, Unreachable
from git_helper.frozen import frozen
from git_helper.git import lfs_objects
from git_helper.net.message import Request
from git_helper.secret import visible
from git_helper.system.together import together

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from git_helper.core.giturl import GitUrl
    from git_helper.git.lfs_pointer import LfsPointer
    from git_helper.net.message import Response

_TYPE = "application/vnd.git-lfs+json"
_BATCH = 100
_LARGEST_ANSWER = 16 << 20
_BLOCK = 1 << 18
_WORKERS = 4
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[\x20-\x7e\t\x80-\xff]*")
_SAID = 2000  # characters
_LEAVE = "to leave the pointers in place: export GIT_LFS_SKIP_SMUDGE=1"


class Sender(Protocol):
    """What `net.session.Session` does for us."""

    def send(self, request: Request) -> Response:
        """The answer; a context manager."""


class DamagedLfsObject(GitHelperError):
    """What the server sent is not what the pointer stands for; slug `damaged-lfs-object`."""

    error = "damaged-lfs-object"


@frozen
class _Download:
    """Where one object is. `headers` are the server's, for this URL only."""

    pointer: LfsPointer
    url: str
    headers: dict[str, str]


class LfsClient:
    """The LFS side of one repository. `endpoint`: another URL for the API, as `lfs.url` of `.lfsconfig` names it.

    `headers`: what every question to the API carries; with an Authorization in them no credential of ours is looked for.

    Raises what the session raises, NotFound, Refused, Unreachable, DamagedLfsObject and OSError. Thread-safe.
    """

    def __init__(
        self, session: Sender, url: GitUrl, endpoint: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        if endpoint is not None and urlsplit(endpoint).scheme != "https" and url.scheme != "http":
            # Whoever can write to the repository would have everybody fetch in clear, maybe with a credential.
            raise Refused(
                f"cannot fetch LFS objects of '{url.masked_clone_url}': '.lfsconfig' names '{display_url(endpoint)}', "
                f"which is less safe than {url.scheme}",
                _LEAVE,
            )
        self._session = session
        self._url = url
        self._headers = dict(headers or {})
        base = url.safe_url.rstrip("/")
        base = base if base.endswith(".git") else base + ".git"
        self._endpoint = (endpoint or f"{base}/info/lfs").rstrip("/")

    def fetch(self, pointers: Iterable[LfsPointer], folder: str, progress: Callable[[int], None] | None = None) -> None:
        """Puts all objects below `folder`, each once; those that are there already are not asked for.

        `progress` gets the number of bytes that have come, from several threads.
        """
        wanted = {one.oid: one for one in pointers if not os.path.exists(lfs_objects.object_path(folder, one.oid))}
        missing = list(wanted.values())
        if missing:
            lfs_objects.sweep(folder)
        for start in range(0, len(missing), _BATCH):
            downloads = self._ask(missing[start : start + _BATCH])
            # All come to their end, so that none leaves half a file behind.
            for error in together([partial(self._tried, one, folder, progress) for one in downloads], _WORKERS):
                if error is not None:
                    raise error

    def _tried(self, download: _Download, folder: str, progress: Callable[[int], None] | None) -> Exception | None:
        try:
            self._fetch(download, folder, progress)
        except Cancelled:
            raise
        except (GitHelperError, OSError) as error:
            return error
        return None

    # ------------------------------------------------------------------ the batch API

    def _ask(self, pointers: Sequence[LfsPointer]) -> list[_Download]:
        """Where the objects are."""
        question = {
            "operation": "download",
            "transfers": ["basic"],
            "hash_algo": "sha256",
            "objects": [{"oid": one.oid, "size": one.size} for one in pointers],
        }
        url = f"{self._endpoint}/objects/batch"
        headers = {**self._headers, "Accept": _TYPE, "Content-Type": _TYPE}
        ours = "Authorization" not in headers
        asked = self._request("POST", url, headers, json.dumps(question).encode(), ours=ours)
        with self._session.send(asked) as response:
            if response.status != 200:
                raise self._refusal(response)
            try:
                answer = json.loads(response.read())
                found = {one["oid"]: one for one in answer["objects"]}
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                raise Unreachable(f"cannot read the answer of '{self._shown}': it is not of Git LFS") from error
        return [self._download(one, found.get(one.oid)) for one in pointers]

    def _download(self, pointer: LfsPointer, found: Any) -> _Download:
        if not isinstance(found, dict):
            raise NotFound(f"cannot find the LFS object '{pointer.oid}' at '{self._shown}'", _LEAVE)
        error = found.get("error")
        if isinstance(error, dict):
            said = redact(str(error.get("message", ""))[:_SAID])[:300]
            raise NotFound(f"cannot find the LFS object '{pointer.oid}' at '{self._shown}': {said}", _LEAVE)
        try:
            action = found["actions"]["download"]
            url = urljoin(self._endpoint + "/", str(action["href"]))
            PlainUrl.parse(url)
            headers = header_fields(action.get("header") or {})
        except (KeyError, TypeError, ValueError, AttributeError, ParseError) as wrong:
            raise Unreachable(f"cannot read the answer of '{self._shown}': it names no download") from wrong
        if urlsplit(url).scheme not in ("http", "https") or (
            urlsplit(url).scheme == "http" and urlsplit(self._endpoint).scheme == "https"
        ):
            raise Unreachable(
                f"cannot fetch the LFS object '{pointer.oid}' from '{display_url(url)}': it is not encrypted"
            )
        return _Download(pointer, url, headers)

    def _fetch(self, download: _Download, folder: str, progress: Callable[[int], None] | None) -> None:
        """One object, hashed on the way."""
        pointer = download.pointer
        path = lfs_objects.object_path(folder, pointer.oid)
        # An address with its own Authorization needs no credential of ours; another origin would get none anyway.
        ours = "Authorization" not in download.headers
        request = self._request("GET", download.url, download.headers, None, pointer.size, ours=ours)
        with self._session.send(request) as response:
            if response.status != 200:
                raise self._refusal(response, pointer)
            with lfs_objects.arriving(path) as file:
                checksum, size = hashlib.sha256(), 0
                while block := response.read1(_BLOCK):
                    checksum.update(block)
                    size += file.write(block)
                    if progress is not None:
                        progress(len(block))
                if (size, checksum.hexdigest()) != (pointer.size, pointer.oid):
                    raise DamagedLfsObject(f"the LFS object '{pointer.oid}' that '{self._shown}' sent is another one")

    # ------------------------------------------------------------------ requests

    def _request(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        body: bytes | None,
        limit: int = _LARGEST_ANSWER,
        *,
        ours: bool = True,
    ) -> Request:
        """Userinfo belongs to the origin that the person wrote it for; what opened the repository there opens this too."""
        statuses = frozenset({401}) if ours else frozenset[int]()
        if not ours or not self._is_own(url):
            return Request(method, url, headers, body, search=statuses, limit=limit)
        name = None if self._url.user is None else self._url.user.reveal()
        path = unquote_to_bytes(urlsplit(self._url.safe_url).path.strip("/"))
        return Request(method, url, headers, body, name, self._url.password, path, statuses, limit)

    def _is_own(self, url: str) -> bool:
        own, other = urlsplit(self._url.safe_url), urlsplit(url)
        return _origin(own.scheme, own.hostname, own.port) == _origin(other.scheme, other.hostname, other.port)

    def _refusal(self, response: Response, pointer: LfsPointer | None = None) -> GitHelperError:
        what = f"the LFS object '{pointer.oid}'" if pointer is not None else "LFS objects"
        if response.status in (404, 410, 501):
            return NotFound(f"cannot fetch {what}: '{self._shown}' has none ({response.status})", _LEAVE)
        if response.status in (401, 403):
            return Refused(f"cannot fetch {what}: '{self._shown}' refuses it ({response.status})", _LEAVE)
        return Unreachable(f"cannot fetch {what}: '{self._shown}' answered {response.status}", "try again later")

    @property
    def _shown(self) -> str:
        return visible(display_url(self._endpoint))


def header_fields(given: Mapping[object, object]) -> dict[str, str]:
    """What a server wants to find in a request. Raises ValueError for what is no header field (RFC 9110 §5)."""
    fields = {str(name).title(): str(value) for name, value in given.items()}
    if not all(_NAME.fullmatch(name) and _VALUE.fullmatch(value) for name, value in fields.items()):
        raise ValueError("a header field in it is none")
    return fields


def _origin(scheme: str, host: str | None, port: int | None) -> tuple[str, str | None, int | None]:
    return scheme, host, port or {"http": 80, "https": 443}.get(scheme)
