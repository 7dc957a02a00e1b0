"""Where a request goes: a URL read once by our own parser, and the next one that a redirect names."""

from __future__ import annotations

import re
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote_to_bytes, urljoin

from git_helper.core.credential import Origin
from git_helper.core.parse_error import ParseError
from git_helper.core.plain_url import PlainUrl
from git_helper.core.redaction import mask_query
from git_helper.core.url_text import split_url
from git_helper.errors import Unreachable, UsageError
from git_helper.frozen import frozen

if TYPE_CHECKING:
    from git_helper.net.message import Request
    from git_helper.secret import Secret

REDIRECTS = (301, 302, 303, 307, 308)
MOST_REDIRECTS = 10
_OTHER_SCHEME = re.compile(r"(?!https?:)[a-z][a-z0-9+.-]*:", re.IGNORECASE)
# Everything printable but the blank: a Location is already percent-encoded where it must be.
_ASCII = "".join(chr(point) for point in range(0x21, 0x7F))


class BadRedirect(Unreachable):
    """A redirect that cannot be followed; `error` says why, for programs."""

    def __init__(self, target: Target, error: str, reason: str) -> None:
        super().__init__(f"cannot follow the redirect of '{target.shown}': {reason}")
        self.error = error


class Redirected(Unreachable):
    """A request that changes something or has a body was redirected: it is not sent again by itself.

    `url`: where to, for whoever can ask there anew; it may hold a signature.
    """

    def __init__(self, target: Target, following: Target, method: str) -> None:
        super().__init__(f"cannot send {method} to '{target.shown}': it redirects to '{following.shown}'")
        self.url = following.url


@frozen
class Target:
    """`url` goes to the server, without userinfo and fragment; `shown` is it for people. `path` starts with `/`.

    `username` and `password` are what the URL carried; `secrets_path` is what sources are asked for besides the origin.
    `lent`: they are of a redirect, for its hop alone. `sent_here`: a redirect of another origin led here.
    `leads_to`: of a proxy, the `configured_url` of the request that goes through it.
    """

    origin: Origin
    url: str = field(repr=False)
    shown: str
    path: str = field(repr=False)
    username: bytes | None = field(default=None, repr=False)
    password: Secret | None = None
    secrets_path: bytes | None = None
    lent: bool = False
    sent_here: bool = False
    leads_to: str | None = field(default=None, repr=False)

    @property
    def is_signed(self) -> bool:
        """Whether it is a place of someone else's with a signature in its query, as storage hosts have them: that lets in."""
        query = self.url.partition("?")[2]
        return self.sent_here and not self.lent and mask_query(query) != query

    @classmethod
    def parse(cls, text: str) -> Target:
        """An http or https URL. Raises UsageError, ParseError among them, whose messages mask what may be secret."""
        url = PlainUrl.parse(text)
        origin = Origin.parse(url.scheme.encode(), url.authority.netloc.encode())
        if origin is None:
            raise UsageError(f"cannot request '{url.display}': it is no http or https URL")
        user = None if url.userinfo is None else url.userinfo.user
        password = None if url.userinfo is None else url.userinfo.password
        name = None if user is None else user.reveal()
        return cls(origin, url.base.reveal().decode(), url.safe_url, url.path, name, password)

    @classmethod
    def of(cls, request: Request) -> Target:
        """Where `request` goes first. Raises UsageError."""
        target = cls.parse(request.url)
        given: dict[str, Any] = {} if request.path is None else {"secrets_path": request.path}
        if request.username is not None or request.password is not None:
            given |= {"username": request.username, "password": request.password}
        return replace(target, **given) if given else target

    @property
    def configured_url(self) -> str:
        """What git's `http.<url>.*` is compared with: its user name belongs to it, its query does not."""
        user = "" if self.username is None else quote(self.username, safe="") + "@"
        return f"{self.origin.scheme.decode()}://{user}{self.origin.authority()}{self.path}"

    def redirected(self, location: str | None) -> Target:
        """The next hop. Another origin gets nothing of this one, neither user nor password. Raises BadRedirect."""
        if location is None:
            raise BadRedirect(self, "redirect-without-location", "it names no place (no Location)")
        try:
            # http.client reads headers as latin-1; what servers mean is UTF-8 or escapes, and neither is changed.
            text = quote(location.encode("latin-1", "replace"), safe=_ASCII)
            found = Target.parse(text if split_url(text) is not None else urljoin(self.url, text))
        except ParseError as error:
            is_other = error.error == "unsupported-scheme" or _OTHER_SCHEME.match(location) is not None
            name = "unsupported-redirect-scheme" if is_other else error.error
            raise BadRedirect(self, name, error.message) from error
        except ValueError:
            raise BadRedirect(self, "invalid-url", "it names no URL") from None
        except UsageError as error:
            raise BadRedirect(self, "unsupported-redirect-scheme", error.message) from None
        if (self.origin.scheme, found.origin.scheme) == (b"https", b"http"):
            raise BadRedirect(self, "insecure-redirect", f"it leads to '{found.shown}', which is not encrypted")
        secrets_path = self._secrets_path_of(found)
        found = replace(found, sent_here=self.sent_here or found.origin != self.origin, secrets_path=secrets_path)
        if found.username is not None or found.password is not None:
            return replace(found, lent=True)
        if found.origin == self.origin and not self.lent:
            return replace(found, username=self.username, password=self.password)
        return found

    def _secrets_path_of(self, found: Target) -> bytes | None:
        """What sources are asked for there, if they are asked for a path at all: that of the repository to which the URL
        belongs by its end, such as `/info/refs` (http.c, update_url_from_redirect)."""
        if self.secrets_path is None:
            return None
        ours, theirs = unquote_to_bytes(self.path), unquote_to_bytes(found.path)
        _, here, end = ours.partition(self.secrets_path)
        if here and theirs.endswith(end):
            return theirs.removesuffix(end).strip(b"/")
        return self.secrets_path if found.origin == self.origin else None
