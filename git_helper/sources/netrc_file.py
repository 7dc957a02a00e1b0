"""The netrc file: read as bytes, and given to its parser only when it can hold an answer."""

import os

from git_helper.errors import StoreError, reason, shell_word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any, Protocol

    from git_helper.core.credential import Credential, Description

    class Parser(Protocol):
        """What of `core/netrc.py` this source needs."""

        def parse(self, text: bytes) -> list[Any]:
            """The entries; raises ValueError."""

        def lookup(self, entries: list[Any], host: bytes, username: bytes | None) -> Iterator[Credential]:
            """The credentials of a host."""


_MOST_BYTES = 16 << 20  # `netrc-file` of a project may name anything, /dev/zero too


class NetrcFile:
    """The file at `path`; `parser` opens what reads it. A netrc knows no ports: an entry serves all of its host."""

    def __init__(
        self,
        path: str,
        parser: "Callable[[], Parser]",
        allow_http: "Iterable[bytes]",
        warn: "Callable[[StoreError], None] | None" = None,
        *,
        named: bool = False,
    ) -> None:
        """`warn` hears once when others can read what is used of the file. `named`: somebody says that there is one."""
        self._path = path
        self._parser = parser
        self._allow_http = allow_http
        self._warn = warn
        self._named = named
        self._is_broken = False

    def find(self, wanted: "Description") -> "Iterator[Credential]":
        """What the file has for the host and user. Raises StoreError naming the line of a file that is no netrc, once."""
        origin = wanted.origin()
        if origin is None or self._is_broken or not origin.may_get_tokens(self._allow_http):
            return
        text, mode = self._read()
        host = origin.host.strip(b"[]")
        # A search through 10,000 entries costs less than loading the parser.
        if host not in text.lower() and b"default" not in text:
            return
        parser = self._parser()
        try:
            entries = parser.parse(text)
        except ValueError as error:
            self._is_broken = True
            raise StoreError(f"cannot read '{self._path}': {error}") from error
        for credential in parser.lookup(entries, host, wanted.username):
            self._warn_of(mode)
            yield credential

    def _read(self) -> "tuple[bytes, int]":
        try:
            with open(self._path, "rb") as file:
                text, mode = file.read(_MOST_BYTES + 1), os.fstat(file.fileno()).st_mode
        except OSError as error:
            if isinstance(error, FileNotFoundError) and not self._named:
                return b"", 0
            self._is_broken = True
            raise StoreError(f"cannot read '{self._path}': {reason(error)}") from error
        if len(text) > _MOST_BYTES:
            self._is_broken = True
            raise StoreError(f"cannot read '{self._path}': it is too big")
        return text, mode

    def _warn_of(self, mode: int) -> None:
        """On Windows other rules decide who may read, and the mode says nothing."""
        warn, self._warn = self._warn, None
        if warn is not None and os.name == "posix" and mode & 0o004:
            message = f"others can read your passwords: '{self._path}' is world-readable"
            warn(StoreError(message, f"chmod 600 {shell_word(self._path)}"))
