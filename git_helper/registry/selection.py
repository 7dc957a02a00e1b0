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
from git_helper.frozen import frozen
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


class Link(Protocol):
    """What of a link matters here."""

    @property
    def filename(self) -> str:
        """The file's name."""

    @property
    def requires_python(self) -> str | None:
        """Versions of Python that it is for (`data-requires-python`)."""

    @property
    def hashes(self) -> tuple[tuple[str, str], ...]:
        """Algorithm and digest of each that is known."""


L = TypeVar("L", bound=Link)
_Rank = tuple[bool, Version, int, int, tuple[int, str] | tuple[()]]
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


@frozen
class Pin:
    """One version; `is_exact`: as `===` wants it, without versions that only have a local label more (PEP 440)."""

    version: str
    is_exact: bool = False

    @classmethod
    def of(cls, specifier: str) -> Pin | None:
        """That of `==1.0` or `===1.0` alone, else None."""
        found = list(SpecifierSet(specifier))
        if len(found) != 1 or found[0].operator not in ("==", "===") or found[0].version.endswith(".*"):
            return None
        return cls(found[0].version, found[0].operator == "===")


def best(project: str, pin: Pin, links: Iterable[L], python: str, hashes: Collection[tuple[str, str]] = ()) -> L | None:
    """The best file of that version for this interpreter, whose full version is `python`; None: there is none.

    Not one with another digest than each of `hashes`, if there is a choice; then the highest local version, wheels before
    sources, the most specific tag, the highest build number; of equals the first one. What is yanked counts: a pin asks for
    it by name (PEP 592).
    """
    try:
        name, wanted = canonicalize_name(project), Version(pin.version)
    except ValueError:  # InvalidVersion, and what int() says of very long numbers
        return None  # `===` takes any text, but no file's name holds it
    chosen: tuple[_Rank, L] | None = None
    for link in links:
        found = _read(link.filename, name)
        if found is None or not _is_wanted(found[0], wanted, pin) or not _runs_on(link.requires_python, python):
            continue
        rank = (_may_be(link.hashes, hashes), *found)
        if chosen is None or rank > chosen[0]:
            chosen = rank, link
    return None if chosen is None else chosen[1]


def _is_wanted(found: Version, wanted: Version, pin: Pin) -> bool:
    if found == wanted:
        return True
    has_more = found.local is not None and wanted.local is None and not pin.is_exact
    return has_more and Version(found.public) == wanted


def _may_be(known: Iterable[tuple[str, str]], hashes: Collection[tuple[str, str]]) -> bool:
    """Whether a file with these digests may have one of `hashes`."""
    algorithms = {algorithm for algorithm, _ in hashes}
    said = [one for one in known if one[0] in algorithms]
    return not said or any(one in hashes for one in said)


def _read(filename: str, name: str) -> tuple[Version, int, int, tuple[int, str] | tuple[()]] | None:
    """Version and rank of a file, the higher the better; None for another project or another machine."""
    try:
        if _stands_for(filename) > _MOST_TAGS:
            return None
        if not filename.endswith(".whl"):
            project, version = parse_sdist_filename(filename)
            return (version, 0, 0, ()) if project == name else None
        project, version, build, tags = parse_wheel_filename(filename)
    except ValueError:  # of `packaging`, and what int() says of very long numbers
        return None
    places = _places()
    place = min((places[tag] for tag in tags if tag in places), default=None)
    return None if place is None or project != name else (version, 1, -place, build)


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
