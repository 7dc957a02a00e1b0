"""Indexes and find-links pages as configured: which URLs belong to them, and what is known for these beforehand."""

from __future__ import annotations

import re
from dataclasses import field
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote, unquote_to_bytes

from git_helper.core.credential import Description, Origin
from git_helper.core.plain_url import PlainUrl
from git_helper.core.redaction import mask_query
from git_helper.core.url_text import split_url
from git_helper.errors import UsageError
from git_helper.frozen import frozen
from git_helper.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from git_helper.core.url_text import UrlText

    Authenticate = Literal["auto", "always", "never"]
    Kind = Literal["index", "find-links"]

_SIMPLE = ("simple", "+simple")
_PAGE = re.compile(r".*\.html?", re.IGNORECASE)
_NAMED = re.compile(r"([\w.-]+)=(?=[a-z][a-z0-9+.-]*://)", re.ASCII | re.IGNORECASE)
_VARIABLES = ("GIT_HELPER_INDEX_", "UV_INDEX_")


class CredentialsWithNever(UsageError):
    """An index that must never see a credential has been given one; `shown`: its URL for people."""

    error = "credentials-with-never"

    def __init__(self, shown: str) -> None:
        super().__init__(
            f"cannot use '{shown}': it is never to be authenticated, but has a user name or password",
            'leave them out, or set authenticate = "auto"',
        )


@frozen
class Userinfo:
    """What stands before the `@` of a URL, decoded; an empty password is one (`u:@host`), an absent one is None."""

    username: bytes | None = field(default=None, repr=False)
    password: Secret | None = None

    @classmethod
    def of(cls, url: PlainUrl) -> Userinfo:
        """Of a URL that was read."""
        info = url.userinfo
        user = None if info is None or info.user is None else info.user.reveal()
        password = None if info is None else info.password
        if user is not None and password is None and _written(url).endswith(":"):
            password = Secret(b"")
        return cls(user, password)

    def is_complete(self) -> bool:
        """Whether it can be sent as it is."""
        return self.password is not None

    def joined(self, other: Userinfo) -> Userinfo:
        """What is missing here is taken from there, unless that is for another user. This one comes first."""
        if None not in (self.username, other.username) and self.username != other.username:
            return self
        username = other.username if self.username is None else self.username
        return Userinfo(username, other.password if self.password is None else self.password)


@frozen
class Index:
    """`url` as given; `bare`: it without userinfo and fragment, to be fetched; `service`: the same without a query that
    holds a secret, as keyrings name it (a program is told it by argv); `shown`: for people.

    `authenticate`: "always" sends no request without a credential, "never" none with one. `userinfo`: what its URL
    carries, joined with its variables. `segments`: the path of its root, to which its files belong too. `path`: decoded.
    """

    url: str = field(repr=False)
    name: str | None
    authenticate: Authenticate
    kind: Kind
    origin: Origin
    bare: str = field(repr=False)
    service: str
    shown: str
    userinfo: Userinfo
    segments: tuple[str, ...]
    path: bytes

    @classmethod
    def parse(
        cls,
        text: str,
        name: str | None = None,
        *,
        authenticate: Authenticate = "auto",
        kind: Kind = "index",
        environ: Mapping[str, str] | None = None,
    ) -> Index:
        """An index or find-links page at an http or https URL. Raises UsageError: ParseError, CredentialsWithNever.

        With a name, `environ` (text) may hold GIT_HELPER_INDEX_<NAME>_USERNAME and _PASSWORD, or uv's UV_INDEX_<NAME>_…;
        they complete what the URL carries.
        """
        url = PlainUrl.parse(text)
        origin = Origin.parse(url.scheme.encode(), url.authority.netloc.encode())
        if origin is None:
            raise UsageError(f"cannot use '{url.display}' as an index: it is no http or https URL")
        userinfo = Userinfo.of(url)
        if name is not None and environ is not None:
            userinfo = userinfo.joined(_of_variables(name, environ))
        if authenticate == "never" and userinfo != Userinfo():
            raise CredentialsWithNever(url.safe_url)
        root, decoded = _root(url.path, kind), _decoded(url.path)
        return cls(
            text, name, authenticate, kind, realm(origin), *_services(text), url.safe_url, userinfo, root, decoded
        )

    def covers(self, origin: Origin, path: str) -> bool:
        """Whether what is at `path` belongs to it: same realm, whole segments."""
        return realm(origin) == self.origin and path_segments(path)[: len(self.segments)] == self.segments


@frozen
class Described:
    """An index as a table of a project describes it. It has no name: a project gives no variable of a person to a server."""

    url: str = field(repr=False)
    authenticate: Authenticate = "auto"


@frozen
class Place:
    """What is configured for a URL.

    `service`, `shown`, `path` and `segments` (of its root) are those of the index that the URL belongs to; without one,
    None and the folder of the URL. `neighbour`: what another index of the same origin carries, if that is complete.
    """

    path: bytes
    segments: tuple[str, ...]
    userinfo: Userinfo = Userinfo()
    authenticate: Authenticate = "auto"
    service: str | None = None
    shown: str | None = None
    neighbour: Userinfo | None = None


class Wanted(Description):
    """A description of what a registry wants; `path` is the index's, or that of the URL. `service`: see `Place`."""

    __slots__ = ("service",)

    def __init__(
        self,
        protocol: bytes,
        host: bytes,
        path: bytes | None = None,
        username: bytes | None = None,
        service: str | None = None,
    ) -> None:
        super().__init__(protocol, host, path, username)
        self.service = service

    def narrowed(self, username: bytes) -> Wanted:
        """The same for one user."""
        return Wanted(self.protocol, self.host, self.path, username, self.service)


def named(text: str) -> tuple[str | None, str]:
    """The name, if it has one, and the URL of `NAME=URL`, as uv writes an index."""
    match = _NAMED.match(text)
    return (None, text) if match is None else (match[1], text[match.end() :])


def realm(origin: Origin) -> Origin:
    """The origin without the dot that makes a host name absolute: both names are the same host (RFC 1034 §3.1)."""
    return Origin(origin.scheme, origin.host.removesuffix(b"."), origin.port)


def place(indexes: Iterable[Index], origin: Origin, path: str) -> Place:
    """What is configured for the URL with this origin and path; of several indexes the one with the longest root."""
    near = [index for index in indexes if index.origin == realm(origin)]
    best = max((index for index in near if index.covers(origin, path)), key=lambda one: len(one.segments), default=None)
    neighbour = next((index.userinfo for index in near if index is not best and index.userinfo.is_complete()), None)
    if best is None:
        folder = path.rpartition("/")[0]
        return Place(_decoded(folder), path_segments(folder), neighbour=neighbour)
    return Place(
        best.path, best.segments, best.userinfo, best.authenticate, best.service, best.shown, neighbour=neighbour
    )


def path_segments(path: str) -> tuple[str, ...]:
    """The segments of a URL path, decoded, as servers see them: `.` and `..` resolved (RFC 3986 §5.2.4), no empty ones."""
    segments: list[str] = []
    for segment in path.split("/"):
        name = unquote(segment)
        if name == "..":
            del segments[-1:]
        elif name not in ("", "."):
            segments.append(name)
    return tuple(segments)


def _root(path: str, kind: Kind) -> tuple[str, ...]:
    segments = path_segments(path)
    last = segments[-1] if segments else ""
    is_part = last in _SIMPLE if kind == "index" else _PAGE.fullmatch(last) is not None
    return segments[:-1] if is_part else segments


def _decoded(path: str) -> bytes:
    """As git names a path: without the slashes around it."""
    return unquote_to_bytes(path.strip("/"))


def _services(text: str) -> tuple[str, str]:
    url = split_url(text)
    if url is None:
        return "", ""
    bare = text[: url.authority_start] + text[url.userinfo_end : url.query_end]
    query = url.query or ""
    return bare, bare if mask_query(query) == query else bare.partition("?")[0]


def _written(url: PlainUrl) -> str:
    parts: UrlText | None = split_url(url.text.reveal().decode())
    return "" if parts is None else parts.userinfo or ""


def _of_variables(name: str, environ: Mapping[str, str]) -> Userinfo:
    """The variables of the first prefix that has one."""
    suffix = "".join(char if char.isascii() and char.isalnum() else "_" for char in name).upper()
    for prefix in _VARIABLES:
        user, password = (environ.get(f"{prefix}{suffix}_{field}") for field in ("USERNAME", "PASSWORD"))
        if user or password:
            secret = Secret(password.encode("utf-8", "surrogateescape")) if password else None
            return Userinfo(user.encode("utf-8", "surrogateescape") if user else None, secret)
    return Userinfo()
