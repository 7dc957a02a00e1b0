"""Listings of indexes on stdout, written while they arrive: lines for people and scripts, or one JSON document."""

from __future__ import annotations

import json
import sys
from itertools import islice
from typing import TYPE_CHECKING, Any

from git_helper.core.byte_size import in_units
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_BATCH = 500
"""Lines whose columns are aligned with each other: an index may have a million."""


def text_lines(described: Iterable[Mapping[str, Any]]) -> None:
    """One line for each project or file: its name, then what is to know about the file."""
    rest = iter(described)
    while batch := list(islice(rest, _BATCH)):
        rows = [_row(one) for one in batch]
        widths = [max(len(row[column]) for row in rows) for column in range(2)]
        for name, size, notes in rows:
            line = f"{name.ljust(widths[0])}  {size.rjust(widths[1])}  {notes}" if widths[1] or notes else name
            sys.stdout.write(line.rstrip(" ") + "\n")


def _row(one: Mapping[str, Any]) -> tuple[str, str, str]:
    if "filename" not in one:
        return _shown(one["name"]), "", ""
    notes: list[str] = []
    if "requires-python" in one:
        notes.append(f"python {one['requires-python']}")
    if "core-metadata" in one:
        notes.append("metadata")
    if "provenance" in one:
        notes.append("provenance")
    if "upload-time" in one:
        notes.append(one["upload-time"][:10])
    if "yanked" in one:
        notes.append("yanked" if one["yanked"] is True else f"yanked: {one['yanked']}")
    size = "" if "size" not in one else in_units(one["size"])
    return _shown(one["filename"]), size, _shown(", ".join(notes))


class JsonListings:
    """A JSON array of objects, each of which may hold one long array. For each: `begin`, `item` as often as needed, `end`."""

    def __init__(self) -> None:
        self._objects = 0
        self._array: str | None = None

    def begin(self, head: Mapping[str, Any]) -> None:
        """Starts an object with its first fields, at least one."""
        sys.stdout.write(("[" if not self._objects else ",") + "\n  {" + _fields(head))
        self._objects += 1

    def item(self, name: str, value: Any) -> None:
        """One more element of the object's array `name`."""
        if self._array is None:
            self._array = name
            sys.stdout.write(f', "{name}": [\n    ')
        else:
            sys.stdout.write(",\n    ")
        sys.stdout.write(_json(value))

    def end(self, tail: Mapping[str, Any]) -> None:
        """Ends the object with its last fields."""
        sys.stdout.write("" if self._array is None else "\n  ]")
        sys.stdout.write((", " + _fields(tail) if tail else "") + "}")
        self._array = None

    def finish(self) -> None:
        """Ends the document."""
        sys.stdout.write("\n]\n" if self._objects else "[]\n")


def _fields(fields: Mapping[str, Any]) -> str:
    return ", ".join(f'"{name}": {_json(value)}' for name, value in fields.items())


def _json(value: Any) -> str:
    """With escapes where a terminal would act on what the server wrote."""
    text = json.dumps(value, ensure_ascii=False)
    return text if _shown(text) == text else json.dumps(value)


def _shown(text: str) -> str:
    """Most names need no look at each character."""
    return text if text.isascii() and text.isprintable() else visible(text)
