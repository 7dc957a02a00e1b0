"""What is in find-links folders and files of this machine, and in copies of indexes: no server is asked."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from git_helper.core.byte_size import MOST_PAGE_BYTES
from git_helper.core.distribution import is_distribution
from git_helper.errors import GitHelperError, reason
from git_helper.registry.index_page import BLOCK, read_page
from git_helper.registry.links import FileLink, ProjectLink

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_helper.registry.links import Link
    from git_helper.registry.local_place import LocalPlace
    from git_helper.registry.page_facts import PageFacts

_PAGES = {".html": "text/html", ".htm": "text/html", ".json": "application/vnd.pypi.simple.v1+json"}
_INDEX = "index.html"


def local_links(place: LocalPlace, facts: PageFacts, most_bytes: int = MOST_PAGE_BYTES) -> Iterator[Link]:
    """The archives in a folder, what a page links to, or the archive itself.

    Raises NotFound, NotAnIndex, PageTooLarge, GitHelperError.
    """
    place.check()
    try:
        if not os.path.isdir(place.path):
            yield from _in_file(place.path, facts, most_bytes)
        elif place.kind == "index" and os.path.isfile(os.path.join(place.path, _INDEX)):
            yield from _in_file(os.path.join(place.path, _INDEX), facts, most_bytes)
        else:
            yield from _in_folder(place, facts)
    except OSError as error:
        raise GitHelperError(f"cannot read '{place.shown}': {reason(error)}") from error


def _in_folder(place: LocalPlace, facts: PageFacts) -> Iterator[Link]:
    with os.scandir(place.path) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        if is_distribution(entry.name) and entry.is_file():
            facts.links += 1
            yield FileLink(entry.name, Path(entry.path).as_uri(), size=entry.stat().st_size)
        elif place.kind == "index" and entry.is_dir() and not entry.name.startswith("."):
            facts.links += 1
            yield ProjectLink(entry.name)


def _in_file(path: str, facts: PageFacts, most_bytes: int) -> Iterator[Link]:
    name = os.path.basename(path)
    if is_distribution(name):
        facts.links += 1
        yield FileLink(name, Path(path).as_uri(), size=os.path.getsize(path))
        return
    kind = _PAGES.get(os.path.splitext(name)[1].lower())
    if kind is None:
        hint = "name a folder, an archive, or a page whose name ends in .html"
        raise facts.not_an_index("its name is neither that of a page nor of an archive", hint)
    with open(path, "rb") as file:
        pieces = iter(lambda: file.read(BLOCK), b"")
        yield from read_page(pieces, Path(path).as_uri(), kind, most_bytes=most_bytes, facts=facts, local=True)
