"""Who is asked for a registry's credential, and what is kept: `RegistryCredentials` of `net/registry_conversation`."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Protocol

from git_helper.core.chain import Candidate, Chain
from git_helper.core.credential import Account, Description
from git_helper.core.indexes import path_segments, realm
from git_helper.core.userinfo import is_plain_name
from git_helper.errors import GitHelperError
from git_helper.net.registry_conversation import PERSON, AmbiguousCredentials
from git_helper.net.registry_memory import Found
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from git_helper.core.chain import Opener, Report, Source, Store
    from git_helper.core.credential import Credential
    from git_helper.core.indexes import Wanted
    from git_helper.secret import Secret


class Keeper(Protocol):
    """Where `--keyring-provider import` keeps what a person typed."""

    def set(self, service: str, username: bytes, password: Secret) -> None:
        """Keeps an entry. Raises StoreError."""


class SeveralUsers(Exception):
    """A store knows several users for one URL that names none. No GitHelperError: the store is not broken."""

    def __init__(self, store: str, users: Iterable[bytes | None]) -> None:
        super().__init__(store)
        self.store = store
        self.users = sorted(visible(user) for user in users if user is not None)


class StoredFor:
    """What a store has for a URL: of the accounts of its origin those with the longest path that it is below."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, wanted: Description) -> Iterator[Credential]:
        """The account, newest first. Raises SeveralUsers; StoreError as the store does."""
        best: list[Account] = []
        for account in self._store.accounts():
            prefix = _segments(account.path)
            if not _is_for(account, wanted):
                continue
            if wanted.username not in (None, account.username) or account.credential.is_expired(time.time()):
                continue
            if not best or len(prefix) > len(_segments(best[0].path)):
                best = [account]
            elif len(prefix) == len(_segments(best[0].path)):
                best.append(account)
        users = {account.username for account in best}
        if len(users) > 1:
            raise SeveralUsers(self._store.name, users)
        for account in best[:1]:
            yield account.credential


class AskedForRegistries:
    """`openers`: the sources by name, in order; `person` opens the last one, None where nobody may be asked.

    `writer` opens the store for what a person typed, `stores` all of them. `keyring`: what keeps it instead, under
    host[:port], where pip looks for it; None: nothing. `uses_path`: whether git keeps one account for each path of the host.
    """

    def __init__(
        self,
        openers: Callable[[Description], Sequence[tuple[str, Opener]]],
        person: Callable[[], Source | None],
        writer: Callable[[], Store | None],
        stores: Callable[[], list[Store]],
        uses_path: Callable[[Description], bool],
        report: Report,
        explain: Callable[[str], None],
        keyring: Callable[[Description], Keeper | None],
    ) -> None:
        self._openers = openers
        self._person = person
        self._writer = writer
        self._stores = stores
        self._uses_path = uses_path
        self._report = report
        self._explain = explain
        self._keyring = keyring
        self._refused: list[tuple[Description, Candidate]] = []
        self._lock = threading.Lock()

    def first(self, wanted: Wanted) -> Found:
        """The first complete answer. Raises AmbiguousCredentials when the source with it knows several users."""
        chain = Chain(self._openers(wanted), self._report, time.time())
        names = chain.names()
        try:
            for candidate in chain.candidates(wanted):
                if candidate.credential.is_complete():
                    return Found(candidate, tuple(names[: names.index(candidate.source) + 1]))
        except SeveralUsers as error:
            raise _ambiguous(wanted, error, tuple(names[: names.index(error.store) + 1])) from None
        return Found(None, tuple(names))

    def person(self, wanted: Wanted) -> Iterator[Candidate] | None:
        """What the person answers; None where nobody may be asked."""
        person = self._person()
        return None if person is None else (Candidate(PERSON, one) for one in person.find(wanted))

    def approve(self, candidate: Candidate, wanted: Description) -> None:
        """What a person typed is kept, in place of what was refused in the same place; nothing else is copied."""
        self._explain(f"let in at {visible(wanted.host)} by: {candidate.source}")
        if candidate.source != PERSON:
            return
        try:
            self._keep(wanted, candidate.credential)
        except GitHelperError as error:
            self._report(PERSON, error)

    def reject(self, candidate: Candidate, wanted: Description) -> None:
        """Nothing is forgotten yet: a registry refuses with 401 also what is good for another index of the host."""
        self._explain(f"refused at {visible(wanted.host)}, from: {candidate.source}")
        with self._lock:
            self._refused.append((wanted, candidate))

    def _keep(self, wanted: Description, credential: Credential) -> None:
        store = self._writer()
        if store is None:
            return
        keyring = self._keyring(wanted)
        if keyring is not None and credential.username is not None and credential.password is not None:
            keyring.set(wanted.host.decode("ascii"), credential.username, credential.password)
            return
        path = self._path(wanted, credential, store)
        with self._lock:
            refused = [one.credential for where, one in self._refused if where.origin() == wanted.origin()]
        for old in refused:
            for each in self._stores():
                each.erase(Description(wanted.protocol, wanted.host, path, old.username), old)
        store.store(Account(wanted.protocol, wanted.host, path, credential))

    def _path(self, wanted: Description, credential: Credential, store: Store) -> bytes | None:
        """None, for the whole host; that of the index where git has one account for each path, or where an account of
        another user or of a path would come before: those may be good for other indexes."""
        if self._uses_path(wanted):
            return wanted.path
        rivals = (one for one in store.accounts() if _is_for(one, wanted))
        if any(one.path is not None or one.username != credential.username for one in rivals):
            return wanted.path or None
        return None


def _ambiguous(wanted: Wanted, several: SeveralUsers, asked: tuple[str, ...]) -> AmbiguousCredentials:
    origin = wanted.origin()
    path = visible(wanted.path or b"")
    known = [user for user in several.users if is_plain_name(user)]
    users = f"several users ({', '.join(known)})" if len(known) == len(several.users) else "several users"
    return AmbiguousCredentials(
        f"cannot choose a credential for '{origin}/{path}': the store '{several.store}' knows {users}",
        f"name the user in the URL: {visible(wanted.protocol)}://USER@{visible(wanted.host)}/{path}",
        asked,
    )


def _is_for(account: Account, wanted: Description) -> bool:
    """Whether its origin is the same, and its path the same or above."""
    prefix = _segments(account.path)
    one, other = Description(account.protocol, account.host).origin(), wanted.origin()
    if one is None or other is None or realm(one) != realm(other):
        return False
    return _segments(wanted.path)[: len(prefix)] == prefix


def _segments(path: bytes | None) -> tuple[str, ...]:
    return path_segments((path or b"").decode("utf-8", "surrogateescape"))
