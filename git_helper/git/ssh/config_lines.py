"""The lines of an ssh_config file: keyword and words, with the place they came from for every complaint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_helper.errors import UsageError
from git_helper.frozen import frozen
from git_helper.git.ssh.patterns import lower
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLANK = " \t\r"
_SYSTEM_SSH = "mend the line, or let the ssh program read it: export GIT_SSH_COMMAND=ssh"


class SshConfigError(UsageError):
    """A configuration that we will not follow by guessing. `file` and `line` (from 1; 0: the file as a whole)."""

    def __init__(self, file: str, line: int, reason: str, hint: str = _SYSTEM_SSH) -> None:
        place = f"'{visible(file)}'" + (f", line {line}" if line else "")
        super().__init__(f"cannot use the ssh configuration {place}: {reason}", hint)
        self.file = file
        self.line = line


@frozen
class Line:
    """One line with content. `keyword`: lower case; `rest`: all after it as written; `words`: `rest` as arguments."""

    file: str
    number: int
    keyword: str
    rest: str
    words: tuple[str, ...]

    def error(self, reason: str) -> SshConfigError:
        """An error at this line."""
        return SshConfigError(self.file, self.number, reason)

    def word(self) -> str:
        """The only argument. Raises SshConfigError when there are more, or an empty one."""
        if len(self.words) > 1:
            raise self.error(f"'{self.keyword}' takes one value (quote it if it has spaces)")
        if not self.words or not self.words[0]:
            raise self.error(f"'{self.keyword}' has no value")
        return self.words[0]


def lines_of(file: str, content: bytes) -> Iterator[Line]:
    """The lines with content, in order. Raises SshConfigError for one without value, with an open quote or a NUL byte.

    Text is UTF-8, other bytes become surrogates (PEP 383), so that names of files keep theirs.
    """
    for number, text in enumerate(content.decode("utf-8", "surrogateescape").split("\n"), 1):
        line = _line(file, number, text)
        if line is not None:
            yield line


def _line(file: str, number: int, text: str) -> Line | None:
    if "\0" in text:
        raise SshConfigError(file, number, "a NUL byte is in it")
    text = text.rstrip(_BLANK + "\f").lstrip(_BLANK)
    if text.startswith("="):  # OpenSSH skips one '=' after any run of blanks, also after an empty one
        text = text[1:].lstrip(_BLANK)
    if not text or text.startswith("#"):
        return None
    keyword, rest = _split_keyword(text)
    keyword = visible(lower(keyword))
    if not rest:
        raise SshConfigError(file, number, f"'{keyword}' has no value")
    words = split_words(rest)
    if words is None:
        raise SshConfigError(file, number, "a quote is not closed")
    return Line(file, number, keyword, rest, tuple(words))


def _split_keyword(text: str) -> tuple[str, str]:
    """The keyword, which may be quoted, and what follows the blanks and at most one `=` behind it."""
    if text.startswith('"') and '"' in text[1:]:
        keyword, _, rest = text[1:].partition('"')
        return keyword, rest.lstrip(_BLANK)
    end = next((at for at, char in enumerate(text) if char in _BLANK + "="), len(text))
    rest = text[end:].lstrip(_BLANK)
    return text[:end], rest[1:].lstrip(_BLANK) if rest.startswith("=") else rest


def split_words(text: str) -> list[str] | None:
    r"""`text` in words, up to a `#` that begins one; None when a quote stays open.

    Single and double quotes hold a word together; a backslash takes away the meaning of a quote, of another backslash and,
    outside of quotes, of a space; before all else it is itself (misc.c, argv_split).
    """
    words: list[str] = []
    at = 0
    while True:
        while text[at : at + 1] in (" ", "\t"):
            at += 1
        if text[at : at + 1] in ("", "#"):
            return words
        word, at = _word(text, at)
        if word is None:
            return None
        words.append(word)


def _word(text: str, at: int) -> tuple[str | None, int]:
    """The word that begins at `at`, and where it ends."""
    word: list[str] = []
    quote = ""
    while at < len(text):
        char, after = text[at], text[at + 1 : at + 2]
        if char == "\\" and after and (after in "'\"\\" or (after == " " and not quote)):
            at += 1
            word.append(after)
        elif not quote and char in " \t":
            break
        elif not quote and char in "'\"":
            quote = char
        elif char == quote:
            quote = ""
        else:
            word.append(char)
        at += 1
    return (None if quote else "".join(word)), at
