"""`no_proxy`: the hosts that are reached directly, by curl's rules (curl(1) "NO_PROXY") and with ports as pip has them."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from git_helper.core.credential import Origin


def is_exempt(origin: Origin, no_proxy: str) -> bool:
    """Whether `no_proxy` names the origin: `*`, a host and all below it, `host:port`, an address or a network of them."""
    host = origin.host.decode("ascii").strip("[]").rstrip(".")
    is_address = _is_address(host)
    for entry in no_proxy.lower().replace(",", " ").split():
        if entry == "*" or (is_address and _covers(entry, host)):
            return True
        name, colon, port = entry.rpartition(":")
        if colon and port.isdecimal() and (":" not in name or name.endswith("]")):
            if len(port) > 5 or int(port) != origin.port:
                continue
            entry = name
        name = entry.strip("[]").removeprefix(".").removesuffix(".")
        if name and (host == name or (host.endswith("." + name) and not is_address)):
            return True
    return False


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _covers(entry: str, host: str) -> bool:
    """A name never stands for a network: whoever asks for `localhost` goes through the proxy despite `127.0.0.0/8`."""
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry.replace("[", "").replace("]", ""), strict=False)
    except ValueError:
        return False
