"""`index`: what indexes and find-links pages list, or exactly why that cannot be had; nothing is kept in memory."""

from __future__ import annotations

import os
from dataclasses import field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from git_helper.core.distribution import belongs_to, project_url
from git_helper.core.indexes import Index
from git_helper.errors import Cancelled, GitHelperError, NotFound, Unreachable
from git_helper.frozen import frozen
from git_helper.registry import local_pages
from git_helper.registry.links import FileLink, ProjectLink
from git_helper.registry.local_place import LocalPlace
from git_helper.registry.page_facts import PageFacts
from git_helper.secret import visible
from git_helper.system.together import together
from git_helper.tasks.index_locations import location
from git_helper.tasks.resolve import described_credential, slug

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from git_helper.net.message import Answered
    from git_helper.registry.links import Hashes, Link
    from git_helper.registry.local_place import Location
    from git_helper.registry.pages import Page, Pages

WORKERS = 8
_PAGE_ENDINGS = (".html", ".htm")


@frozen
class Listing:
    """What one location answered for one project (normalized), or for the list of all (None): a page, or an error.

    Iterate over `links` once. `url`: where the page came from, for reports.
    """

    location: Location
    project: str | None
    url: str
    page: Page | None = None
    error: GitHelperError | None = None
    facts: PageFacts = field(default_factory=lambda: PageFacts(""))
    is_list: bool = False
    """Whether the page is one for all projects, of which only the wanted one counts."""

    @property
    def status(self) -> int | None:
        """What the server answered; None where none was asked."""
        return None if self.page is None else self.page.status

    @property
    def credential(self) -> Answered | None:
        """Who let us in."""
        return None if self.page is None else self.page.credential

    def links(self, most_bytes: int) -> Iterator[Link]:
        """Projects or files, as the first one is. Raises GitHelperError, in the middle too; NotFound for nothing of a
        project."""
        kind: type[Link] | None = FileLink if self.project is not None else None
        count = 0
        for link in self._all(most_bytes):
            kind = kind or type(link)
            if not isinstance(link, kind) or not self._is_wanted(link):
                continue
            count += 1
            yield link
        if self.is_list and not count and self.error is None:
            raise NotFound(f"cannot find files of '{self.project}' in '{self.url}'")

    def _all(self, most_bytes: int) -> Iterator[Link]:
        if self.page is not None:
            return self.page.links()
        if self.error is not None or isinstance(self.location, Index):
            return iter(())
        return local_pages.local_links(_local(self.location, self.project), self.facts, most_bytes)

    def _is_wanted(self, link: Link) -> bool:
        if not self.is_list or self.project is None:
            return True
        return isinstance(link, FileLink) and belongs_to(link.filename, self.project)


def ask(locations: Sequence[Location], projects: Sequence[str | None], pages: Pages | None) -> list[Listing]:
    """A listing for each project (normalized) of each location, in this order, several asked for at once.

    One failure stops no other. Without `pages` no server is asked. Raises Cancelled when a person says no.
    """
    jobs = [partial(_ask, location, project, pages) for project in projects for location in locations]
    return together(jobs, WORKERS)


def _ask(location: Location, project: str | None, pages: Pages | None) -> Listing:
    is_list = project is not None and location.kind == "find-links"
    if not isinstance(location, Index):
        shown = _local(location, project).shown
        return Listing(location, project, shown, facts=PageFacts(shown), is_list=is_list)
    asked = Listing(location, project, location.shown, is_list=is_list)
    if pages is None:
        return replace(asked, error=Unreachable(f"cannot ask '{location.shown}': --offline"))
    try:
        page = pages.open(location.bare if project is None or is_list else project_url(location.bare, project))
    except Cancelled:
        raise
    except GitHelperError as error:
        return replace(asked, error=error)
    return replace(asked, page=page, url=page.url, facts=page.facts)


def _local(place: LocalPlace, project: str | None) -> LocalPlace:
    return place.below(project) if project is not None and place.kind == "index" else place


def guessed(text: str, environ: Mapping[str, str]) -> Location:
    """A URL or path given without a kind: a page or folder of links, or an index. Raises UsageError."""
    path = text.partition("#")[0].partition("?")[0].lower()
    found = location(text, "find-links" if path.endswith(_PAGE_ENDINGS) else "index", environ)
    if isinstance(found, LocalPlace) and not os.path.isfile(os.path.join(found.path, "index.html")):
        return replace(found, kind="find-links")
    return found


def failures(listings: Sequence[Listing], errors: Sequence[GitHelperError | None]) -> list[GitHelperError]:
    """The errors that count: that one of several locations does not have a project is none, if another one has it."""
    had = {one.project for one, error in zip(listings, errors, strict=True) if error is None}
    return [
        error
        for one, error in zip(listings, errors, strict=True)
        if error is not None and not (type(error) is NotFound and one.project is not None and one.project in had)
    ]


class Counted:
    """The links of a listing as objects for `--json`; `name`: what they are, the list's key.

    After the last one `count` and `error` say how it ended.
    """

    def __init__(self, listing: Listing, most_bytes: int) -> None:
        self.error = listing.error
        self.count = 0
        self.name = "projects" if listing.project is None and listing.location.kind == "index" else "files"
        self._links = listing.links(most_bytes)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        try:
            for link in self._links:
                self.count += 1
                self.name = "files" if isinstance(link, FileLink) else "projects"
                yield described_link(link)
        except Cancelled:
            raise
        except GitHelperError as error:
            self.error = error


def summary(listing: Listing, counted: Counted) -> str:
    """One line about a listing that went well."""
    facts = listing.facts
    parts = [f"{counted.count} {counted.name[:-1] if counted.count == 1 else counted.name}"]
    if facts.status is not None:
        parts.append(visible(facts.status + ("" if facts.reason is None else f": {facts.reason}")))
    if listing.credential is not None:
        user = described_credential(listing.credential)
        name = None if user is None else user["username"]
        parts.append(f"credential from: {listing.credential.source}" + ("" if name is None else f" ({visible(name)})"))
    return f"{listing.url}: {', '.join(parts)}"


def described_head(listing: Listing) -> dict[str, Any]:
    """The first fields of a listing as an object."""
    head: dict[str, Any] = {"kind": listing.location.kind, "url": listing.url}
    if listing.project is not None:
        head["project"] = listing.project
    if listing.error is None:
        head |= {"status": listing.status, "credential": described_credential(listing.credential)}
    return head


def described_tail(listing: Listing, counted: Counted) -> dict[str, Any]:
    """The last ones: what is known only when the page has been read."""
    facts, tail = listing.facts, dict[str, Any]()
    if counted.error is not None:
        error = counted.error
        return {"error": slug(error), "message": error.message, "hint": error.hint}
    if not counted.count:
        tail[counted.name] = []
    if facts.api_version is not None:
        tail["api-version"] = facts.api_version
    if facts.versions:
        tail["versions"] = facts.versions
    if facts.status is not None:
        tail["project-status"] = {"status": facts.status, "reason": facts.reason}
    return tail


def described_link(link: Link) -> dict[str, Any]:
    """One project or file for `--json`; the names are those of PEP 691, absent what the page does not say."""
    if isinstance(link, ProjectLink):
        return {"name": link.name}
    fields: dict[str, Any] = {
        "filename": link.filename,
        "url": link.shown,
        "hashes": dict(link.hashes),
        "requires-python": link.requires_python,
        "yanked": link.yanked,
        "size": link.size,
        "upload-time": link.upload_time,
        "core-metadata": _described_hashes(link.metadata),
        "provenance": None if link.provenance is None else replace(link, url=link.provenance).shown,
    }
    always = ("filename", "url", "hashes")
    return {
        name: value for name, value in fields.items() if name in always or (value is not None and value is not False)
    }


def _described_hashes(metadata: Hashes | bool) -> dict[str, str] | bool:
    return dict(metadata) if isinstance(metadata, tuple) else metadata
