"""Servers for a command: how they are trusted, which way leads there, and with whose credentials."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from git_helper.net import bundled_roots, calls
from git_helper.net import session as servers
from git_helper.tasks import credentials
from git_helper.wiring import registries, trust

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from git_helper.net.calls import CallingSession, Calls
    from git_helper.net.session import Session
    from git_helper.sources.person import Role
    from git_helper.tasks.credentials import AskedCredentials
    from git_helper.wiring.commands import CommandHouse, Pause

_OTHER_ROOTS = frozenset({"GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "SSL_CERT_FILE", "SSL_CERT_DIR"})


def session(house: CommandHouse, pause: Pause | None) -> CallingSession:
    """Servers and proxies, with all sources of the house; `pause` as for its `chain_for_commands`."""
    seconds = calls.CONNECT_SECONDS if house.settings.timeout is None else house.settings.timeout
    proxy_for = None if house.settings.offline else house.http.proxy_for
    return calls.CallingSession(partial(_session, house, pause), proxy_for, calls.Calls(seconds))


def _session(house: CommandHouse, pause: Pause | None, begun: Calls, tls: bool) -> Session:
    roots, asked = _bundled(house, wanted=tls), _asked(house, pause)
    return servers.Session(
        trust.contexts(house, pause, roots),
        house.settings.timeout,
        credentials=asked,
        for_registries=registries.RegistrySources(house, pause).credentials,
        proxy_for=house.http.proxy_for,
        proxy_credentials=_asked(house, pause, "proxy"),
        rules_for=house.http.rules_for,
        withheld=trust.withheld(house),
        check_hop=house.http.check_hop,
        offline=house.settings.offline,
        calls=begun,
    )


def bare_session(house: CommandHouse) -> Session:
    """Servers, without asking any source; proxies with them."""
    roots = _bundled(house)
    return servers.Session(
        trust.contexts(house, None, roots),
        house.settings.timeout,
        proxy_for=house.http.proxy_for,
        proxy_credentials=_asked(house, None, "proxy"),
        withheld=trust.withheld(house),
        offline=house.settings.offline,
    )


def _bundled(house: CommandHouse, *, wanted: bool = True) -> Callable[[], ssl.SSLContext]:
    """Mozilla's list: it begins to load here, before the modules that a session needs, unless others surely count, or the
    first server is not `wanted` to show a certificate."""
    if not wanted or house.settings.offline or not _OTHER_ROOTS.isdisjoint(house.environ):
        return bundled_roots.load
    return bundled_roots.BundledRoots()


def _asked(house: CommandHouse, pause: Pause | None, role: Role = "server") -> AskedCredentials:
    return credentials.AskedCredentials(
        lambda ask: house.chain_for_commands(ask=ask, pause=pause, role=role),
        house.names_of_sources,
        lambda wanted: house.git_config().scoped(wanted),
        house.helpers,
        house.store_to_write,
        house.stores,
        house.report,
        house.explain,
    )
