"""Index and find-links pages in HTML (PEP 503), read as they arrive."""

from __future__ import annotations

import html
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from git_helper.core.distribution import is_distribution, is_project_name, normalized
from git_helper.registry.links import (
    BadLink,
    FileLink,
    Link,
    ProjectLink,
    filename_of,
    fragment_hashes,
    looks_like_file,
    resolved,
)
from git_helper.registry.page_facts import LoginPage

if TYPE_CHECKING:
    from git_helper.registry.links import Hashes
    from git_helper.registry.page_facts import PageFacts

LONGEST_PIECE = 1 << 20
"""Characters of one tag, comment or script: the parser holds it whole, and looks at it anew with each block."""
_LEAST = 1 << 14
"""Characters that are added to an unfinished piece at a time: a server may send them one by one."""
_LONGEST_TEXT = 1000
_LOGIN_WORDS = ("login", "log-in", "signin", "sign-in", "sso", "saml", "oauth", "authorize")


class HtmlPage(HTMLParser):
    """`feed` text in pieces, take what `found` holds after each, call `end` after the last.

    `base`: the page's URL; `local`: it is of this machine. What the page says of itself goes to `facts`.
    """

    def __init__(self, base: str, facts: PageFacts, *, local: bool = False) -> None:
        super().__init__(convert_charrefs=False)
        self.found: list[Link] = []
        self._base = base
        self._facts = facts
        self._local = local
        self._has_base = False
        self._has_files = False
        self._asks_person = False
        self._anchors = 0
        self._open: dict[str, str | None] | None = None
        self._text = ""
        self._waiting = ""

    def feed(self, data: str) -> None:
        """More of the page. Raises NotAnIndex."""
        self._waiting += data
        if self.rawdata and len(self._waiting) < _LEAST:
            return
        data, self._waiting = self._waiting, ""
        super().feed(data)
        if len(self.rawdata) > LONGEST_PIECE:
            raise self._facts.not_an_index(f"one piece of its HTML is longer than {LONGEST_PIECE >> 20} MiB")

    def end(self) -> None:
        """All of it was fed. Raises LoginPage or NotAnIndex when it can be no index page."""
        super().feed(self._waiting)
        # Not HTMLParser.close(): on an unfinished tag that is slow, and the tag is lost anyway.
        if self.rawdata.lstrip("\r\n\t ").lower().startswith("<a"):
            raise self._facts.not_an_index("it ends within a link")
        self._finish_anchor()
        if self._asks_person and not self._has_files and self._facts.api_version is None:
            hint = "name the index itself, and log in for git-helper: git-helper login URL"
            raise LoginPage(f"cannot read '{self._facts.shown}' as an index page: it is a page to log in at", hint)
        nothing = not (self._facts.links or self._facts.refused or self.found)
        if nothing and self._anchors and self._facts.api_version is None:
            reason = f"none of its {self._anchors} links leads to a project or to a file that can be installed"
            raise self._facts.not_an_index(reason, "name the index itself, such as 'https://host/simple/'")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self._finish_anchor()
            self._open, self._text = dict(attrs), ""
        elif tag == "base":
            self._take_base(dict(attrs).get("href"))
        elif tag == "meta":
            self._take_meta(dict(attrs))
        elif tag == "input":
            self._asks_person = self._asks_person or (dict(attrs).get("type") or "").lower() == "password"
        elif tag == "form":
            action = (dict(attrs).get("action") or "").lower()
            self._asks_person = self._asks_person or any(word in action for word in _LOGIN_WORDS)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._finish_anchor()

    def handle_data(self, data: str) -> None:
        if self._open is not None and len(self._text) < _LONGEST_TEXT:
            self._text += data[:_LONGEST_TEXT]

    def handle_entityref(self, name: str) -> None:
        self.handle_data(html.unescape(f"&{name};"))

    def handle_charref(self, name: str) -> None:
        self.handle_data(html.unescape(f"&#{name};"))

    def _take_base(self, href: str | None) -> None:
        """The first `<base href>` counts (HTML, 4.2.3)."""
        if href is None or self._has_base:
            return
        self._has_base = True
        try:
            self._base = resolved(self._base, href, local=self._local)[0]
        except BadLink as error:
            raise self._facts.not_an_index(f"its <base href> cannot be used: {error}") from None

    def _take_meta(self, attributes: dict[str, str | None]) -> None:
        name, content = attributes.get("name"), attributes.get("content") or ""
        if name == "pypi:repository-version":
            self._facts.speaks(content)
        elif name == "pypi:project-status":
            self._facts.has_status(content, self._facts.reason)
        elif name == "pypi:project-status-reason":
            self._facts.reason = content[:_LONGEST_TEXT] or None

    def _finish_anchor(self) -> None:
        attributes, self._open = self._open, None
        href = None if attributes is None else attributes.get("href")
        if attributes is None or not href:
            return
        self._anchors += 1
        try:
            url, fragment = resolved(self._base, href, local=self._local)
            filename = filename_of(url)
            if is_distribution(filename):
                self._has_files = True
                self.found.append(_file(filename, url, fragment, attributes, self._base))
                return
        except BadLink as error:
            if looks_like_file(href) or looks_like_file(self._text):
                self._facts.refuse(href, str(error))
            return
        name = self._text.strip(" \t\r\n\f").removesuffix("/")
        if self._is_project(name, url.partition("?")[0]):
            self.found.append(ProjectLink(name))

    def _is_project(self, name: str, url: str) -> bool:
        """Whether a link leads to the page of a project that it names: most links of other pages do not look like that."""
        folder, _, segment = url.rstrip("/").rpartition("/")
        is_place = url.endswith("/") or folder == self._base.rpartition("/")[0]
        return (
            is_place and is_project_name(name) and is_project_name(segment) and normalized(name) == normalized(segment)
        )


def _file(filename: str, url: str, fragment: str, attributes: dict[str, str | None], base: str) -> FileLink:
    """The attributes are those of PEP 503, 592, 658, 714 and 740."""
    yanked = attributes.get("data-yanked", "") or True if "data-yanked" in attributes else False
    metadata = attributes.get("data-core-metadata", attributes.get("data-dist-info-metadata"))
    provenance = attributes.get("data-provenance")
    return FileLink(
        filename,
        url,
        fragment_hashes(fragment),
        attributes.get("data-requires-python") or None,
        yanked,
        metadata=_metadata(metadata),
        provenance=None if not provenance else resolved(base, provenance)[0],
    )


def _metadata(value: str | None) -> Hashes | bool:
    if value is None:
        return False
    return fragment_hashes(value) or value.lower() == "true"
