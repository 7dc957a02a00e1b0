"""The nearest pyproject.toml: from the working folder upwards to the root, as uv looks for it."""

from __future__ import annotations

import os
import re
import tomllib
from typing import TYPE_CHECKING, Any

from git_helper.core.home_path import under_home
from git_helper.core.project_settings import of_tables
from git_helper.errors import UsageError, reason
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from git_helper.core.given import Layer

NAME = "pyproject.toml"
# A file with neither of these words has neither of the two tables, and what else is wrong with it is not our affair.
_OUR_WORDS = (b"git-helper", b"uv")
_MOST_BYTES = 16 << 20


def find(folder: str) -> str | None:
    """The path of the nearest one; None without any. The first decides, whatever is in it."""
    while True:
        path = os.path.join(folder, NAME)
        if os.path.isfile(path):
            return path
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above


def nearest() -> str | None:
    """That of the working folder; None where even that is gone."""
    try:
        return find(os.getcwd())
    except FileNotFoundError:
        return None


def settings(path: str, home: str) -> Layer:
    """What the file says to us; relative paths in it start at its folder. Raises UsageError with file, line and key.

    A file that is no TOML is an error only if it may have a table for us.
    """
    content = _read(path)
    if not any(word in content for word in _OUR_WORDS):
        return {}
    try:
        text = content.decode("utf-8").replace("\r\n", "\n")
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        reason = "it has more levels or digits than can be read"
        if isinstance(error, UnicodeDecodeError | tomllib.TOMLDecodeError):
            reason = visible(str(error)) if isinstance(error, tomllib.TOMLDecodeError) else "it is not UTF-8"
        raise UsageError(f"cannot read '{visible(path)}': {reason}") from None

    def place(named: str) -> str:
        return os.path.join(os.path.dirname(path), under_home(named, home))

    return of_tables(document, path, lambda key: line_of(text, tuple(key)), place)


def line_of(text: str, key: Sequence[str]) -> int | None:
    """The number of the line in which `key` is first given, such as `("tool", "uv", "native-tls")`; None without it.

    tomllib knows no lines. But what stands above the key is TOML too, without it; so the parser itself is asked where
    the key comes in.
    """
    lines = text.split("\n")
    found = _next_whole(lines, len(lines))
    if found is None or not _has(found[1], key):
        return None
    named = re.compile(rf"(?:^|[\s.\"'{{,\[]){re.escape(key[-1])}[\"']?\s*[=.\]]")
    for number, line in enumerate(lines, 1):
        whole = _next_whole(lines, number) if named.search(line) else None
        if whole is not None and _has(whole[1], key):
            return number
    return _by_halves(lines, key)  # it is written with escapes


def _by_halves(lines: Sequence[str], key: Sequence[str]) -> int:
    without = 0
    with_key = len(lines)
    while with_key - without > 1:
        middle = (without + with_key) // 2
        whole = _next_whole(lines[:with_key], middle)
        if whole is None:
            with_key = middle  # all of these lines belong to the value
        elif _has(whole[1], key):
            with_key = middle if whole[0] >= with_key else whole[0]
        else:
            without = whole[0]
    return without + 1


def _next_whole(lines: Sequence[str], count: int) -> tuple[int, Mapping[str, Any]] | None:
    """The least number of lines, `count` at least, that are TOML by themselves, and what they say."""
    for size in range(count, len(lines) + 1):
        try:
            return size, tomllib.loads("\n".join(lines[:size]) + "\n")
        except tomllib.TOMLDecodeError:
            continue
    return None


def _has(document: Any, key: Sequence[str]) -> bool:
    for name in key:
        if not isinstance(document, dict) or name not in document:
            return False
        document = document[name]
    return True


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"cannot read '{visible(path)}': {reason(error)}") from None
    if len(content) > _MOST_BYTES:
        raise UsageError(f"cannot read '{visible(path)}': it is too big")
    return content
