"""One file from a registry or a URL: fetched, taken up again where it was cut off, verified, and put in its place whole."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Protocol

from git_helper.core.digests import DigestMismatch, Digests
from git_helper.errors import GitHelperError, NotFound, Unreachable, reason
from git_helper.frozen import frozen
from git_helper.net.message import Interrupted
from git_helper.registry.answers import Busy, check_status
from git_helper.registry.file_place import put
from git_helper.registry.hashing import Hashing, digests_of
from git_helper.registry.partial_file import PARTIAL_CONTENT, PartialFile
from git_helper.registry.patience import pause_after
from git_helper.system.file_url import url2pathname

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import BinaryIO

    from git_helper.core.plain_url import PlainUrl
    from git_helper.net.message import Answered, Response
    from git_helper.registry.artefact_cache import ArtefactCache, Kept

    Watch = Callable[[int, int | None], None]
    """Hears the bytes so far and in all."""

ATTEMPTS = 5
"""In a row without a single new byte."""
_BLOCK = 1 << 18
_RANGE_NOT_SATISFIABLE = 416
_MOST_DIGITS = 20  # int() raises for more than 4,300


class Get(Protocol):
    """Asks a server with the credentials that apply."""

    def __call__(self, url: str, *, headers: Mapping[str, str]) -> Response:
        """The answer of whatever status. Raises GitHelperError."""


@frozen
class Artefact:
    """A file to fetch. `filename`: what it is called on disk; checked by `safe_filename`."""

    url: PlainUrl
    filename: str
    digests: Digests


@frozen
class Fetched:
    """A file at its absolute `path`, `size` in bytes. `credential`: who let us in; `cached`: nobody was asked."""

    path: str
    size: int
    digests: Mapping[str, str]
    credential: Answered | None = None
    cached: bool = False


class Artefacts:
    """Fetches files for one command. Thread-safe."""

    def __init__(
        self,
        get: Get,
        cache: ArtefactCache,
        *,
        offline: bool = False,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._get = get
        self._cache = cache
        self._offline = offline
        self._pause = pause

    def fetch(self, wanted: Artefact, folder: str, watch: Watch) -> Fetched:
        """Puts the file into `folder`, whole or not at all. Raises DigestMismatch and other GitHelperErrors."""
        place = os.path.join(os.path.abspath(folder), wanted.filename)
        there = self._there(place, wanted.digests)
        if there is not None:
            return _fetched(place, there, cached=True)
        if wanted.url.scheme == "file":
            return self._local(wanted, place)
        kept = self._cache.find(wanted.digests)
        if kept is not None:
            return _fetched(put(kept.path, place), kept.digests, cached=True)
        if self._offline:
            raise Unreachable(f"cannot fetch '{wanted.url.display}': --offline", "fetch it once without --offline")
        received, answered = self._received(wanted, watch)
        return _fetched(put(received.path, place), received.digests, answered)

    def _there(self, place: str, digests: Digests) -> dict[str, str] | None:
        """The digests of what is in its place already, if they say that it is the very file."""
        if not digests.groups or not os.path.isfile(place):
            return None
        found = digests_of(place, digests.algorithms)
        return found if digests.are_met(found) else None

    def _local(self, wanted: Artefact, place: str) -> Fetched:
        path = url2pathname(wanted.url.path)
        if not os.path.isfile(path):
            raise NotFound(f"cannot find the file '{wanted.url.display}'")
        found = digests_of(path, wanted.digests.algorithms)
        wanted.digests.check(found, wanted.url.display)
        return _fetched(put(path, place), found)

    def _received(self, wanted: Artefact, watch: Watch) -> tuple[Kept, Answered | None]:
        """The verified file in the cache, and who let us in."""
        with self._cache.partial(wanted.url.safe_url) as partial:
            resumed = partial.size > 0
            found, answered = self._persist(wanted, partial, watch)
            if resumed and not wanted.digests.are_met(found):
                partial.forget()  # it was another file before
                found, answered = self._persist(wanted, partial, watch)
            try:
                wanted.digests.check(found, wanted.url.display)
            except DigestMismatch:
                partial.forget()
                raise
            return self._cache.keep(partial, found), answered

    def _persist(self, wanted: Artefact, partial: PartialFile, watch: Watch) -> tuple[dict[str, str], Answered | None]:
        """Asks until all of it is there; its digests. Whatever arrives at all makes the next try worth it."""
        failures = 0
        while True:
            before = partial.size
            try:
                return self._ask(wanted, partial, watch)
            except Interrupted as error:
                failures = 1 if partial.size > before else failures + 1
                if failures >= ATTEMPTS:
                    raise
                self._pause(pause_after(failures, error))

    def _ask(self, wanted: Artefact, partial: PartialFile, watch: Watch) -> tuple[dict[str, str], Answered | None]:
        # A resumed part must be of the same bytes: nothing may be packed on the way.
        headers = {"Accept-Encoding": "identity"} | partial.headers(known=bool(wanted.digests.groups))
        with self._get(wanted.url.text.reveal().decode(), headers=headers) as response:
            if response.status == _RANGE_NOT_SATISFIABLE:
                partial.forget()
                raise Busy(f"cannot go on with '{wanted.url.display}': the server has another file now", 0.0)
            check_status(response, wanted.url.display)
            total = _total(response, partial)
            try:
                with partial.open(response.status, response.headers) as file:
                    hashing = Hashing(wanted.digests.algorithms)
                    if file.tell():
                        hashing.add_file(partial.path)  # what was there before
                    _copy(response, file, hashing, total, watch)
            except OSError as error:
                raise GitHelperError(f"cannot write to the cache '{self._cache.folder}': {reason(error)}") from error
            return hashing.digests(), response.credential


def _fetched(
    path: str, digests: Mapping[str, str], credential: Answered | None = None, *, cached: bool = False
) -> Fetched:
    return Fetched(path, os.path.getsize(path), digests, credential, cached)


def _copy(response: Response, file: BinaryIO, hashing: Hashing, total: int | None, watch: Watch) -> None:
    received = file.tell()
    while block := response.read1(_BLOCK):
        hashing.add(block)
        file.write(block)
        received += len(block)
        watch(received, total)


def _total(response: Response, partial: PartialFile) -> int | None:
    """Bytes of the whole file, if the answer says so."""
    length = response.headers.get("Content-Length", "")
    if not (length.isascii() and length.isdigit() and len(length) < _MOST_DIGITS):
        return None
    return int(length) + (partial.size if response.status == PARTIAL_CONTENT else 0)
