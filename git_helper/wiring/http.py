"""What holds for a single request of a command: its proxy, and `http.*` and `protocol.*` of git's configuration."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from git_helper.core.credential import Origin
from git_helper.core.http_rules import HttpRules
from git_helper.core.remotes import remote_setting
from git_helper.core.transports import check_transport
from git_helper.net.proxy import proxies

if TYPE_CHECKING:
    from git_helper.core.giturl import GitUrl
    from git_helper.net.proxy import ProxyFor
    from git_helper.net.target import Target
    from git_helper.wiring.commands import CommandHouse


class HttpSettings:
    """`remote`: the name of the remote that a clone makes, so that `remote.<name>.proxy` counts for it."""

    def __init__(self, house: CommandHouse) -> None:
        self.remote: str | None = None
        self._house = house
        self._git_origins: set[Origin] = set()

    @property
    def proxy_for(self) -> ProxyFor:
        """The proxy of each target."""
        return proxies(self._house.environ, self._house.git_http, self._of_remote, self._own)

    def rules_for(self, target: Target) -> HttpRules:
        """`http.*` for one target. What is said for every URL counts where a person's Git URL leads, and nowhere else:
        a token in `http.extraHeader` reaches no registry, no other host by a redirect, and none that a submodule names.
        """
        if not self._has_http:
            return self._plain_rules
        everywhere = target.origin in self._git_origins
        config, url = self._house.git_config(), target.configured_url

        def values(variable: str) -> list[str | None]:
            found = config.for_url("http", variable, url)
            return [entry.value for entry in found if everywhere or entry.url is not None]

        return HttpRules.of(values, self._house.environ)

    def entered(self, written: GitUrl, place: GitUrl) -> GitUrl:
        """`place`, where Git is going: what a person or a submodule has `written` leads there. Raises TransportNotAllowed."""
        shown, from_user = place.masked_clone_url, not written.of_submodule
        check_transport(place.scheme, shown, self._setting, self._house.environ, from_user=from_user)
        origin = Origin.parse(place.scheme.encode(), place.authority.netloc.encode())
        if origin is not None and from_user:
            self._git_origins.add(origin)
        return place

    def check_hop(self, target: Target) -> None:
        """Whether a redirect of a Git server may lead to `target`, which no person chose. Raises TransportNotAllowed."""
        scheme = target.origin.scheme.decode()
        check_transport(scheme, target.shown, self._setting, self._house.environ, from_user=False)

    def _setting(self, key: str) -> str | None:
        entries = reversed(self._house.git_config().entries)
        return next((entry.value or "" for entry in entries if entry.key == key), None)

    @cached_property
    def _has_http(self) -> bool:
        return any(entry.section == "http" for entry in self._house.git_config().entries)

    @cached_property
    def _plain_rules(self) -> HttpRules:
        return HttpRules.of(lambda _: [], self._house.environ)

    @cached_property
    def _remotes(self) -> list[tuple[str, str, str]]:
        return [
            (entry.url, entry.variable, entry.value or "")
            for entry in self._house.git_config().entries
            if entry.section == "remote" and entry.url is not None
        ]

    def _of_remote(self, url: str, variable: str) -> tuple[str, str] | None:
        return remote_setting(self._remotes, url, variable, self.remote)

    def _own(self, url: str) -> tuple[str, str] | None:
        given = self._house.settings.for_url(url).effective("proxy")
        return None if not given else (str(given[-1].provenance), str(given[-1].value))
