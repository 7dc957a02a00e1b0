"""What to look at when there is no connection: for HTTP, proxies and ssh alike, so that all of them say the same."""

from __future__ import annotations

import errno

_OFFLINE = tuple(
    getattr(errno, name)
    for name in ("ENETUNREACH", "EHOSTUNREACH", "ENETDOWN", "EHOSTDOWN", "EADDRNOTAVAIL")
    if hasattr(errno, name)
)
_PROXY = "where only a proxy leads out: --proxy URL"

UNKNOWN_NAME = "is it spelled right, and this machine online?"
OTHER_PROXY = "name another proxy: --proxy URL, or none: --proxy ''; who names it: git-helper settings"
NOT_THROUGH_IT = "to reach it without the proxy: export no_proxy=HOST, or --proxy ''"
MAYBE_TLS = "if it speaks TLS at this port, write 'https://'"


def hint(code: int | None, *, proxies: bool = True) -> str | None:
    """For an errno of connect(2). `proxies`: whether `--proxy` could help."""
    if code == errno.ECONNREFUSED:
        return "nothing listens there: is the port right, and the server running?"
    if code in _OFFLINE:
        return f"is this machine online? {_PROXY}" if proxies else "is this machine online?"
    return None


def unknown_name() -> str:
    """For a host that has no address, where `--proxy` could help: the proxy may know it."""
    return f"{UNKNOWN_NAME} {_PROXY}"
