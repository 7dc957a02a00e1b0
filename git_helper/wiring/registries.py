"""Credentials for registries in a command: their sources in order, each opened when it is reached."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

from git_helper.secret import visible
from git_helper.sources.netrc_file import NetrcFile
from git_helper.system.places import netrc_file
from git_helper.tasks.registry_credentials import AskedForRegistries, StoredFor
from git_helper.wiring import _netrc_parser

if TYPE_CHECKING:
    from git_helper.core.chain import Opener
    from git_helper.core.credential import Description
    from git_helper.sources.keyring_provider import KeyringProvider
    from git_helper.stores.keyring_library import KeyringLibrary
    from git_helper.wiring.commands import CommandHouse, Pause


class RegistrySources:
    """URL → variable → netrc → stores → keyring provider → CI token → person. One of each: they remember what failed.

    git's other helpers and askpass programs are not asked: they are for Git's servers.
    """

    def __init__(self, house: CommandHouse, pause: Pause | None) -> None:
        self._house = house
        self._netrc: NetrcFile | None = None
        self._provider: KeyringProvider | None = None
        self._library: KeyringLibrary | None = None
        self._lock = threading.RLock()
        self.credentials = AskedForRegistries(
            self._openers,
            lambda: house.person_of_command(pause),
            house.store_to_write,
            house.stores,
            house.uses_path,
            house.report,
            house.explain,
            lambda wanted: self._opened_library() if self._setting(wanted) == "import" else None,
        )

    def _setting(self, wanted: Description) -> str:
        """What `--keyring-provider` is for this place."""
        url = f"{visible(wanted.protocol)}://{visible(wanted.host)}/{visible(wanted.path or b'')}"
        return self._house.settings.for_url(url).keyring_provider

    def _openers(self, wanted: Description) -> list[tuple[str, Opener]]:
        stores = {name: self._stored(name) for name in self._house.store_names()}
        ours: dict[str, Opener] = {"netrc": lambda _: self._opened_netrc(), **stores}
        openers = [(name, ours.get(name, opener)) for name, opener in self._house.own_openers()]
        setting = self._setting(wanted)
        if setting == "disabled":
            return openers
        last = next(place for place, (name, _) in enumerate(openers) if name == "ci token")
        provider: Opener = lambda _: self._opened_provider(setting)  # noqa: E731
        return [*openers[:last], ("keyring provider", provider), *openers[last:]]

    def _stored(self, name: str) -> Opener:
        return lambda _: StoredFor(self._house.store(name))

    def _opened_netrc(self) -> NetrcFile | None:
        house = self._house
        named = house.settings.netrc_file
        path = named or netrc_file(house.environ)
        with self._lock:
            if self._netrc is None and path is not None:
                hosts, warn = house.settings.allow_http, partial(house.report, "netrc")
                self._netrc = NetrcFile(path, _netrc_parser, hosts, warn, named=named is not None)
            return self._netrc

    def _opened_provider(self, setting: str) -> KeyringProvider:
        from git_helper.sources.keyring_provider import SECONDS, KeyringProgram, KeyringProvider

        with self._lock:
            if self._provider is None:
                house = self._house
                seconds = house.settings.timeout or SECONDS
                program = KeyringProgram(house.environ, seconds) if setting == "subprocess" else None
                self._provider = KeyringProvider(program or self._opened_library(), house.settings.allow_http)
            return self._provider

    def _opened_library(self) -> KeyringLibrary:
        from git_helper.stores.keyring_library import SECONDS, KeyringLibrary

        with self._lock:
            if self._library is None:
                self._library = KeyringLibrary(self._house.settings.timeout or SECONDS)
            return self._library
