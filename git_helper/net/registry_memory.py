"""What worked at registries in this process, and who was asked in vain: never on disk, never for another realm."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from git_helper.net.remembered import Search

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from git_helper.core.chain import Candidate
    from git_helper.core.credential import Origin
    from git_helper.net.remembered import Known
    from git_helper.secret import Secret

Segments = tuple[str, ...]


class Found(NamedTuple):
    """The answer of the first source that had one, and the sources that were asked, in order."""

    candidate: Candidate | None
    asked: tuple[str, ...]


class RealmCache:
    """Credentials that worked, by realm (scheme, host, port), user and URL prefix. Thread-safe."""

    def __init__(self) -> None:
        self._entries: list[tuple[Origin, Segments, Known]] = []
        self._lock = threading.Lock()

    def find(self, origin: Origin, username: bytes | None, segments: Segments) -> tuple[Known, bool] | None:
        """The one with the longest prefix, else the newest of the realm; with a user name only of that user.

        Also, whether it has let us in at a prefix of `segments` itself.
        """
        best: tuple[Known, bool] | None = None
        longest = -1
        with self._lock:
            for where, prefix, known in self._entries:
                credential = known.candidate.credential
                if where != origin or username not in (None, credential.username) or credential.is_expired(time.time()):
                    continue
                length = len(prefix) if segments[: len(prefix)] == prefix else -1
                if length >= longest:
                    best, longest = (known, length >= 0), length
        return best

    def add(self, origin: Origin, segments: Segments, known: Known) -> Known:
        """`known` worked below `segments`; gives what stands for it from now on."""
        with self._lock:
            known = next((old for where, _, old in self._entries if where == origin and old.is_same(known)), known)
            if (origin, segments, known) not in self._entries:
                self._entries.append((origin, segments, known))
            return known


class RealmDesk:
    """Where the requests for one realm and user line up: one of them at a time asks. Hold the lock for all of it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.refused: set[tuple[Segments, Secret]] = set()
        """Authorizations that were answered with 401 below a prefix; they are not tried there again."""
        self._found: dict[object, Found | Exception] = {}
        self._person: Search | None = None

    def found(self, key: object, look_up: Callable[[], Found]) -> Found:
        """What `look_up` gave or raised when it was called for `key`: once, failures too."""
        if key not in self._found:
            try:
                self._found[key] = look_up()
            except Exception as error:
                self._found[key] = error
        found = self._found[key]
        if isinstance(found, Exception):
            raise found.with_traceback(None)
        return found

    def person(self, answers: Iterator[Candidate]) -> Search:
        """The answers of the person, those of an earlier question first."""
        if self._person is None:
            self._person = Search(answers)
        return self._person
