"""Where the parts of a URL lie in its text: spans only, nothing decoded, nothing refused."""

from __future__ import annotations

import re
from dataclasses import field

from git_helper.frozen import frozen

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_ONE_SLASH = re.compile(r"^((?:git\+)?file:)/(?!/)", re.IGNORECASE)
_BRACKETED = re.compile(r"^\[[0-9A-Fa-f:.]*\]")
_AUTHORITY = re.compile(r"[^/?#\\]*")
# A scheme inside of text: bounded, so that long runs of letters cost no square time; the end of a longer one matches.
SCHEME_INSIDE = r"[A-Za-z][A-Za-z0-9+.-]{0,30}://"
# A proxy's prefix, `https://proxy/https://host:1/x`: its colons are no sign of a password.
_NESTED_ORIGIN = re.compile(rf"{SCHEME_INSIDE}[^/@?#:]*(?::[0-9]+)?(?=/|$)")


@frozen
class UrlText:
    """A URL cut at its marks; every number is an offset in `text`.

    The authority ends at the first of `/ ? # \\`, the userinfo at its last `@` (at `authority_start` when there is
    none), the path at `?` or `#`, the query (with its `?`) at `#`; the fragment (with its `#`) is the rest.
    """

    text: str = field(repr=False)
    authority_start: int
    userinfo_end: int
    authority_end: int
    path_end: int
    query_end: int

    @property
    def scheme(self) -> str:
        """In lower case, without `://`."""
        return self.text[: self.authority_start - 3].lower()

    @property
    def userinfo(self) -> str | None:
        """Without its `@`; None when there is no `@` in the authority."""
        start, end = self.authority_start, self.userinfo_end
        return self.text[start : end - 1] if end > start else None

    @property
    def host_and_port(self) -> str:
        """The authority behind the userinfo."""
        return self.text[self.userinfo_end : self.authority_end]

    @property
    def path(self) -> str:
        """As written, with its first `/`."""
        return self.text[self.authority_end : self.path_end]

    @property
    def query(self) -> str | None:
        """Without `?`; None when there is none."""
        return self.text[self.path_end + 1 : self.query_end] if self.query_end > self.path_end else None

    @property
    def fragment(self) -> str | None:
        """Without `#`; None when there is none."""
        return self.text[self.query_end + 1 :] if self.query_end < len(self.text) else None

    @property
    def port(self) -> str | None:
        """What follows the host's colon; None when there is no colon (those of an IPv6 address do not count)."""
        text = self.host_and_port
        _, colon, port = (_BRACKETED.sub("", text) if text.startswith("[") else text).partition(":")
        return port if colon else None

    @property
    def port_is_number(self) -> bool:
        """Whether the port is absent, empty, or 1 to 65535 in ASCII digits."""
        port = self.port
        return not port or (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) <= 65535)


def split_url(text: str) -> UrlText | None:
    """The spans of `text`, None unless it begins with `scheme://` (RFC 3986 §3; browsers end an authority at `\\` too)."""
    scheme = _SCHEME.match(text)
    if scheme is None:
        return None
    start = scheme.end()
    authority = _AUTHORITY.match(text, start)
    end = authority.end() if authority else start
    query_end = _find(text, "#", end, len(text))
    path_end = _find(text, "?", end, query_end)
    return UrlText(text, start, text.rfind("@", start, end) + 1 or start, end, path_end, query_end)


def with_authority(text: str) -> str:
    """`file:/x` as `file:///x`, with `git+` too: RFC 8089 allows both, pip and uv take both; any other text as it is."""
    return _ONE_SLASH.sub(r"\1///", text)


def without_dots(path: str) -> str:
    """Without `.` and `..`, also written with escapes (RFC 3986 §5.2.4): HTTP clients would remove them unseen."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        plain = segment.lower().replace("%2e", ".")
        if plain == "..":
            del kept[-1:]
        elif plain != ".":
            kept.append(segment)
    if segments[-1].lower().replace("%2e", ".") in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


def hides_credentials(url: UrlText) -> bool:
    """Whether an `@` behind the authority may end a password with a raw `/ ? # \\`, so that no part may be shown.

    `u:p/w@host` (no number for a port), `u:/w@host`, `user/name:pw@host` (colon and `@` in the path) and `u?p@host` are such.
    """
    is_file = url.scheme.rpartition("+")[2] == "file" and url.host_and_port.lower() in ("", "localhost")
    if is_file or "@" not in url.text[url.authority_end :]:
        return False
    if not url.port_is_number:
        return not is_scp_like(url)
    if url.port == "" and url.userinfo is None:
        return True  # `u:/password@host`; nobody writes a colon without a port
    if url.text[url.authority_end] != "/":
        return True
    path = url.path if ":" not in url.path else _NESTED_ORIGIN.sub("", url.path)
    return "@" in path[path.find(":") :] if ":" in path else False


def is_scp_like(url: UrlText) -> bool:
    """`ssh://git@host:org/repo`: the scp form with a scheme in front; a password there makes it something else."""
    if url.scheme not in ("ssh", "git+ssh") or url.port_is_number or ":" in (url.userinfo or ""):
        return False
    if (url.port or "").isdigit() or url.host_and_port.startswith("["):
        return False  # a port that is none, or an address that does not end
    return url.userinfo is not None or "@" not in url.text


def _find(text: str, mark: str, start: int, end: int) -> int:
    place = text.find(mark, start, end)
    return end if place < 0 else place
