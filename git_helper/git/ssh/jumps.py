"""Hosts on the way (ProxyJump), and which names of hosts and users are fit for commands."""

from __future__ import annotations

import re
from urllib.parse import unquote

from git_helper.frozen import frozen

_PORT = re.compile(r"\+?[0-9]{1,9}", re.ASCII)
_SHELL = "'`\"$\\;&<>|(){}"


@frozen
class Hop:
    """One stop on the way. What is None comes from the configuration of that host, as if it was asked for by itself.

    The first hop of a chain may have a ProxyJump of its own; for the others the chain stands instead of it (ssh -J).
    """

    host: str
    user: str | None = None
    port: int | None = None


def parse_port(text: str) -> int | None:
    """1 to 65535, else None. Names of services are no ports."""
    if _PORT.fullmatch(text) is None:
        return None
    return int(text) if 1 <= int(text) <= 0xFFFF else None


def parse_jumps(text: str) -> tuple[Hop, ...] | None:
    """`[user@]host[:port]` or `ssh://…`, several with commas, the first one first; () for `none`; None for a bad one."""
    text = text.partition("#")[0].rstrip(" \t\r")
    if text.lower() == "none":
        return ()
    hops = [_hop(part) for part in text.split(",")]
    return None if None in hops else tuple(hop for hop in hops if hop is not None)


def _hop(text: str) -> Hop | None:
    is_url = text[:6].lower() == "ssh://"
    if is_url:
        text = text[6:].removesuffix("/")
    user, at, place = text.rpartition("@")
    if place.startswith("["):
        host, bracket, rest = place[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            return None
        port_text = rest[1:]
    else:
        host, _, port_text = place.partition(":")
    if is_url:
        user, host = unquote(user, errors="surrogateescape"), unquote(host, errors="surrogateescape")
    port = parse_port(port_text) if port_text else None
    if (at and not user) or (port_text and port is None) or "/" in host:
        return None
    if not is_safe_host(host) or not is_safe_user(user):
        return None
    return Hop(host, user if at else None, port)


def is_safe_host(host: str) -> bool:
    """Whether a host cannot be an option nor say anything to a shell (as OpenSSH's valid_hostname)."""
    return bool(host) and not host.startswith("-") and not any(char in _SHELL or _is_control(char) for char in host)


def is_safe_user(user: str) -> bool:
    """The same of a user, who may have a backslash (`DOMAIN\\name`), `$`, and spaces inside (as valid_ruser)."""
    if user.startswith("-") or user.endswith("\\") or re.search(r"\s-", user):
        return False
    return not any((char in _SHELL and char not in "$\\") or (char != " " and _is_control(char)) for char in user)


def _is_control(char: str) -> bool:
    return char.isspace() or char < " " or "\x7f" <= char <= "\x9f"
