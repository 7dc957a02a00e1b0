"""The heart: sources asked in order, lazily, until someone has enough of an answer."""

from git_helper.core.credential import Credential
from git_helper.errors import Cancelled, GitHelperError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Protocol

    from git_helper.core.credential import Account, Description

    class Source(Protocol):
        """A place where a credential may come from."""

        def find(self, wanted: Description) -> Iterable[Credential]:
            """What it knows, best first; partial answers too. Raises GitHelperError when it is broken."""

    class Store(Source, Protocol):
        """A place where credentials are kept; its name, and in a few words what protects them."""

        name: str
        protection: str

        def store(self, account: Account) -> None:
            """Keep it, in place of an account with the same key. Raises StoreError; then all is as it was."""

        def erase(self, wanted: Description, refused: Credential) -> int:
            """Forget every account that answers `wanted` and holds the secret of `refused`, if it has one; how many."""

        def accounts(self) -> list[Account]:
            """Every account, newest first."""

    Opener = Callable[[Description], Source | None]
    Report = Callable[[str, GitHelperError], None]


class Candidate:
    """One answer and the name of the source that gave it."""

    __slots__ = ("credential", "source")

    def __init__(self, source: str, credential: "Credential") -> None:
        self.source = source
        self.credential = credential


class Chain:
    """Named openers in their order. A source is opened only when the ones before it were not enough."""

    __slots__ = ("_now", "_openers", "_report")

    def __init__(self, openers: "Iterable[tuple[str, Opener]]", report: "Report", now: float) -> None:
        self._openers = list(openers)
        self._report = report
        self._now = now

    def names(self) -> "list[str]":
        """The sources in the order in which they are asked."""
        return [name for name, _ in self._openers]

    def candidates(self, wanted: "Description", *, ready: bool = True) -> "Iterator[Candidate]":
        """Each complete answer to `wanted` in order; last, if there was any, what is known in part.

        `ready`: whether a credential without user name and password, but with authtype, is of use to the caller.
        A user name learnt on the way narrows every later source; a broken source is reported and skipped.
        """
        known: Candidate | None = None
        for name, opener in self._openers:
            for credential in self._ask(name, opener, wanted):
                if None not in (wanted.username, credential.username) and wanted.username != credential.username:
                    continue  # git obeys the user name of an answer, so nobody may change it
                if credential.is_expired(self._now):
                    # Of use only to a helper that can renew it.
                    if credential.refresh_token is not None:
                        known = known or Candidate(name, credential.remainder())
                elif credential.is_basic() or (ready and credential.is_ready()):
                    yield Candidate(name, credential)
                elif credential.username is not None and not credential.is_ready():
                    known = known or Candidate(name, credential.remainder())
            if known is not None and known.credential.username is not None and wanted.username is None:
                wanted = wanted.narrowed(known.credential.username)
        if known is not None:
            yield known

    def _ask(self, name: str, opener: "Opener", wanted: "Description") -> "Iterator[Credential]":
        try:
            source = opener(wanted)
            if source is not None:
                yield from source.find(wanted)
        except Cancelled:
            raise
        except GitHelperError as error:
            self._report(name, error)
