"""The store in the operating system's keyring; the only importer of `keyring`.

Three layers: `OsKeyring` is the store, with its time limit and lock; `keyring_shelf.py` knows which accounts are in
which item; `keyring_items.py` keeps bytes of any length in a back end, which `_Door` calls.
"""

from __future__ import annotations

import importlib
import logging
import os
import time
from typing import TYPE_CHECKING, Any, TypeVar

import keyring
from keyring.errors import NoKeyringError

from git_helper.core import record
from git_helper.errors import GitHelperError, StoreError, Timeout
from git_helper.stores.keyring_items import USER, Items
from git_helper.stores.keyring_shelf import Shelf, same_scope, scope_of
from git_helper.stores.time_limit import within
from git_helper.system.environment import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager
    from typing import Protocol

    from git_helper.core.credential import Account, Credential, Description

    class Files(Protocol):
        """What of `system/files.py` this store needs."""

        def locked(self, path: str, seconds: float) -> AbstractContextManager[None]:
            """Holds the lock beside `path`."""


Result = TypeVar("Result")
SECONDS = 30.0
PROBE_SECONDS = 5.0
CHOICE = "PYTHON_KEYRING_BACKEND"
_USE_FILE = "keep credentials in a file instead: git-helper configure --store file"
_UNLOCK = f"unlock it in your desktop session, or {_USE_FILE}"
# Back ends that replace a value in one step. The one of macOS deletes and adds; of others we do not know.
_WHOLE = frozenset(f"keyring.backends.{name}" for name in ("SecretService", "libsecret", "kwallet", "Windows"))
_LOCKED = frozenset(("KeyringLocked", "LockedException", "PromptDismissedException"))
_ABSENT = frozenset(
    ("NoKeyringError", "InitError", "SecretServiceNotAvailableException", "FileNotFoundError", "ConnectionError")
)

# A warning of a back end must not appear in the terminal of someone who runs git (git's own tests compare stderr).
logging.getLogger("keyring").addHandler(logging.NullHandler())


class OsKeyring:
    """The accounts in the OS keyring. Each operation ends within `seconds`, in Timeout when the keyring hangs.

    `folder` is where the lock file is, `files` opens what locks, `report` takes what a person must know, `backend` is
    what `answering` returned once. Without it, and where `PYTHON_KEYRING_BACKEND` is not set, keyring looks for one.
    """

    name = "keyring"
    protection = "OS keyring"

    def __init__(
        self,
        folder: str,
        files: Callable[[], Files],
        report: Callable[[str, GitHelperError], None],
        *,
        seconds: float = SECONDS,
        backend: str | None = None,
    ) -> None:
        self._lock_path = os.path.join(folder, "keyring")
        self._files = files
        self._report = report
        self._seconds = seconds
        self._backend = backend
        self._opened: Shelf | None = None
        self._late: Timeout | None = None

    def find(self, wanted: Description) -> Iterator[Credential]:
        """The credentials that answer `wanted`, newest first. Raises StoreError.

        Without a path in it, those for the whole host come before those of its paths (the path changed last first).
        """
        yield from self._limited(lambda: self._matching([scope_of(wanted)], wanted))
        if wanted.path is None:
            yield from self._limited(lambda: self._matching(self._shelf().paths(wanted), wanted))

    def accounts(self) -> list[Account]:
        """Every account: those of one protocol, host and path together, newest first. Raises StoreError."""

        def work() -> list[Account]:
            shelf = self._shelf()
            return [account for scope in shelf.scopes() for account in shelf.own(scope)]

        return self._limited(work)

    def store(self, account: Account) -> None:
        """Keeps the account in place of one with the same key. Raises StoreError; then all is as it was."""
        try:
            record.dump([account])
        except ValueError as error:
            raise StoreError(f"cannot keep the credential: {error}") from error
        self._limited(lambda: self._keep(account))

    def erase(self, wanted: Description, refused: Credential) -> int:
        """Forgets what answers `wanted` and holds the secret of `refused`; returns how many accounts.

        Raises StoreError.
        """
        return self._limited(lambda: self._forget(wanted, refused))

    def _matching(self, scopes: Iterable[Description], wanted: Description) -> list[Credential]:
        own = self._shelf().own
        return [account.credential for scope in scopes for account in own(scope) if account.answers(wanted)]

    def _keep(self, account: Account) -> None:
        shelf, scope = self._shelf(), scope_of(account)
        # git stores what we have just answered: nothing to do, so no lock and no write.
        if any(old.pairs() == account.pairs() for old in shelf.own(scope)[:1]):
            return
        with self._locked():
            # First the index: an entry without an item does no harm, an item without an entry would be lost to sight.
            shelf.put_first(scope)
            shelf.save(scope, record.replaced(shelf.load(scope), account))

    def _forget(self, wanted: Description, refused: Credential) -> int:
        # Most refused credentials were never ours: no lock, folder or file for those.
        if not any(credential.same_secret(refused) for credential in self._matching(self._scopes(wanted), wanted)):
            return 0
        shelf, erased = self._shelf(), 0
        with self._locked():
            emptied = []
            for scope in self._scopes(wanted):
                before = shelf.load(scope)
                after = record.without(before, wanted, refused)
                if len(after) < len(before):
                    erased += len(before) - len(after)
                    shelf.save(scope, after)
                if not any(same_scope(account, scope) for account in after):
                    emptied.append(scope)
            shelf.drop(emptied)
        return erased

    def _scopes(self, wanted: Description) -> list[Description]:
        own = scope_of(wanted)
        return [own] if wanted.path is not None else [own, *self._shelf().paths(wanted)]

    def _shelf(self) -> Shelf:
        if self._opened is None:
            items = _items(_backend(self._backend))
            self._opened = Shelf(items, lambda error: self._report(self.name, error))
        return self._opened

    def _locked(self) -> AbstractContextManager[None]:
        # A little less than the whole limit, so that a lock that is not to be had is named as the reason.
        return self._files().locked(self._lock_path, self._seconds * 0.9)

    def _limited(self, work: Callable[[], Result]) -> Result:
        # The whole of an operation, its lock included, is in the thread: if the keyring answers after all, nobody else
        # has written in between. Once late, we do not wait again.
        if self._late is not None:
            raise self._late
        late = _too_late(self._seconds)
        try:
            return within(self._seconds, work, late)
        except Timeout as error:
            self._late = late if error is late else None
            raise


class _Door:
    """A keyring back end by names, its errors turned into ours without their text, which may hold a secret."""

    def __init__(self, backend: Any) -> None:
        self.backend = backend

    def get(self, name: str) -> str | None:
        found = self._call("read", self.backend.get_password, name, USER)
        return found if isinstance(found, str) else None

    def set(self, name: str, value: str) -> None:
        self._call("write to", self.backend.set_password, name, USER, value)

    def delete(self, name: str) -> None:
        try:
            self._call("delete from", self.backend.delete_password, name, USER)
        except StoreError:
            # Back ends raise the same error for "there is none" and for "cannot".
            if self.get(name) is not None:
                raise

    def _call(self, action: str, method: Callable[..., object], *arguments: str) -> object:
        for pause in (0.1, 0.4, None):
            try:
                return method(*arguments)
            except Exception as error:
                failure = _failure(action, error)
            if pause is None or failure.message != _failure(action, NoKeyringError()).message:
                break
            time.sleep(pause)  # a bus that many processes knock at turns some of them away
        raise failure  # outside of the except clause: the cause must not hang on it


def _failure(action: str, error: Exception) -> StoreError:
    kinds = [kind.__name__ for kind in type(error).__mro__]
    if not _LOCKED.isdisjoint(kinds):
        return StoreError(f"cannot {action} the OS keyring: it is locked", _UNLOCK)
    if not _ABSENT.isdisjoint(kinds):
        return StoreError(f"cannot {action} the OS keyring: none can be reached", _USE_FILE)
    return StoreError(f"cannot {action} the OS keyring: its back end failed with '{kinds[0]}'", _USE_FILE)


def _too_late(seconds: float) -> Timeout:
    return Timeout(f"the OS keyring gave no answer within {seconds:g} s", _UNLOCK)


def _backend(recorded: str | None) -> Any:
    """The back end that the user chose by variable, else the recorded one, else the one that keyring chooses.

    Taking it by name spares the search of all installed packages. Raises StoreError.
    """
    chosen = environment().get(CHOICE)
    name = chosen or recorded
    if name:
        module, _, kind = name.rpartition(".")
        try:
            return getattr(importlib.import_module(module), kind)()
        except Exception as error:
            gone = isinstance(error, ImportError | AttributeError)
        if chosen or not gone:
            raise StoreError(f"cannot load the keyring back end '{name}'", "list them: keyring --list-backends")
    try:
        return keyring.get_keyring()
    except Exception as error:
        failure = _failure("open", error)
    raise failure


def _items(backend: Any) -> Items:
    kinds = type(backend).__mro__
    short = any(kind.__name__ == "WinVaultKeyring" for kind in kinds)
    return Items(_Door(backend), short=short, whole=kinds[0].__module__ in _WHOLE)


def works(seconds: float = PROBE_SECONDS) -> str | None:
    """The dotted name of the OS keyring's back end, to be recorded; None when none answers. See `answering`."""
    try:
        return answering(seconds)
    except StoreError:
        return None


def answering(seconds: float = PROBE_SECONDS) -> str:
    """The dotted name of a back end that kept a value, gave it back and forgot it, within `seconds`.

    Those that keyring itself does not recommend (priority below 1: plain text, `null`, `fail`) count only when
    `PYTHON_KEYRING_BACKEND` names them. Raises StoreError that says why there is none.
    """
    return within(seconds, _first_that_answers, _too_late(seconds))


def _first_that_answers() -> str:
    failure = StoreError("there is no OS keyring", _USE_FILE)
    for backend in _members(_backend(None)):
        try:
            _round_trip(_Door(backend))
        except StoreError as error:
            failure = error
        else:
            return f"{type(backend).__module__}.{type(backend).__qualname__}"
    raise failure


def _members(backend: Any) -> list[Any]:
    """The back ends that may count. The chainer asks all of its own each time; one of those can be recorded instead."""
    if environment().get(CHOICE):
        return [backend]
    chained = type(backend).__name__ == "ChainerBackend"
    try:
        return [member for member in (backend.backends if chained else [backend]) if type(member).priority >= 1]
    except Exception as error:
        failure = _failure("open", error)
    raise failure


def _round_trip(door: _Door) -> None:
    """Raises StoreError unless a value of several lines comes back as it was, and is gone when deleted."""
    name = f"git-helper:probe-{os.urandom(8).hex()}"
    value = f"protocol=https\nhost= {os.urandom(8).hex()} \u00fc\n\n"
    try:
        door.set(name, value)
        same = door.get(name) == value
    finally:
        door.delete(name)
    if not same or door.get(name) is not None:
        raise StoreError("the OS keyring does not give back what it keeps", _USE_FILE)
