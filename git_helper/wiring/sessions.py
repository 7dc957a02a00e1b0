"""Servers for a command: how they are trusted, which way leads there, and with whose credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_helper.net import bundled_roots
from git_helper.net import session as servers
from git_helper.tasks import credentials
from git_helper.wiring import registries, trust

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from git_helper.net.session import Session
    from git_helper.tasks.credentials import AskedCredentials
    from git_helper.wiring.commands import CommandHouse, Pause

_OTHER_ROOTS = frozenset({"GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "SSL_CERT_FILE", "SSL_CERT_DIR"})


def session(house: CommandHouse, pause: Pause | None) -> Session:
    """Servers and proxies, with all sources of the house; `pause` as for its `chain_for_commands`."""
    roots, asked = _bundled(house), _asked(house, pause)
    return servers.Session(
        trust.contexts(house, pause, roots),
        house.settings.timeout,
        credentials=asked,
        for_registries=registries.RegistrySources(house, pause).credentials,
        proxy_for=house.http.proxy_for,
        proxy_credentials=asked,
        rules_for=house.http.rules_for,
        withheld=trust.withheld(house),
        offline=house.settings.offline,
    )


def bare_session(house: CommandHouse) -> Session:
    """Servers, without asking any source; proxies with them."""
    roots = _bundled(house)
    return servers.Session(
        trust.contexts(house, None, roots),
        house.settings.timeout,
        proxy_for=house.http.proxy_for,
        proxy_credentials=_asked(house, None),
        withheld=trust.withheld(house),
        offline=house.settings.offline,
    )


def _bundled(house: CommandHouse) -> Callable[[], ssl.SSLContext]:
    """Mozilla's list: it begins to load here, before the modules that a session needs, unless others surely count."""
    if house.settings.offline or not _OTHER_ROOTS.isdisjoint(house.environ):
        return bundled_roots.load
    return bundled_roots.BundledRoots()


def _asked(house: CommandHouse, pause: Pause | None) -> AskedCredentials:
    return credentials.AskedCredentials(
        lambda ask: house.chain_for_commands(ask=ask, pause=pause),
        house.names_of_sources,
        lambda wanted: wanted if house.uses_path(wanted) else wanted.without_path(),
        house.helpers,
        house.store_to_write,
        house.stores,
        house.report,
        house.explain,
    )
