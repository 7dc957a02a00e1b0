"""What worked in this process, and who has been asked: never on disk, never for another origin."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from git_helper.core.configured import rules_of
from git_helper.errors import GitHelperError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_helper.core.chain import Candidate
    from git_helper.core.credential import Description, Origin
    from git_helper.net.exchange import Keeper
    from git_helper.secret import Secret


class Known:
    """A candidate for what is wanted, and its keeper, who hears once that it works."""

    def __init__(self, candidate: Candidate, wanted: Description, keeper: Keeper | None = None) -> None:
        username = candidate.credential.username
        self.candidate = candidate
        self.keeper = keeper
        self.wanted = wanted if username is None else wanted.narrowed(username)
        self._approved = False
        self._lock = threading.Lock()

    def is_same(self, other: Known) -> bool:
        """Whether it is the same secret of the same user for the same path, from the same source."""
        return self._key() == other._key()

    def _key(self) -> tuple[object, ...]:
        one = self.candidate.credential
        place = (self.wanted.path, rules_of(self.wanted))
        return (self.candidate.source, place, one.username, one.password, one.authtype, one.credential)

    def first_success(self) -> bool:
        """True once only."""
        with self._lock:
            first, self._approved = not self._approved, True
            return first


class Remembered:
    """Credentials that worked, by origin and user; of several the one whose URL shares most segments with the new one."""

    def __init__(self) -> None:
        self._entries: list[tuple[Origin, tuple[str, ...], Known]] = []
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        return bool(self._entries)

    def find(self, origin: Origin, wanted: Description, path: str) -> Known | None:
        """The best one for the URL path `path` that has not expired; with a user name only one of that user."""
        with self._lock:
            return self._best(origin, wanted, path)

    def add(self, origin: Origin, known: Known, path: str) -> Known:
        """`known` worked for the URL path `path`; gives what stands for it from now on."""
        with self._lock:
            known = next((old for where, _, old in self._entries if where == origin and old.is_same(known)), known)
            best = self._best(origin, known.wanted, path)
            anyone = self._best(origin, known.wanted, path, of_anyone=True)
            if best is not known or anyone is not known:
                self._entries.append((origin, _segments(path), known))
            return known

    def _best(self, origin: Origin, wanted: Description, path: str, *, of_anyone: bool = False) -> Known | None:
        best: Known | None = None
        closest = (-1, False)
        segments = _segments(path)
        for where, other, known in self._entries:
            credential = known.candidate.credential
            if where != origin or known.wanted.path != wanted.path or credential.is_expired(time.time()):
                continue
            if rules_of(known.wanted) != rules_of(wanted):
                continue  # another team's account, as git is configured
            if not of_anyone and wanted.username is not None and credential.username != wanted.username:
                continue
            shared = _shared(other, segments)
            # Of equally close ones the one that is above, then the newest.
            if (shared, shared == len(other)) >= closest:
                best, closest = known, (shared, shared == len(other))
        return best


class Desk:
    """Where the requests for one origin, path and user line up: one of them at a time asks the sources."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.refused: set[Secret] = set()
        """Authorizations that the origin answered with 401; they are not tried again."""
        self._searches: dict[bool, Search] = {}

    def search(self, candidates: Iterator[Candidate], *, ask: bool) -> Search:
        """The search that was begun first, `candidates` only when there is none; hold the lock."""
        return self._searches.setdefault(ask, Search(candidates))


class Search:
    """Candidates as sources gave them, kept for the next request: nobody is asked twice."""

    def __init__(self, candidates: Iterator[Candidate]) -> None:
        self._candidates = candidates
        self._found: list[Candidate] = []
        self._failure: GitHelperError | None = None

    def __iter__(self) -> Iterator[Candidate]:
        place = 0
        while True:
            if place == len(self._found) and not self._advance():
                return
            yield self._found[place]
            place += 1

    def _advance(self) -> bool:
        """One more from the sources. Raises what ended the search, for example Cancelled, each time."""
        if self._failure is not None:
            raise type(self._failure)(self._failure.message, self._failure.hint)
        try:
            candidate = next(self._candidates, None)
        except GitHelperError as error:
            self._failure = error
            raise
        if candidate is None:
            return False
        self._found.append(candidate)
        return True


def _segments(path: str) -> tuple[str, ...]:
    return tuple(path.removesuffix("/").split("/")[1:])


def _shared(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    """How many leading segments are the same: `simple` and `simpleevil` share nothing."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (left, right) in pairs if left != right), min(len(one), len(other)))
