"""The encoding of a requirements file: its byte order mark, or its first lines (PEP 263), say it, as for pip; else UTF-8."""

from __future__ import annotations

import codecs
import re

from git_helper.core.logical_lines import BYTE_ORDER_MARK
from git_helper.errors import UsageError
from git_helper.secret import visible

# The mark of UTF-16 begins that of UTF-32.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CODING = re.compile(rb"[ \t\f]*#.*?coding[:=][ \t]*([-.\w]+)", re.ASCII)
# Python's own for other purposes: none of them is the encoding of a file, and some take square time.
_NO_ENCODINGS = ("idna", "punycode", "unicode-escape", "raw-unicode-escape", "utf-7", "undefined", "mbcs", "oem")


def decoded(content: bytes, path: str) -> str:
    """The text, its line ends kept; in any other encoding than UTF-8 with a byte order mark in front.

    So that what is written back as UTF-8 is read as such, whatever a line in it says. Raises UsageError with the line.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _decoded(content, encoding, path)
    encoding = _named(content, path)
    text = _decoded(content, encoding, path)
    return text if encoding in ("utf-8", "ascii") else BYTE_ORDER_MARK + text


def _named(content: bytes, path: str) -> str:
    first, _, rest = content.partition(b"\n")
    second = rest.partition(b"\n")[0]
    for line in (first[:1000], second[:1000]):
        match = _CODING.match(line)
        if match is not None:
            return _known(match[1].decode("ascii"), path)
    return "utf-8"


def _known(name: str, path: str) -> str:
    try:
        encoding = codecs.lookup(name).name
        if encoding not in _NO_ENCODINGS and b"x".decode(encoding) == "x":
            return encoding
    except (LookupError, ValueError):
        pass
    raise UsageError(f"cannot read '{visible(path)}': its encoding '{visible(name)}' is not known", "write it in UTF-8")


def _decoded(content: bytes, encoding: str, path: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UsageError(f"cannot read '{visible(path)}': line {line} is not {encoding.upper()}") from None
