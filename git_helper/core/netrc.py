"""The netrc format, as curl and CPython read it (`.netrc` of ftp(1), GNU inetutils).

Not the standard library's: that keeps only the last login of a machine, and tells neither line nor missing password.
"""

from __future__ import annotations

from git_helper.core.credential import Credential
from git_helper.secret import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_BLANK = b" \t\r\n"


class NetrcError(ValueError):
    """A file that is no netrc; `line` counts from 1."""

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line


class Entry:
    """One `machine` (or `default`, whose machine is None) with what was given for it."""

    __slots__ = ("login", "machine", "password")

    def __init__(self, machine: bytes | None) -> None:
        self.machine = machine
        self.login: bytes | None = None
        self.password: Secret | None = None


def parse(text: bytes) -> list[Entry]:
    """All entries in the order of the file. Raises NetrcError."""
    entries: list[Entry] = []
    tokens = _Tokens(text.removeprefix(b"\xef\xbb\xbf"))
    while (word := tokens.keyword()) is not None:
        if word == b"machine":
            entries.append(Entry(tokens.value(word)))
        elif word == b"default":
            entries.append(Entry(None))
        elif word == b"macdef":
            tokens.skip_macro()
        elif not entries or word not in (b"login", b"user", b"password", b"account"):
            # Not named: it may be the second half of a password.
            raise NetrcError("a word is no netrc keyword (what has blanks in it needs double quotes)", tokens.line)
        else:
            _fill(entries[-1], word, tokens.value(word))
    return entries


def _fill(entry: Entry, word: bytes, value: bytes) -> None:
    if word in (b"login", b"user"):
        entry.login = value
    elif word == b"password":
        entry.password = Secret(value)


def lookup(entries: list[Entry], host: bytes, username: bytes | None) -> Iterator[Credential]:
    """The credentials for `host` (lower case, IPv6 without brackets) and, where given, `username`; first entry first.

    `default` counts only where no entry names the host. An entry without password is known in part.
    """
    named = [entry for entry in entries if entry.machine is not None and entry.machine.lower().strip(b"[]") == host]
    for entry in named or [entry for entry in entries if entry.machine is None]:
        login = username if entry.login is None else entry.login
        if username is None or login == username:
            yield Credential(login, entry.password)


class _Tokens:
    """Words of a netrc; a word may be quoted, a backslash takes the next byte as it is, `#` before a keyword comments."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._at = 0

    @property
    def line(self) -> int:
        return self.line_of(self._at)

    def line_of(self, place: int) -> int:
        """Counted only for an error: for each word it would cost square time."""
        return self._text.count(b"\n", 0, place) + 1

    def keyword(self) -> bytes | None:
        """The next word that is not a comment; None at the end."""
        self._skip_blanks()
        while self._text[self._at : self._at + 1] == b"#":
            self._at = self._end_of(b"\n", self._at)
            self._skip_blanks()
        return self._word()

    def value(self, keyword: bytes) -> bytes:
        """The word after `keyword`; a `#` is part of it, because passwords may start with one."""
        start = self._at
        value = self._word()
        if value is None:
            raise NetrcError(f"'{keyword.decode()}' has no value", self.line_of(start))
        return value

    def skip_macro(self) -> None:
        """A macro goes on to the next empty line."""
        ends = [at for at in (self._text.find(mark, self._at) for mark in (b"\n\n", b"\n\r\n")) if at >= 0]
        self._at = min(ends, default=len(self._text))

    def _word(self) -> bytes | None:
        self._skip_blanks()
        text, size = self._text, len(self._text)
        if self._at >= size:
            return None
        if text[self._at] == 0x22:
            return self._quoted()
        word = bytearray()
        while self._at < size and text[self._at] not in _BLANK:
            self._take(word)
        return bytes(word)

    def _skip_blanks(self) -> None:
        while self._at < len(self._text) and self._text[self._at] in _BLANK:
            self._at += 1

    def _quoted(self) -> bytes:
        word, start = bytearray(), self._at
        self._at += 1
        while self._at < len(self._text) and self._text[self._at] != 0x22:
            self._take(word)
        if self._at >= len(self._text):
            raise NetrcError("a quote is not closed", self.line_of(start))
        self._at += 1
        return bytes(word)

    def _take(self, word: bytearray) -> None:
        if self._text[self._at] == 0x5C and self._at + 1 < len(self._text):
            self._at += 1
        word.append(self._text[self._at])
        self._at += 1

    def _end_of(self, mark: bytes, start: int) -> int:
        end = self._text.find(mark, start)
        return len(self._text) if end < 0 else end
