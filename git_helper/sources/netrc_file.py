"""The netrc file: read as bytes, and given to its parser only when it can hold an answer."""

from git_helper.errors import StoreError

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


class NetrcFile:
    """The file at `path`; `parser` opens what reads it. A netrc knows no ports: an entry serves all of its host."""

    def __init__(self, path: str, parser: "Callable[[], Parser]", allow_http: "Iterable[bytes]") -> None:
        self._path = path
        self._parser = parser
        self._allow_http = allow_http

    def find(self, wanted: "Description") -> "Iterator[Credential]":
        """What the file has for the host and user. Raises StoreError naming the line of a file that is no netrc."""
        origin = wanted.origin()
        if origin is None or not origin.may_get_tokens(self._allow_http):
            return
        text = self._read()
        host = origin.host.strip(b"[]")
        # A search through 10,000 entries costs less than loading the parser.
        if host not in text.lower() and b"default" not in text:
            return
        parser = self._parser()
        try:
            entries = parser.parse(text)
        except ValueError as error:
            raise StoreError(f"cannot read '{self._path}': {error}") from error
        yield from parser.lookup(entries, host, wanted.username)

    def _read(self) -> bytes:
        try:
            with open(self._path, "rb") as file:
                return file.read()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise StoreError(f"cannot read '{self._path}': {error.strerror}") from error
