"""git's rules for `credential.<url>.*` and `http.<url>.*`: which patterns apply to a URL, and which applies best.

Follows urlmatch.c (url_normalize, match_urls) and, for the partial URLs that only `credential.*` knows, credential.c
(credential_from_url_1, credential_match); git-config(1) "http.<url>.*", gitcredentials(7) "CREDENTIAL CONTEXTS".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from git_helper.core.credential import Description

_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_DIGITS = b"0123456789"
_HEXADECIMAL = b"0123456789abcdefABCDEF"
_SCHEME = _LETTERS + _DIGITS + b"+.-"
_HOST = _LETTERS + _DIGITS + b".-_[:]"
_PLAIN_HOST = _LETTERS + _DIGITS + b"-.:[]"
_UNSAFE = b' <>"%{}|\\^`' + bytes(range(0x20)) + bytes(range(0x7F, 0x100))
_RESERVED = b":/?#[]@!$&'()*+,;="
_DEFAULT_PORTS = {b"http": b"80", b"https": b"443"}


class Url(NamedTuple):
    """A normalised URL. `user`: None without `@`; `port`: empty for the default; `path`: with query and fragment."""

    scheme: bytes
    user: bytes | None
    host: bytes
    port: bytes
    path: bytes


class Rank(NamedTuple):
    """How well a pattern matches: the greater, the better. A setting without a URL has `LOWEST`."""

    host: int
    path: int
    user: bool


LOWEST = Rank(0, 0, False)


def normalized(url: bytes, *, pattern: bool = False) -> Url | None:
    """The URL in git's normal form; None for what git calls invalid. A `pattern` may have `*` in its host."""
    scheme, separator, rest = url.partition(b"://")
    if not separator or not scheme[:1].isalpha() or scheme.strip(_SCHEME):
        return None
    scheme = scheme.lower()
    end = _authority_end(rest)
    authority, tail = rest[:end], rest[end:]
    user: bytes | None = None
    if b"@" in authority:
        userinfo, _, authority = authority.partition(b"@")
        escaped = _escaped(userinfo)
        if escaped is None:
            return None
        user = escaped.partition(b":")[0]
    host, port = _host_and_port(authority)
    valid_port = _port(port, scheme)
    path = _path(tail)
    if (not host and (scheme != b"file" or port)) or host.strip(_HOST + b"*" * pattern) or None in (valid_port, path):
        return None
    return Url(scheme, user, host.lower(), valid_port or b"", path or b"")


def match(url: Url, pattern: Url) -> Rank | None:
    """How well `pattern` matches `url`, or None: scheme, port and any user equal, host by labels, path by its start."""
    if pattern.scheme != url.scheme or pattern.port != url.port:
        return None
    if pattern.user is not None and pattern.user != url.user:
        return None
    if not _same_host(url.host, pattern.host):
        return None
    length = _common_path(url.path, pattern.path)
    return Rank(len(pattern.host), length, pattern.user is not None) if length else None


def match_text(url: bytes, pattern: bytes) -> Rank | None:
    """`match` for a URL and a pattern as they are written; None too when one of them is invalid."""
    left, right = normalized(url), normalized(pattern, pattern=True)
    return None if left is None or right is None else match(left, right)


def applies(pattern: bytes, wanted: Description, username: bytes | None = None) -> bool:
    """Whether `credential.<pattern>.*` is for `wanted`.

    `username`: the user of an earlier configuration line; git compares it too, but only with partial patterns.
    """
    full = normalized(pattern, pattern=True)
    if full is not None:
        url = normalized(url_of(wanted))
        return url is not None and match(url, full) is not None
    partial = _partial(pattern)
    if any(value is not None and b"\n" in value for value in partial):
        return False
    user = wanted.username if wanted.username is not None else username
    known = (wanted.protocol, user, wanted.host, wanted.path)
    return all(value is None or value == have for value, have in zip(partial, known, strict=True))


def url_of(wanted: Description) -> bytes:
    """The description as the URL that git matches patterns with (credential_format), everything unusual escaped."""
    user = _encoded(wanted.username, _UNSAFE + _RESERVED) + b"@" if wanted.username else b""
    host = _encoded(wanted.host, bytes(byte for byte in range(0x100) if byte not in _PLAIN_HOST))
    path = b"" if wanted.path is None else b"/" + _encoded(wanted.path, _UNSAFE + _RESERVED.replace(b"/", b""))
    return wanted.protocol + b"://" + user + host + path


def _authority_end(rest: bytes) -> int:
    return min((at for at in map(rest.find, (b"/", b"?", b"#")) if at >= 0), default=len(rest))


def _host_and_port(authority: bytes) -> tuple[bytes, bytes]:
    colon = authority.rfind(b":")
    if colon < 0 or colon < authority.rfind(b"]"):
        return authority, b""
    return authority[:colon], authority[colon + 1 :]


def _port(port: bytes, scheme: bytes) -> bytes | None:
    stripped = port.lstrip(b"0") or port[:1]
    if stripped in (b"", _DEFAULT_PORTS.get(scheme)):
        return b""
    if stripped.strip(_DIGITS) or len(stripped) > 5 or not 0 < int(stripped) < 0x10000:
        return None
    return stripped


def _path(tail: bytes) -> bytes | None:
    """With dot segments resolved and escapes normalised; None for a bad escape or a `..` that leads above the root.

    In linear time: the path of a question is what whoever names a repository makes of it.
    """
    end = min((at for at in map(tail.find, (b"?", b"#")) if at >= 0), default=len(tail))
    query, path = _escaped(tail[end:]), bytearray(b"/")
    segments = tail[:end].removeprefix(b"/").split(b"/")
    for number, written in enumerate(segments, 1):
        segment = _escaped(written)
        if segment is None or (segment == b".." and path == b"/"):
            return None
        slash = b"/"
        if segment == b".":
            # The slash before it goes as well, unless it is the first one.
            slash = b"" if path == b"/" else slash
            del path[max(1, len(path) - 1) :]
        elif segment == b"..":
            del path[path.rfind(b"/", 0, -1) :]
            slash = slash if path else b""
            path = path or bytearray(b"/")
        else:
            path += segment
        if number < len(segments):
            path += slash
    return None if query is None else bytes(path) + query


def _escaped(text: bytes) -> bytes | None:
    """Escapes in upper case, only where needed; delimiters stay as they were written. None for a bad escape."""
    head, *rest = text.split(b"%")
    result = _encoded(head, _UNSAFE)
    for part in rest:
        digits = part[:2]
        if len(digits) < 2 or digits.strip(_HEXADECIMAL):
            return None
        result += _encoded(bytes((int(digits, 16),)), _UNSAFE + _RESERVED) + _encoded(part[2:], _UNSAFE)
    return result


def _encoded(text: bytes, unsafe: bytes) -> bytes:
    return b"".join(b"%%%02X" % byte if byte in unsafe else bytes((byte,)) for byte in text)


def _same_host(host: bytes, pattern: bytes) -> bool:
    labels, wanted = _labels(host), _labels(pattern)
    return len(labels) == len(wanted) and all(want in (b"*", label) for label, want in zip(labels, wanted, strict=True))


def _labels(host: bytes) -> list[bytes]:
    labels = host.split(b".")
    return labels if labels[-1] else labels[:-1]


def _common_path(path: bytes, prefix: bytes) -> int:
    """Length of the match with its final `/`, even when that is only implied; 0 for none."""
    prefix = prefix.removesuffix(b"/")
    return len(prefix) + 1 if path == prefix or path.startswith(prefix + b"/") else 0


def _partial(pattern: bytes) -> tuple[bytes | None, bytes | None, bytes | None, bytes | None]:
    """Protocol, user, host and path of a URL of which any part may be missing (`example.com`, `/a.git`, `https://`)."""
    before, separator, rest = pattern.partition(b"://")
    protocol = before if separator else b""
    rest = rest if separator else pattern
    end = _authority_end(rest)
    authority, path = rest[:end], rest[end:].lstrip(b"/")
    user: bytes | None = None
    if b"@" in authority:
        userinfo, _, authority = authority.partition(b"@")
        user = _decoded(userinfo.partition(b":")[0])
    path = _decoded(path)
    path = path[:1] + path[1:].rstrip(b"/")
    return protocol or None, user, _decoded(authority) or None, path or None


def _decoded(text: bytes) -> bytes:
    # url_decode() leaves alone what comes before a colon (it takes that for a scheme), and never makes a NUL.
    head, colon, rest = text.partition(b":")
    if not colon or not head:
        head, rest = b"", text
    first, *parts = rest.split(b"%")
    result = head + (colon if head else b"") + first
    for part in parts:
        digits = part[:2]
        if len(digits) == 2 and not digits.strip(_HEXADECIMAL) and digits != b"00":
            result += bytes((int(digits, 16),)) + part[2:]
        else:
            result += b"%" + part
    return result
