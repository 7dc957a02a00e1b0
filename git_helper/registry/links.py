"""What a page of a registry links to: files and projects, with everything that might harm whoever follows left out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urljoin

from git_helper.core.distribution import is_distribution
from git_helper.core.parse_error import ParseError
from git_helper.core.plain_url import PlainUrl
from git_helper.core.redaction import display_url
from git_helper.core.url_text import split_url
from git_helper.core.userinfo import looks_like_token
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

Hashes = tuple[tuple[str, str], ...]

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(?=:)")
_WITH_HOST = re.compile(r"://[^/?#]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_UNSAFE_NAME = re.compile(r"[\x00-\x1f\x7f-\x9f/\\\u2028\u2029]")
# What our own parser would pass without a change, as nearly all links are.
_PORT = r"(?:6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})"
_HARMLESS = re.compile(rf"https?://[a-z0-9][a-z0-9-]*(?:\.[a-z0-9][a-z0-9-]*)*(?::{_PORT})?/[!-$&-?A-\[\]-~]*")
_HARMLESS_PATH = re.compile(r"((?:\.\./)*)(/?[!$&-.0-9<->A-\[\]-~][!$&-9<->A-\[\]-~]*)")
_PLAIN_NAME = re.compile(r"[!-.0-\[\]-~]+")
_PRINTABLE = "".join(chr(point) for point in range(0x21, 0x7F))
_ALGORITHM = re.compile(r"[a-z0-9_]{1,20}")
_HEX = re.compile(r"[0-9a-f]{8,256}")
_LENGTHS = {"md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128}


class BadLink(ValueError):
    """A link that nobody should follow; the text says why, and holds no secret."""


@dataclass(frozen=True, slots=True)
class FileLink:
    """A file of a project, as a page describes it; nothing of it has been verified.

    `url`: absolute, without fragment, for the wire (it may carry userinfo or a signature); `file:` from pages of this
    machine only. `hashes`: (algorithm, hexadecimal digest), lower case. `yanked`: False, True, or the reason (PEP 592).
    `size`: bytes (PEP 700). `upload_time`: as written, RFC 3339 in UTC (PEP 700). `metadata`: whether `url + ".metadata"`
    is the wheel's METADATA, or the hashes of that (PEP 658, PEP 714). `provenance`: URL of its attestations (PEP 740).
    """

    filename: str
    url: str = field(repr=False)
    hashes: Hashes = ()
    requires_python: str | None = None
    yanked: str | bool = False
    size: int | None = None
    metadata: Hashes | bool = False
    upload_time: str | None = None
    provenance: str | None = field(default=None, repr=False)

    @property
    def shown(self) -> str:
        """The URL for reports: no userinfo, secret query values masked."""
        is_plain = _HARMLESS.fullmatch(self.url) is not None and "?" not in self.url
        return self.url if is_plain else without_userinfo(self.url)


@dataclass(frozen=True, slots=True)
class ProjectLink:
    """A project in the list of an index; `name` as the index writes it."""

    name: str


Link = FileLink | ProjectLink


def without_userinfo(url: str) -> str:
    """A URL for reports."""
    parts = split_url(url)
    return display_url(url if parts is None else url[: parts.authority_start] + url[parts.userinfo_end :])


def resolved(base: str, href: str, *, local: bool = False) -> tuple[str, str]:
    """A link's absolute URL and its fragment. `local`: the page is of this machine, so that it may link to its files.

    A user name without password is dropped: what a page says must not decide whom a person is asked about. Raises BadLink.
    """
    href = href.strip(" \t\r\n\f")
    joined = _plainly_joined(base, *href.partition("#")[::2])
    if joined is not None:
        return joined
    if _CONTROL.search(href) or "\\" in href:
        raise BadLink("it contains a control character or a backslash")
    scheme = _SCHEME.match(href)
    if scheme is not None and scheme[0].lower() not in ("http", "https", *(("file",) if local else ())):
        raise BadLink(f"'{scheme[0].lower()[:20]}:' is not followed")
    if scheme is not None and scheme[0].lower() != "file" and not _WITH_HOST.match(href, scheme.end()):
        raise BadLink("it names no host")
    try:
        url, _, fragment = urljoin(base, quote(href, safe=_PRINTABLE)).partition("#")
    except ValueError:
        raise BadLink("it is no URL") from None
    if _HARMLESS.fullmatch(url):
        return url, fragment
    return _checked(url), fragment


def _plainly_joined(base: str, href: str, fragment: str) -> tuple[str, str] | None:
    """As `urljoin` would, for the links of which a page may have a million; None for all others."""
    if _HARMLESS.fullmatch(href) and "/." not in href:
        return href, fragment
    path = _HARMLESS_PATH.fullmatch(href)
    if path is None or path[2].startswith(".") or "/." in path[2] or "//" in href:
        return None
    origin, folder = _folder(base)
    if path[2].startswith("/"):
        return (origin + path[2], fragment) if origin and not path[1] else None
    ups = len(path[1]) // 3
    if not origin or ups > len(folder):
        return None
    return "/".join((origin, *folder[: len(folder) - ups], path[2])), fragment


@lru_cache(maxsize=8)
def _folder(base: str) -> tuple[str, tuple[str, ...]]:
    """Origin and folders of a page's URL; no origin where joining is not that plain."""
    parts = split_url(base)
    if parts is None or not _HARMLESS.fullmatch(base) or "/." in base or "//" in parts.path or ";" in base:
        return "", ()
    return base[: parts.authority_end], tuple(parts.path.split("/")[1:-1])


def _checked(url: str) -> str:
    try:
        parsed = PlainUrl.parse(url)
    except ParseError as error:
        raise BadLink(error.message) from None
    info, parts = parsed.userinfo, split_url(url)
    if info is None or info.password is not None or parts is None or looks_like_token(unquote(parts.userinfo or "")):
        return url
    return url[: parts.authority_start] + url[parts.userinfo_end :]


def filename_of(url: str) -> str:
    """The last segment of a URL's path, decoded; "" when that is no plain file name."""
    parts = split_url(url)
    name = unquote("" if parts is None else parts.path.rpartition("/")[2])
    return name if is_plain_filename(name) else ""


def is_plain_filename(name: str) -> bool:
    """Whether it is one name, and shows as what it is."""
    if _PLAIN_NAME.fullmatch(name):
        return name not in (".", "..")
    return not (_UNSAFE_NAME.search(name) or name in ("", ".", "..") or visible(name) != name)


def fragment_hashes(fragment: str) -> Hashes:
    """The digests of `#sha256=…` (PEP 503). Raises BadLink for one that can match nothing."""
    found = []
    for part in fragment.split("&"):
        name, equals, value = part.partition("=")
        if equals and name in _LENGTHS:
            if len(value) != _LENGTHS[name] or not _HEX.fullmatch(value.lower()):
                raise BadLink(f"its {name} is none")
            found.append((name, value.lower()))
    return tuple(found)


def named_hashes(pairs: Iterable[tuple[object, object]]) -> Hashes:
    """The digests of a page in JSON (PEP 691). Raises BadLink for one that can match nothing."""
    found = []
    for name, value in pairs:
        text = value.lower() if isinstance(value, str) else ""
        if not isinstance(name, str) or not _ALGORITHM.fullmatch(name) or not _HEX.fullmatch(text):
            raise BadLink("one of its hashes is none")
        if len(text) != _LENGTHS.get(name, len(text)):
            raise BadLink(f"its {name} is none")
        found.append((name, text))
    return tuple(found)


def looks_like_file(text: str) -> bool:
    """Whether a link, which may be unusable, was meant to lead to a file that can be installed."""
    return is_distribution(text.partition("#")[0].partition("?")[0])
