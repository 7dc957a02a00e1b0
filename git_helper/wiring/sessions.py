"""Servers for a command: how they are trusted, which way leads there, and with whose credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_helper.net.session import Session
from git_helper.tasks.credentials import AskedCredentials
from git_helper.wiring.registries import RegistrySources
from git_helper.wiring.trust import withheld

if TYPE_CHECKING:
    from git_helper.wiring.commands import CommandHouse, Pause


def session(house: CommandHouse, pause: Pause | None) -> Session:
    """Servers and proxies, with all sources of the house; `pause` as for its `chain_for_commands`."""
    credentials = _asked(house, pause)
    return Session(
        house.contexts(pause),
        house.settings.timeout,
        credentials=credentials,
        for_registries=RegistrySources(house, pause).credentials,
        proxy_for=house.http.proxy_for,
        proxy_credentials=credentials,
        rules_for=house.http.rules_for,
        withheld=withheld(house),
    )


def bare_session(house: CommandHouse) -> Session:
    """Servers, without asking any source; proxies with them."""
    return Session(
        house.contexts(),
        house.settings.timeout,
        proxy_for=house.http.proxy_for,
        proxy_credentials=_asked(house, None),
        withheld=withheld(house),
    )


def _asked(house: CommandHouse, pause: Pause | None) -> AskedCredentials:
    return AskedCredentials(
        lambda ask: house.chain_for_commands(ask=ask, pause=pause),
        house.names_of_sources,
        lambda wanted: wanted if house.uses_path(wanted) else wanted.without_path(),
        house.helpers,
        house.store_to_write,
        house.stores,
        house.report,
        house.explain,
    )
