"""All indexes and find-links pages of a command, asked for the files of one project."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from git_helper.core.distribution import belongs_to, checked_project, project_url
from git_helper.errors import NotFound, shell_word
from git_helper.registry import local_pages
from git_helper.registry.links import FileLink
from git_helper.registry.local_place import LocalPlace
from git_helper.registry.page_facts import PageFacts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from git_helper.registry.links import Link
    from git_helper.registry.local_place import Location
    from git_helper.registry.pages import Pages

_MOST_SHOWN = 3


class Indexes:
    """Asks the `locations` in their order. Thread-safe; a find-links page is read once."""

    def __init__(self, locations: Sequence[Location], pages: Pages) -> None:
        self._locations = tuple(locations)
        self._pages = pages
        self._lists: dict[Location, list[FileLink]] = {}
        self._locks = {location: threading.Lock() for location in self._locations}

    def files(self, project: str) -> list[FileLink]:
        """The files of a project that any location lists, in the order of these. Raises as `lists`."""
        return [link for links in self.lists(project) for link in links]

    def lists(self, project: str) -> Iterator[list[FileLink]]:
        """The files of a project that each location lists, if it lists any; asked for lazily, in their order.

        An index that does not have it is passed over; any other failure of one is raised, since what it would have said
        might matter. Raises NotFound when no location lists a file, UsageError, NoCredential, Refused, Unreachable.
        """
        wanted = checked_project(project)
        missing: list[str] = []
        found = False
        for location in self._locations:
            try:
                links = self._files(location, wanted)
            except NotFound as error:
                missing.append(error.message)
                continue
            if links:
                found = True
                yield links
        if found:
            return
        if not self._locations:
            hint = "name an index: --index-url URL, or a page or folder: --find-links URL"
            raise NotFound(f"cannot find files of '{wanted}': there is no index to look in", hint)
        reasons = "; ".join(missing) or "no index lists one"
        raise NotFound(f"cannot find files of '{wanted}': {reasons}", self.command(wanted))

    def command(self, project: str) -> str:
        """What to type to see what these locations list of a project; without what their URLs carried."""
        words = [f"git-helper index --project {project}"]
        options = iter(("-i",))
        for location in self._locations[:_MOST_SHOWN]:
            option = "--find-links" if location.kind == "find-links" else next(options, "--extra-index-url")
            words.append(f"{option} {shell_word(location.shown)}")
        return " ".join(words)

    def _files(self, location: Location, project: str) -> list[FileLink]:
        if location.kind == "find-links":
            return [link for link in self._listed(location) if belongs_to(link.filename, project)]
        if isinstance(location, LocalPlace):
            return self._local(location.below(project))
        with self._pages.open(project_url(location.service, project)) as page:
            return list(_of_files(page.links()))

    def _listed(self, location: Location) -> list[FileLink]:
        with self._locks[location]:
            if location not in self._lists:
                if isinstance(location, LocalPlace):
                    self._lists[location] = self._local(location)
                else:
                    with self._pages.open(location.service) as page:
                        self._lists[location] = list(_of_files(page.links()))
            return self._lists[location]

    def _local(self, place: LocalPlace) -> list[FileLink]:
        return list(_of_files(local_pages.local_links(place, PageFacts(place.shown), self._pages.most_bytes)))


def _of_files(links: Iterable[Link]) -> Iterator[FileLink]:
    for link in links:
        if isinstance(link, FileLink):
            yield link
