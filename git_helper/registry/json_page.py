"""Index pages in JSON (PEP 691, 700, 714, 740, 792), read as they arrive. The only importer of ijson."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import ijson  # type: ignore[import-untyped]

from git_helper.core.distribution import is_project_name
from git_helper.registry.links import BadLink, FileLink, Link, ProjectLink, is_plain_filename, named_hashes, resolved

if TYPE_CHECKING:
    from git_helper.registry.links import Hashes
    from git_helper.registry.page_facts import PageFacts

LONGEST_VALUE = 1 << 20
"""Bytes of one string or number: the parser holds it whole."""
_MOST_EVENTS = 2000  # of one entry
_DEEPEST = 50
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{5,20}(?:Z|\+00:00)")
_STARTS, _ENDS = ("start_map", "start_array"), ("end_map", "end_array")


class JsonPage:
    """`feed` bytes in pieces, take what `found` holds after each, call `end` after the last.

    `base`: the page's URL. What the page says of itself goes to `facts`.
    """

    def __init__(self, base: str, facts: PageFacts) -> None:
        self.found: list[Link] = []
        self._base = base
        self._facts = facts
        self._events: Any = ijson.sendable_list()
        self._parser = ijson.basic_parse_coro(self._events, use_float=True)
        self._silent = 0
        self._depth = 0
        self._key = ""
        self._listed = False
        self._value: _Value | None = None

    def feed(self, data: bytes) -> None:
        """More of the page. Raises NotAnIndex."""
        try:
            self._parser.send(data)
        except (ijson.JSONError, ValueError):  # its messages quote the page
            raise self._facts.not_an_index("it is damaged JSON") from None
        self._silent = 0 if self._events else self._silent + len(data)
        if self._silent > LONGEST_VALUE:
            raise self._facts.not_an_index(f"one value of its JSON is longer than {LONGEST_VALUE >> 20} MiB")
        for event, value in self._events:
            self._take(event, value)
        del self._events[:]

    def end(self) -> None:
        """All of it was fed. Raises NotAnIndex when it is cut off, or can be no index page."""
        try:
            self._parser.close()
        except (ijson.JSONError, ValueError):
            raise self._facts.not_an_index("its JSON is cut off") from None
        if not self._listed:
            raise self._facts.not_an_index("its JSON has neither 'files' nor 'projects'")

    def _take(self, event: str, value: Any) -> None:
        if event in _ENDS:
            self._depth -= 1
        if event == "map_key" and self._depth == 1:
            self._key = value
        elif self._value is not None:
            self._collect(event, value)
        elif self._depth == 0 and event != "start_map" and event not in _ENDS:
            raise self._facts.not_an_index("its JSON is no object")
        elif self._depth == 1 and self._key in ("meta", "project-status") and event == "start_map":
            self._value = _Value()
        elif self._depth == 1 and self._key in ("files", "projects") and event == "start_array":
            self._listed = True
        elif self._depth == 2 and self._key in ("files", "projects") and event == "start_map":
            self._value = _Value()
        elif self._depth == 2 and self._key == "versions" and isinstance(value, str):
            self._facts.has_version(value)
        if event in _STARTS:
            self._depth += 1
            if self._depth > _DEEPEST:
                raise self._facts.not_an_index("its JSON is nested too deep")

    def _collect(self, event: str, value: Any) -> None:
        collected = self._value
        if collected is None:
            return
        if event == "end_map" and not collected.inner:
            self._value = None
            self._finish(collected.fields)
        elif not collected.add(event, value):
            raise self._facts.not_an_index("one of its entries is too large")

    def _finish(self, fields: dict[str, Any]) -> None:
        if self._key == "meta":
            self._facts.speaks(str(fields.get("api-version")))
        elif self._key == "project-status":
            self._facts.has_status(fields.get("status"), fields.get("reason"))
        elif self._key == "projects":
            name = fields.get("name")
            if isinstance(name, str) and is_project_name(name):
                self.found.append(ProjectLink(name))
        else:
            try:
                self.found.append(_file(fields, self._base))
            except BadLink as error:
                name = fields.get("filename")
                self._facts.refuse(name if isinstance(name, str) else "", str(error))


class _Value:
    """One object, whose fields may be objects of plain values; what lies deeper is passed over."""

    def __init__(self) -> None:
        self.fields: dict[str, Any] = {}
        self.inner = 0
        self._events = 0
        self._keys = ["", ""]

    def add(self, event: str, value: Any) -> bool:
        """False when there are too many."""
        self._events += 1
        if event == "map_key" and self.inner < 2:
            self._keys[self.inner] = value
        elif event in _STARTS:
            if self.inner == 0:
                self.fields[self._keys[0]] = {}
            self.inner += 1
        elif event in _ENDS:
            self.inner -= 1
        elif self.inner == 0:
            self.fields[self._keys[0]] = value
        elif self.inner == 1:
            self.fields[self._keys[0]][self._keys[1]] = value
        return self._events <= _MOST_EVENTS


def _file(fields: dict[str, Any], base: str) -> FileLink:
    """Raises BadLink."""
    filename, url, hashes = (fields.get(name) for name in ("filename", "url", "hashes"))
    if not isinstance(filename, str) or not is_plain_filename(filename):
        raise BadLink("its filename is none")
    if not isinstance(url, str):
        raise BadLink("it has no URL")
    provenance = fields.get("provenance")
    size, time = fields.get("size"), fields.get("upload-time")
    requires, yanked = fields.get("requires-python"), fields.get("yanked", False)
    return FileLink(
        filename,
        resolved(base, url)[0],
        named_hashes(hashes.items()) if isinstance(hashes, dict) else (),
        requires if isinstance(requires, str) and requires else None,
        yanked if isinstance(yanked, str) and yanked else bool(yanked),
        size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None,
        _metadata(fields.get("core-metadata", fields.get("dist-info-metadata", fields.get("data-dist-info-metadata")))),
        time if isinstance(time, str) and _TIME.fullmatch(time) else None,
        resolved(base, provenance)[0] if isinstance(provenance, str) and provenance else None,
    )


def _metadata(value: object) -> Hashes | bool:
    return named_hashes(value.items()) or True if isinstance(value, dict) else value is True
