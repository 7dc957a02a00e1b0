"""Which proxy a connection takes, by the environment and curl's rules (curl(1) "ENVIRONMENT", 5-http §5 of the design)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from git_helper.core.authorization import authorization
from git_helper.core.credential import Credential, Origin
from git_helper.core.plain_url import PlainUrl
from git_helper.errors import UsageError
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from git_helper.secret import Secret

    ProxyFor = Callable[[Origin], "Proxy | None"]

_SOCKS = ("socks", "socks4", "socks4a", "socks5", "socks5h")


@dataclass(frozen=True)
class Proxy:
    """`url`: scheme, host and port only; `authorization`: the value of its Proxy-Authorization header, if it has one."""

    url: str
    origin: Origin
    authorization: Secret | None = None


def proxies(environ: Mapping[str, str]) -> ProxyFor:
    """The proxy for each origin, or None. It raises UsageError when the variable in charge names no usable proxy."""

    def proxy_for(origin: Origin) -> Proxy | None:
        name, value = _variable(environ, origin.scheme.decode())
        if not value or is_exempt(origin, environ.get("no_proxy", environ.get("NO_PROXY", ""))):
            return None
        return parse(value, name)

    return proxy_for


def parse(value: str, variable: str) -> Proxy:
    """`[http[s]://][user:password@]host[:port]`, userinfo percent-encoded. Raises UsageError that names `variable`."""
    scheme, separator, _ = value.partition("://")
    if separator and scheme.lower() in _SOCKS:
        raise UsageError(f"cannot use the proxy of '{variable}': SOCKS proxies are not supported", f"unset {variable}")
    if separator and scheme.lower() not in ("http", "https"):
        raise UsageError(
            f"cannot use the proxy of '{variable}': '{visible(scheme)}' is no kind of proxy", f"unset {variable}"
        )
    try:
        url = PlainUrl.parse(value if separator else f"http://{value}")
        origin = Origin.parse(url.scheme.encode(), url.authority.netloc.encode())
    except UsageError as error:
        raise UsageError(f"cannot use the proxy of '{variable}': {error.message}", f"unset {variable}") from None
    if origin is None:
        raise UsageError(f"cannot use the proxy of '{variable}': it names no host", f"unset {variable}")
    return Proxy(f"{url.scheme}://{url.authority.netloc}", origin, _authorization(url))


def is_exempt(origin: Origin, no_proxy: str) -> bool:
    """Whether `no_proxy` names the origin: `*`, a host and all below it, `host:port`, an address or a network of them."""
    host, port = origin.host.decode("ascii").strip("[]").rstrip("."), origin.port
    for raw in no_proxy.replace(",", " ").split():
        entry = raw.lower()
        if entry == "*" or (_is_address(host) and _covers(entry, host)):
            return True
        name, colon, number = entry.rpartition(":")
        if colon and number.isdigit() and (":" not in name or name.endswith("]")):
            if int(number) != port:
                continue
            entry = name
        name = entry.strip("[]").strip(".")
        if name and (host == name or (host.endswith("." + name) and not _is_address(host))):
            return True
    return False


def _variable(environ: Mapping[str, str], scheme: str) -> tuple[str, str]:
    """The first that is set, lower case before upper case; a set but empty one means no proxy."""
    names = [f"{scheme}_proxy", f"{scheme.upper()}_PROXY", "all_proxy", "ALL_PROXY"]
    if scheme == "http" and "REQUEST_METHOD" in environ:
        names.remove("HTTP_PROXY")  # in a CGI script that is a header of whoever asks (CVE-2016-5385)
    return next(((name, environ[name].strip(" ")) for name in names if name in environ), ("", ""))


def _authorization(url: PlainUrl) -> Secret | None:
    if url.userinfo is None:
        return None
    user = url.userinfo.user
    return authorization(Credential(None if user is None else user.reveal(), url.userinfo.password))


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _covers(entry: str, host: str) -> bool:
    try:
        return ip_address(host) in ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        return False
