"""Whether what is not Git can be had: each artefact's URL, each index and each find-links page is asked for, none is read."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Protocol

from git_helper.core import indexes
from git_helper.core.distribution import project_url
from git_helper.core.plain_url import PlainUrl
from git_helper.errors import Cancelled, GitHelperError, NotFound
from git_helper.frozen import frozen
from git_helper.registry import asking, patience
from git_helper.system.together import together

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from git_helper.net.message import Answered, Response
    from git_helper.registry.asking import Client
    from git_helper.registry.local_place import Location
    from git_helper.registry.pages import Pages
    from git_helper.tasks.gather import Wanted

    class Registry(Protocol):
        """How servers are asked; what reads pages is loaded only for pages."""

        @property
        def client(self) -> Client:
            """Asks for anything."""

        @property
        def pages(self) -> Pages:
            """Asks for pages of indexes."""


WORKERS = 8
# Some servers know no HEAD, and a URL that is signed for GET (S3) is refused for any other method.
_NO_HEAD = frozenset({400, 403, 405, 406, 411, 500, 501})
_PARTIAL = 206
_MOST_DIGITS = 20  # int() raises for more than 4,300
_CONTENT_RANGE = re.compile(r"bytes [0-9]{1,18}-[0-9]{1,18}/([0-9]{1,18})")
_MOST_NAMES = 3


@frozen
class Checked:
    """What a server said: its status, the bytes of the file where known, who let us in; or the error.

    All None: nobody was asked.
    """

    status: int | None = None
    size: int | None = None
    credential: Answered | None = None
    error: GitHelperError | None = None

    @property
    def exit_code(self) -> int:
        """0, or the error's."""
        return 0 if self.error is None else self.error.exit_code


@frozen
class LocationChecked:
    """An index or find-links page, and what became of it."""

    location: Location
    checked: Checked

    @property
    def error(self) -> GitHelperError | None:
        """The error, if there was one."""
        return self.checked.error

    @property
    def exit_code(self) -> int:
        """0, or the error's."""
        return self.checked.exit_code


@frozen
class Checks:
    """`artefacts`: by the URL of the requirement; `locations` in the order given."""

    artefacts: Mapping[PlainUrl, Checked]
    locations: Sequence[LocationChecked]


def check(wanted: Sequence[Wanted], locations: Sequence[Location], registry: Registry | None) -> Checks:
    """Asks for everything, several at once, each URL one time; without a `registry` nobody is asked.

    One failure stops no other. Raises Cancelled when a person says no.
    """
    urls = dict.fromkeys(url for one in wanted if (url := artefact_url(one)) is not None)
    if registry is None:
        return Checks({}, [LocationChecked(one, Checked()) for one in locations])
    names = [one.requirement.name for one in wanted if one.requirement is not None and one.requirement.target is None]
    projects = [name for name in dict.fromkeys(names) if name is not None][:_MOST_NAMES]
    # Indexes first: what lets us in there lets us in to their files without a refusal before it.
    jobs: list[Callable[[], Checked]] = [
        partial(_safely, partial(_location, registry.pages, one, projects)) for one in locations
    ]
    jobs += [partial(_safely, partial(patience.patiently, partial(_artefact, registry.client, url))) for url in urls]
    done = together(jobs, WORKERS)
    seen = [LocationChecked(one, checked) for one, checked in zip(locations, done, strict=False)]
    return Checks(dict(zip(urls, done[len(seen) :], strict=True)), seen)


def artefact_url(wanted: Wanted) -> PlainUrl | None:
    """The URL on a server of a requirement that is a file."""
    target = None if wanted.requirement is None else wanted.requirement.target
    return target if isinstance(target, PlainUrl) and target.scheme != "file" else None


def _safely(action: Callable[[], Checked]) -> Checked:
    try:
        return action()
    except Cancelled:
        raise
    except GitHelperError as error:
        return Checked(error=error)


def _artefact(client: Client, url: PlainUrl) -> Checked:
    """HEAD, else GET for its first byte, so that nothing is transferred."""
    text, headers = url.text.reveal().decode(), {"Accept-Encoding": "identity"}
    response = client.get(text, headers=headers, method="HEAD")
    if response.status in _NO_HEAD:
        response.close()
        response = client.get(text, headers=headers | {"Range": "bytes=0-0"})
    with response:
        if response.status == 416:  # an empty file has no first byte
            return Checked(200, 0, response.credential)
        asking.accepted(response, url.safe_url)
        status = 200 if response.status == _PARTIAL else response.status
        return Checked(status, _size(response), response.credential)


def _size(response: Response) -> int | None:
    if response.status == _PARTIAL:
        found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        return int(found[1]) if found else None
    length = response.headers.get("Content-Length", "")
    encoding = response.headers.get("Content-Encoding", "identity")
    is_number = length.isascii() and length.isdigit() and len(length) < _MOST_DIGITS
    return int(length) if encoding == "identity" and is_number else None


def _location(pages: Pages, location: Location, projects: Sequence[str]) -> Checked:
    """The page itself. Some indexes have none for all projects, so the pages of a few wanted ones count too."""
    if not isinstance(location, indexes.Index):
        location.check()
        return Checked()
    try:
        return _page(pages, location.bare)
    except NotFound:
        for project in projects if location.kind == "index" else ():
            try:
                return _page(pages, project_url(location.bare, project))
            except NotFound:
                continue
        raise


def _page(pages: Pages, url: str) -> Checked:
    """Its first link is enough to know that it is what it should be."""
    with pages.open(url) as page:
        next(page.links(), None)
        return Checked(page.status, None, page.credential)
