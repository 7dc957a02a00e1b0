"""The hosts whose certificates are not verified, as people write them: `HOST`, `HOST:PORT`, `[IPV6]`, `[IPV6]:PORT`, `*`."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from git_helper.core.parse_error import ParseError
from git_helper.frozen import frozen

if TYPE_CHECKING:
    from git_helper.core.credential import Origin

ANY = "*"
_HINT = "write HOST, HOST:PORT, [IPV6] or [IPV6]:PORT; '*' alone is every host"
_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?")
_PORT = re.compile(r"[0-9]{1,5}")
_MOST = 0xFFFF
_FIELDS = ("host", "port", "scheme")


@frozen
class InsecureHost:
    """`host` in lower case, IPv6 in brackets, `*` for every one; None for every port, for https as for any scheme."""

    host: str
    port: int | None = None
    scheme: str | None = None

    @classmethod
    def parse(cls, given: str | Mapping[str, object]) -> InsecureHost:
        """A word, with or without `https://`, its path dropped; or a table of `host`, `port` and `scheme`.

        Raises ParseError: `missing-host`, `invalid-host`, `invalid-port`, `unsupported-scheme`, `unknown-key`.
        """
        if isinstance(given, Mapping):
            return _of_table(given)
        text = given.strip(" \t")
        before, separator, rest = text.rpartition("://")
        scheme = _scheme(given, before) if separator else None
        authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
        if authority == ANY and not separator:
            return cls(ANY)
        host, port = _divided(given, authority)
        return cls(_host(given, host), None if port is None else _port(given, port), scheme)

    def matches(self, origin: Origin) -> bool:
        """Whether certificates of `origin` are not verified: https only, the effective port counts."""
        if origin.scheme != b"https" or self.scheme == "http":
            return False
        host = origin.host.decode("ascii").removesuffix(".")
        return self.host in (ANY, host) and self.port in (None, origin.port)

    def __str__(self) -> str:
        scheme = "" if self.scheme is None else f"{self.scheme}://"
        return scheme + self.host + ("" if self.port is None else f":{self.port}")


def _of_table(given: Mapping[str, object]) -> InsecureHost:
    shown = ", ".join(f"{name} = {value!r}" for name, value in given.items())
    unknown = next((name for name in given if name not in _FIELDS), None)
    if unknown is not None:
        raise _error("unknown-key", shown, f"it has the key '{unknown}'", f"use: {', '.join(_FIELDS)}")
    host, port, scheme = (given.get(name) for name in _FIELDS)
    if host is not None and not isinstance(host, str):
        raise _error("invalid-host", shown, "its host is no text")
    if port is not None and type(port) is not int:
        raise _error("invalid-port", shown, "its port is no number from 1 to 65535")
    checked_scheme = None if scheme is None else _scheme(shown, str(scheme))
    checked_port = None if port is None else _port(shown, str(port))
    if host == ANY:
        return InsecureHost(ANY, checked_port, checked_scheme)
    return InsecureHost(_host(shown, host or ""), checked_port, checked_scheme)


def _divided(given: str, authority: str) -> tuple[str, str | None]:
    """Host and port. An IPv6 address may stand without brackets, where it is all there is."""
    if "@" in authority:
        raise _error("invalid-host", given, "a user name has nothing to do with certificates")
    if authority.count(":") > 1 and not authority.startswith("["):
        try:
            return ipaddress.IPv6Address(authority).compressed, None
        except ipaddress.AddressValueError:
            pass
    bracketed, bracket, rest = authority.rpartition("]")
    host, colon, port = rest.partition(":")
    if bracket and host:
        raise _error("invalid-host", given, "its host is no host name")
    return bracketed + bracket + host, port if colon else None


def _host(given: str, text: str) -> str:
    host = text.lower().removesuffix(".")
    if not host:
        raise _error("missing-host", given, "it names no host")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if ":" in bare or bare != host:
        try:
            return f"[{ipaddress.IPv6Address('' if '%' in bare else bare).compressed}]"
        except ipaddress.AddressValueError:
            raise _error("invalid-host", given, "its host is no IPv6 address") from None
    if not host.isascii():
        hint = "write the host in its ASCII form, 'xn--…', so that it cannot be mistaken for another one"
        raise _error("invalid-host", given, "its host has letters beyond ASCII", hint)
    if _NAME.fullmatch(host) is None or ".." in host:
        raise _error("invalid-host", given, "its host is no host name")
    return host


def _port(given: str, text: str) -> int:
    if _PORT.fullmatch(text) is None or not 0 < int(text) <= _MOST:
        raise _error("invalid-port", given, "its port is no number from 1 to 65535")
    return int(text)


def _scheme(given: str, text: str) -> str:
    scheme = text.lower()
    if scheme not in ("https", "http"):
        raise _error("unsupported-scheme", given, "only https has certificates to verify")
    return scheme


def _error(slug: str, given: str, reason: str, hint: str = _HINT) -> ParseError:
    return ParseError(slug, given, reason, (0, len(given)), hint)
