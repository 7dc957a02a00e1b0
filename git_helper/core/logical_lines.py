"""A requirements file as logical lines whose every character knows its place in the file."""

from __future__ import annotations

import re
from dataclasses import field
from typing import TYPE_CHECKING

from git_helper.frozen import frozen

if TYPE_CHECKING:
    from collections.abc import Iterator

_PHYSICAL = re.compile(r"([^\r\n]*)(\r\n|\n|\r|$)")
_COMMENT = re.compile(r"(?:^|[ \t])#")
BYTE_ORDER_MARK = "\ufeff"


@frozen
class LogicalLine:
    """One or more physical lines joined by `\\`, without comment; `offsets[i]` is where `text[i]` lies in the file."""

    number: int
    text: str = field(repr=False)
    offsets: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The place in the file of `text[start:end]`; an empty span lies behind the character before it."""
        if start == end:
            place = self.offsets[start - 1] + 1 if start else self.offsets[0] if self.offsets else 0
            return place, place
        return self.offsets[start], self.offsets[end - 1] + 1


def logical_lines(text: str) -> Iterator[LogicalLine]:
    """The lines that say something. A comment begins at a line's start or behind a blank, and a `\\` in it is no join.

    Lines end with LF, CR LF or CR. A byte order mark at the start is no part of the first line.
    """
    number, joined, offsets = 0, "", list[int]()
    for count, (place, content, goes_on) in enumerate(_physical_lines(text), 1):
        number = number if joined else count
        joined += content
        offsets.extend(range(place, place + len(content)))
        if goes_on:
            continue
        if joined.strip(" \t"):
            yield LogicalLine(number, joined, tuple(offsets))
        joined, offsets = "", []
    if joined.strip(" \t"):
        yield LogicalLine(number, joined, tuple(offsets))


def _physical_lines(text: str) -> Iterator[tuple[int, str, bool]]:
    """Offset, content without comment, and whether the next line belongs to it."""
    start = len(BYTE_ORDER_MARK) if text.startswith(BYTE_ORDER_MARK) else 0
    while start < len(text):
        line = _PHYSICAL.match(text, start)
        if line is None:
            return
        content = line[1]
        comment = _COMMENT.search(content) if "#" in content else None
        if comment is not None:
            content = content[: comment.start()]
        goes_on = comment is None and content.endswith("\\")
        yield start, content[:-1] if goes_on else content, goes_on
        start = line.end()


@frozen
class Word:
    """One word of an option line: `value` without quotes, `start` and `end` with them."""

    value: str = field(repr=False)
    start: int
    end: int

    def behind(self, length: int) -> Word:
        """What is left when the first `length` characters (of an option's name) are taken off."""
        return Word(self.value[length:], self.start + length, self.end)


def words(text: str, start: int = 0) -> list[Word]:
    """`text` from `start` on as words: blanks separate, `'…'` and `"…"` hold together, an open quote ends at the end."""
    found: list[Word] = []
    for run in re.compile(r"""(?:[^ \t'"]|'[^']*(?:'|$)|"[^"]*(?:"|$))+""").finditer(text, start):
        value = re.sub(r"""'([^']*)(?:'|$)|"([^"]*)(?:"|$)""", lambda quoted: quoted[1] or quoted[2] or "", run[0])
        found.append(Word(value, run.start(), run.end()))
    return found
