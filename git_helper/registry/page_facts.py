"""What a page of a registry says of itself, and why one may not be read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from git_helper.errors import Refused, UsageError
from git_helper.secret import visible

_VERSION = re.compile(r"([0-9]{1,6})\.([0-9]{1,6})")
_MOST_VERSIONS = 100_000
_MOST_EXAMPLES = 3
_LONGEST = 200  # characters shown of what a page says
SUPPORTED = 1


class NotAnIndex(UsageError):
    """What the server sent is no page that could be read as an index or find-links page."""

    error = "not-an-index"


class PageTooLarge(UsageError):
    """The page is longer than it may be."""

    error = "page-too-large"


class LoginPage(Refused):
    """A page on which a person is to log in stands in for the index."""

    error = "login-page"


@dataclass
class PageFacts:
    """Filled while a page is read. `links`: how many entries it gave; `refused`: links that were left out, and why.

    `api_version`: of PEP 629 or 691. `versions`: of the project (PEP 700). `status`, `reason`: of the project (PEP 792).
    """

    shown: str
    api_version: str | None = None
    versions: list[str] = field(default_factory=list)
    status: str | None = None
    reason: str | None = None
    links: int = 0
    refused: int = 0
    examples: list[str] = field(default_factory=list)

    def speaks(self, version: str) -> None:
        """The page is of this version of the index API. Raises NotAnIndex for another major one (PEP 629)."""
        found = _VERSION.fullmatch(version)
        if found is None or int(found[1]) != SUPPORTED:
            raise self.not_an_index(
                f"it speaks version '{visible(version[:20])}' of the index API", "update git-helper"
            )
        self.api_version = version

    def has_version(self, version: str) -> None:
        """The project has this version."""
        if len(self.versions) < _MOST_VERSIONS:
            self.versions.append(version[:_LONGEST])

    def has_status(self, status: object, reason: object) -> None:
        """The project's own status, such as `archived`."""
        if isinstance(status, str) and status != "active":
            self.status = status[:_LONGEST]
            self.reason = reason[:_LONGEST] if isinstance(reason, str) and reason else None

    def refuse(self, href: str, reason: str) -> None:
        """A link is left out."""
        self.refused += 1
        if len(self.examples) < _MOST_EXAMPLES:
            name = visible(href.partition("?")[0].partition("#")[0].rpartition("/")[2][-60:])
            self.examples.append(f"'{name}': {reason}")

    @property
    def warning(self) -> str | None:
        """What a person should know about the links that were left out."""
        if not self.refused:
            return None
        more = "" if self.refused <= len(self.examples) else f", and {self.refused - len(self.examples)} more"
        return f"left out of '{self.shown}': {'; '.join(self.examples)}{more}"

    def not_an_index(self, reason: str, hint: str | None = None) -> NotAnIndex:
        """The error for this page."""
        return NotAnIndex(f"cannot read '{self.shown}' as an index page: {reason}", hint)
