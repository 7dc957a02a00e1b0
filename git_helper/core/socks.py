"""The conversations that open a connection through a SOCKS proxy: version 5 (RFC 1928, RFC 1929), 4 and 4a.

Each is a generator that yields what to send and how many bytes to read after it, is sent these bytes, and ends when the
connection is open.
"""

from __future__ import annotations

from collections.abc import Generator
from ipaddress import IPv4Address, IPv6Address, ip_address

Conversation = Generator[tuple[bytes, int], bytes, None]

_NO_LOGIN, _PASSWORD, _NOTHING_FITS = 0, 2, 0xFF
_LONGEST = 255  # bytes of a name or a password
_REPLIES_5 = {
    1: "it failed",
    2: "its rules do not allow it",
    3: "the network is unreachable",
    4: "the host is unreachable",
    5: "connection refused",
    6: "it took too long",
    7: "it cannot open connections",
    8: "it does not know this kind of address",
}
_REPLIES_4 = {
    91: "it failed",
    92: "it cannot ask who we are (no identd)",
    93: "its rules do not allow this user",
}


class SocksRefusal(Exception):
    """The proxy opens no connection; `wants_login`: because of the user name and password."""

    def __init__(self, reason: str, *, wants_login: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wants_login = wants_login


def version_5(host: str, port: int, login: tuple[bytes, bytes] | None) -> Conversation:
    """To `host`, an address or a name for the proxy to look up. `login`: user name and password. Raises SocksRefusal."""
    methods = bytes([_NO_LOGIN] if login is None else [_NO_LOGIN, _PASSWORD])
    version, method = yield bytes([5, len(methods)]) + methods, 2
    if version != 5:
        raise SocksRefusal("it does not speak SOCKS 5")
    if method == _PASSWORD and login is not None:
        _, status = yield b"\x01" + _counted(login[0], "user name") + _counted(login[1], "password"), 2
        if status != 0:
            raise SocksRefusal("it does not accept the user name and password", wants_login=True)
    elif method == _NOTHING_FITS:
        raise SocksRefusal("it wants a user name and password", wants_login=True)
    elif method != _NO_LOGIN:
        raise SocksRefusal("it wants what was not offered")
    version, reply, _, kind = yield b"\x05\x01\x00" + _place(host) + port.to_bytes(2, "big"), 4
    if version != 5 or reply != 0:
        raise SocksRefusal(_REPLIES_5.get(reply, f"reply {reply}"))
    # Where the proxy's own end is: of no use, but in the way.
    length = {1: 4, 4: 16}.get(kind)
    if length is None:
        (length,) = yield b"", 1
    yield b"", length + 2


def version_4(host: str, port: int, user: bytes) -> Conversation:
    """To `host`, an IPv4 address, or for 4a a name for the proxy to look up. Raises SocksRefusal."""
    if b"\0" in user:
        raise SocksRefusal("its user name holds a NUL byte")
    address = _address(host)
    if isinstance(address, IPv6Address):
        raise SocksRefusal("SOCKS 4 knows no IPv6 addresses")
    # 0.0.0.1 says that a name follows (4a).
    packed, name = (b"\0\0\0\x01", host.encode("ascii") + b"\0") if address is None else (address.packed, b"")
    answer = yield b"\x04\x01" + port.to_bytes(2, "big") + packed + user + b"\0" + name, 8
    if answer[0] != 0 or answer[1] != 90:
        raise SocksRefusal("it does not speak SOCKS 4" if answer[0] != 0 else _REPLIES_4.get(answer[1], "it failed"))


def _place(host: str) -> bytes:
    address = _address(host)
    if address is None:
        return b"\x03" + _counted(host.encode("ascii"), "host name")
    return (b"\x01" if isinstance(address, IPv4Address) else b"\x04") + address.packed


def _counted(text: bytes, what: str) -> bytes:
    """With its length in front. RFC 1929 has no empty ones, but proxies that take any name do."""
    if len(text) > _LONGEST:
        raise SocksRefusal(f"SOCKS 5 takes no {what} longer than {_LONGEST} bytes")
    return bytes([len(text)]) + text


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
