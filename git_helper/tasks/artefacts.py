"""`download` of what is not Git: files named by their URL, and the files of pinned versions that indexes have.

No version is chosen and no dependency followed: that is the installer's work.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

from git_helper.core.digests import STRONG, Digests
from git_helper.core.distribution import belongs_to, normalized
from git_helper.core.plain_url import PlainUrl
from git_helper.errors import NotFound, UsageError
from git_helper.registry.artefact import Artefact
from git_helper.registry.file_place import safe_filename
from git_helper.registry.selection import Pin, applies_here, best, prepare
from git_helper.secret import visible
from git_helper.tasks.download import Left

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from git_helper.core.requirement import Requirement
    from git_helper.registry.artefact import Fetched, Watch
    from git_helper.registry.links import FileLink
    from git_helper.tasks.gather import Wanted

    Progress = Callable[[str], AbstractContextManager[Watch]]
    """A line for one file."""


class Lists(Protocol):
    """The indexes and find-links places of the command (`registry/indexes`)."""

    def lists(self, project: str) -> Iterator[Sequence[FileLink]]:
        """The files of a project at each place that has it, in their order, lazily. Raises NotFound when none has."""

    def command(self, project: str) -> str:
        """What to type to see these files."""


class Fetcher(Protocol):
    """Fetches files (`registry/artefact`)."""

    def fetch(self, wanted: Artefact, folder: str, watch: Watch) -> Fetched:
        """Puts the file into the folder, whole or not at all. Raises GitHelperError."""


class Files:
    """The files of one command, all for one folder. Thread-safe."""

    def __init__(self, fetcher: Fetcher, indexes: Lists | None, progress: Progress, python: str) -> None:
        """`indexes`: None when none was named. `python`: the full version of the interpreter to choose files for."""
        self._fetcher = fetcher
        self._indexes = indexes
        self._progress = progress
        self._python = python
        self._names: dict[str, tuple[object, Digests]] = {}
        self._lock = threading.Lock()
        if indexes is not None:
            threading.Thread(target=prepare, daemon=True).start()  # the first answer takes longer

    def fetch(self, wanted: Wanted, folder: str) -> Fetched | Left:
        """The file of a requirement that is not Git, or why there is none. Raises GitHelperError."""
        requirement = wanted.requirement
        if requirement is None:
            raise wanted.error or UsageError(f"cannot download '{visible(wanted.text)}'")
        if not applies_here(requirement.marker):
            return Left(f"skipped '{requirement.display}': not for this machine ({visible(requirement.marker or '')})")
        found = (
            self._of_url(requirement, wanted) if requirement.target is not None else self._of_name(requirement, wanted)
        )
        if isinstance(found, Left):
            return found
        self._claim(found)
        with self._progress(found.filename) as watch:
            return self._fetcher.fetch(found, folder, watch)

    def _of_url(self, requirement: Requirement, wanted: Wanted) -> Artefact | Left:
        url = requirement.target
        if not isinstance(url, PlainUrl):
            return _left(wanted, f"'{requirement.display}': it is a path on this machine")
        name = safe_filename(url.filename, url.display)
        if (
            requirement.name is not None
            and name.endswith(".whl")
            and not belongs_to(name, normalized(requirement.name))
        ):
            raise UsageError(f"cannot download '{url.display}': it is no file of '{requirement.name}'")
        return Artefact(url, name, Digests.of(*([one] for one in url.hashes), _hashes(wanted)))

    def _of_name(self, requirement: Requirement, wanted: Wanted) -> Artefact | Left:
        name, pin = requirement.name or "", Pin.of(requirement.specifier)
        shown = f"'{requirement.display}'"
        if self._indexes is None:
            if wanted.source is not None:
                return Left(None)
            raise UsageError(f"cannot download {shown}: no index is named", "--index-url URL")
        if pin is None:
            hint = f"pin it: {name}==VERSION"
            return _left(wanted, f"{shown}: it is not pinned with '==', and no version is chosen here", hint)
        hashes, seen = _hashes(wanted), 0
        for links in self._indexes.lists(name):
            # The first place that has it: whoever adds the same version elsewhere must not win by a better tag.
            link = best(name, pin, links, self._python, hashes)
            if link is not None:
                filename = safe_filename(link.filename, link.shown)
                digests = Digests.of(*([one] for one in link.hashes), hashes)
                return Artefact(PlainUrl.parse(link.url), filename, digests)
            seen += len(links)
        raise NotFound(
            f"cannot find a file of {shown} for Python {self._python} on this machine: none of {seen} listed files fits",
            self._indexes.command(normalized(name)),
        )

    def _claim(self, found: Artefact) -> None:
        """One name is one file. Upper and lower case are the same on some disks."""
        with self._lock:
            before = self._names.setdefault(found.filename.casefold(), (found.url, found.digests))
        if before != (found.url, found.digests):
            raise UsageError(
                f"cannot download '{found.url.display}': another requirement is to be '{found.filename}' too",
                "name another folder for one of them: --directory DIR",
            )


def _hashes(wanted: Wanted) -> list[tuple[str, str]]:
    """Of the `--hash` options: one of them has to be met. Raises UsageError where that cannot be."""
    for name, _ in wanted.hashes:
        if name not in STRONG:
            raise UsageError(f"cannot check --hash={visible(name)}", f"use one of: {', '.join(STRONG)}")
    return wanted.hashes


def _left(wanted: Wanted, reason: str, hint: str | None = None) -> Left:
    """A line of a file may be the installer's business; what was asked for by itself is not."""
    if wanted.source is None:
        raise UsageError(f"cannot download {reason}", hint)
    return Left(f"left to the installer: {reason}")
