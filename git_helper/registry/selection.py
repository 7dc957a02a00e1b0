"""What is for this machine: requirements by their markers, files by their tags (PEP 508, PEP 425, PEP 427, PEP 592)."""

from __future__ import annotations

from functools import cache
from math import prod
from threading import Lock
from typing import TYPE_CHECKING, Protocol, TypeVar

from packaging.markers import Marker
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag, sys_tags
from packaging.utils import canonicalize_name, parse_sdist_filename, parse_wheel_filename
from packaging.version import Version

from git_helper.errors import UsageError
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Iterable


class Link(Protocol):
    """What of a link matters here."""

    @property
    def filename(self) -> str:
        """The file's name."""

    @property
    def requires_python(self) -> str | None:
        """Versions of Python that it is for (`data-requires-python`)."""


L = TypeVar("L", bound=Link)
_Rank = tuple[int, int, tuple[int, str] | tuple[()]]
_MOST_TAGS = 1000
"""Real wheels have a few dozen; a name of a server's choice could stand for millions."""
_SHOWN = 200  # characters
_finding = Lock()  # `cache` would let several threads do the same at once


def applies_here(marker: str | None) -> bool:
    """Whether a requirement with this environment marker, which has been parsed before, is wanted on this machine.

    Without extras, as for `pip install`. Raises UsageError.
    """
    try:
        return marker is None or Marker(marker).evaluate({"extra": ""})
    except ValueError:  # what it compares cannot be compared, as in `os_name ~= 'x'`
        raise UsageError(f"cannot tell whether this machine is meant by '{visible(marker or '')[:_SHOWN]}'") from None


def pinned_version(specifier: str) -> str | None:
    """The version of `==1.0` or `===1.0` alone, else None."""
    found = list(SpecifierSet(specifier))
    if len(found) != 1 or found[0].operator not in ("==", "===") or found[0].version.endswith(".*"):
        return None
    return found[0].version


def best(project: str, version: str, links: Iterable[L], python: str) -> L | None:
    """The best file of exactly that version for this interpreter, whose full version is `python`; None: there is none.

    Wheels before sources, the most specific tag first, then the highest build number; of equals the first one. What is
    yanked counts: a pin asks for it by name (PEP 592).
    """
    try:
        name, wanted = canonicalize_name(project), Version(version)
    except ValueError:  # InvalidVersion, and what int() says of very long numbers
        return None  # `===` takes any text, but no file's name holds it
    chosen: tuple[_Rank, L] | None = None
    for link in links:
        rank = _rank(link.filename, name, wanted)
        if rank is None or not _runs_on(link.requires_python, python):
            continue
        if chosen is None or rank > chosen[0]:
            chosen = rank, link
    return None if chosen is None else chosen[1]


def _rank(filename: str, name: str, wanted: Version) -> _Rank | None:
    """The higher the better; None for another project or version, or another machine."""
    try:
        if _stands_for(filename) > _MOST_TAGS:
            return None
        if not filename.endswith(".whl"):
            return (0, 0, ()) if parse_sdist_filename(filename) == (name, wanted) else None
        project, version, build, tags = parse_wheel_filename(filename)
    except ValueError:  # of `packaging`, and what int() says of very long numbers
        return None
    places = _places()
    place = min((places[tag] for tag in tags if tag in places), default=None)
    return None if place is None or (project, version) != (name, wanted) else (1, -place, build)


def prepare() -> None:
    """Finds out what runs here, which takes some ms, while there is nothing else to do."""
    _places()


def _places() -> dict[Tag, int]:
    """This interpreter's tags, the most specific one first."""
    with _finding:
        return _found_places()


@cache
def _found_places() -> dict[Tag, int]:
    return {tag: place for place, tag in enumerate(dict.fromkeys(sys_tags()))}


def _runs_on(requires: str | None, python: str) -> bool:
    """A specifier that cannot be read demands nothing, as in pip."""
    try:
        return requires is None or SpecifierSet(requires).contains(python, prereleases=True)
    except ValueError:  # InvalidSpecifier, and what int() says of very long numbers
        return True


def _stands_for(filename: str) -> int:
    """How many tags the name of a wheel has: `py2.py3-none-any` is two (PEP 425, "Compressed Tag Sets")."""
    parts = filename.removesuffix(".whl").split("-")[-3:]
    return prod(part.count(".") + 1 for part in parts) if filename.endswith(".whl") else 1
