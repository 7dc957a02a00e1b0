"""What `settings` shows besides the options: what is found out without them, and what holds for one URL."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_helper.core.given import DEFAULT, Given, Provenance
from git_helper.net.target import Target
from git_helper.stores.choice import recorded
from git_helper.system import git_settings
from git_helper.system.places import cache_folder, netrc_file
from git_helper.tasks.settings import Rule, git_rules
from git_helper.wiring.http import HttpSettings
from git_helper.wiring.trust import trust_settings, withheld

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from git_helper.wiring.commands import CommandHouse


def place_of(url: str) -> Target:
    """What a URL names; Git URLs with their `git+`, too. Raises UsageError."""
    return Target.parse(url.removeprefix("git+"))


def own_defaults(house: CommandHouse) -> Mapping[str, Callable[[], Given]]:
    """What holds for options that nobody gives."""
    return {
        "store": lambda: _store(house),
        "netrc-file": lambda: _found(house, netrc_file(house.environ), "NETRC"),
        "cache-dir": lambda: _found(house, cache_folder(house.environ), "XDG_CACHE_HOME"),
    }


def unknown_settings(house: CommandHouse) -> list[str]:
    """A sentence for each entry of git's configuration that has our name and no meaning."""
    entries = git_settings.unknown(house.git_config())
    return [f"'{entry.key}' in '{entry.file or 'git -c'}' is no setting of git-helper" for entry in entries]


def rules_for(house: CommandHouse, place: Target) -> list[Rule]:
    """Trust, proxy and git's `http.*` for one URL. Raises UsageError."""
    trust = trust_settings(house).trust_for(place)
    rules = [Rule("certificates", "verified" if trust.verify else "NOT VERIFIED", trust.because or "default")]
    if trust.verify:
        named = ", ".join(one.path for one in trust.roots.named) or trust.roots.kind
        rules.append(Rule("roots", named, trust.roots.setting))
    if trust.client is not None:
        files = [one for one in (trust.client.certificate, trust.client.key) if one is not None]
        rules += [Rule("client certificate", one.path, one.setting) for one in files]
    proxy = HttpSettings(house).proxy_for(place)
    rules.append(Rule("proxy", "none", "default") if proxy is None else Rule("proxy", proxy.url, proxy.setting))
    reason = withheld(house)(place)
    if reason is not None:
        rules.append(Rule("credentials", "not sent", reason.message.partition(": ")[2]))
    return rules + git_rules(git_settings.rules(house.git_config(), "http", place.configured_url))


def _found(house: CommandHouse, path: str | None, variable: str) -> Given:
    value = house.environ.get(variable)
    told = bool(value) and path is not None and path.startswith(os.path.expanduser(value or ""))
    return Given(path, Provenance("environment", variable) if told else DEFAULT)


def _store(house: CommandHouse) -> Given:
    name, record = house.chosen(), os.path.join(house.folder, "store")
    if recorded(record) is not None:
        return Given(name, Provenance("recorded", "chosen before", record))
    entries = house.git_config().for_url("githelper", "store", "")
    return Given(name, git_settings.provenance(entries[-1], "store") if entries else DEFAULT)
