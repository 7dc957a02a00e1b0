"""The store of last resort, where no OS keyring works: one plain-text file, mode 0600.

First line `HEADER`, then the stanzas of `core/record.py`, then `FOOTER`, by which a cut-off file shows. Reading needs no
lock (the file is only ever replaced whole) and no parser (it is searched for the lines of the host). What writes is passed
in, because a `get` must not load it.
"""

from git_helper.core import record
from git_helper.errors import StoreError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Protocol

    from git_helper.core.credential import Account, Credential, Description
    from git_helper.errors import GitHelperError

    class Files(Protocol):
        """What of `system/files.py` this store needs."""

        def edit(self, path: str, change: Callable[[bytes | None], bytes | None]) -> None:
            """Replaces the file's content under its lock."""

        def keep_aside(self, path: str, content: bytes) -> str:
            """Keeps damaged content and returns where."""


HEADER = b"git-helper credentials 1\n\n"
FOOTER = b"end\n"


class CredentialFile:
    """The accounts in the file at `path`; `files` opens what writes, `report` takes what a person must know."""

    name = "file"
    protection = "plain text"

    def __init__(
        self, path: str, files: "Callable[[], Files]", report: "Callable[[str, GitHelperError], None]"
    ) -> None:
        self.path = path
        self._files = files
        self._report = report

    def find(self, wanted: "Description") -> "Iterator[Credential]":
        """The credentials that answer `wanted`, newest first. Raises StoreError for a file that is not ours or damaged."""
        try:
            for account in record.find(self._body(self._read()), wanted):
                yield account.credential
        except ValueError as error:
            raise self._damaged() from error

    def accounts(self) -> "list[Account]":
        """Every account, newest first. Raises StoreError like `find`."""
        try:
            return list(record.load(self._body(self._read())))
        except ValueError as error:
            raise self._damaged() from error

    def store(self, account: "Account") -> None:
        """Keeps the account in place of one with the same key. Raises StoreError; then the file is as it was."""
        # git stores what we have just answered: where it is the newest already, no lock and no write.
        if not self._is_newest(account):
            self._files().edit(self.path, lambda old: _pack(record.replaced(self._salvage(old), account)))

    def erase(self, wanted: "Description", refused: "Credential") -> int:
        """Forgets what answers `wanted` and holds the secret of `refused`; returns how many accounts."""
        erased = 0

        def change(old: "bytes | None") -> "bytes | None":
            nonlocal erased
            before = self._salvage(old)
            after = record.without(before, wanted, refused)
            erased = len(before) - len(after)
            return _pack(after) if erased else None

        # Most refused credentials were never ours: no lock, folder or file for those.
        if self._read() is not None:
            self._files().edit(self.path, change)
        return erased

    def _is_newest(self, account: "Account") -> bool:
        try:
            return self._body(self._read()).startswith(b"\n" + record.dump([account]))
        except ValueError:
            return False

    def _read(self) -> "bytes | None":
        try:
            with open(self.path, "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"cannot read '{self.path}': {reason(error)}") from error

    def _body(self, content: "bytes | None") -> bytes:
        """The stanzas, with the line break before the first one that `record.find` relies on."""
        if content is None:
            return b""
        if not content.startswith(HEADER) or not content.endswith(b"\n" + FOOTER):
            raise ValueError("no header or end")
        return content[len(HEADER) - 1 : -len(FOOTER)]

    def _salvage(self, content: "bytes | None") -> "list[Account]":
        """The accounts; of a damaged file those that can be read, after its bytes were kept aside and that was said."""
        try:
            return list(record.load(self._body(content)))
        except ValueError:
            pass
        aside = self._files().keep_aside(self.path, content or b"")
        saved: list[Account] = []
        for stanza in (content or b"").split(b"\n\n"):
            try:
                saved.extend(record.load(stanza))
            except ValueError:
                continue
        hint = f"{len(saved)} accounts could still be read and are kept"
        self._report(self.name, StoreError(f"the credential file was damaged; its bytes are in '{aside}'", hint))
        return saved

    def _damaged(self) -> "StoreError":
        return StoreError(
            f"cannot read '{self.path}': it is damaged", "the next stored credential repairs it; a copy stays"
        )


def _pack(accounts: "list[Account]") -> bytes:
    try:
        return HEADER + record.dump(accounts) + FOOTER
    except ValueError as error:
        raise StoreError(f"cannot keep the credential: {error}") from error
