"""`gitHelper.<option>` and `gitHelper.<url>.<option>` of git's configuration, matched by git's rules for URLs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from git_helper.core.given import Given, Provenance, read
from git_helper.core.home_path import in_home
from git_helper.core.options import TABLE, Option
from git_helper.system.git_config import Entry, GitConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_helper.core.given import Layer

SECTION = "githelper"
# What `configure` writes down for itself, and the store to begin with.
_NO_OPTIONS = ("cache", "store")


def settings(config: GitConfig, url: str | None, home: str) -> Layer:
    """What counts for `url`; without one, what is said for every URL. Raises UsageError with key and file.

    An empty value takes back what stands before it. Of an option that is no list the last value counts.
    """
    # git's variables have no underscore and no case, so its users write netrcFile for netrc-file.
    ours = [entry for entry in config.entries if entry.section == SECTION]
    named = GitConfig(replace(entry, variable=entry.variable.replace("-", "")) for entry in ours)
    layer = {}
    for option in TABLE:
        if option.in_git and named.entries:
            given = _of(option, named.for_url(SECTION, option.name.replace("-", ""), url or ""), home)
            if given:
                layer[option.name] = given
    return layer


def unknown(config: GitConfig) -> list[Entry]:
    """The entries of our section that mean nothing."""
    known = {option.name.replace("-", "") for option in TABLE if option.in_git} | set(_NO_OPTIONS)
    return [
        entry for entry in config.entries if entry.section == SECTION and entry.variable.replace("-", "") not in known
    ]


def rules(config: GitConfig, section: str, url: str) -> list[list[Entry]]:
    """Of each variable of a section the entries that count for `url`, the last one most; those that have some."""
    variables = dict.fromkeys(entry.variable for entry in config.entries if entry.section == section)
    counted = [config.for_url(section, variable, url) for variable in variables]
    return [entries for entries in counted if entries]


def provenance(entry: Entry, variable: str) -> Provenance:
    """Where the entry stands, its key as people write it."""
    section = "gitHelper" if entry.section == SECTION else entry.section
    key = ".".join((section, variable) if entry.url is None else (section, entry.url, variable))
    return Provenance("git", key, entry.file)


def _of(option: Option, entries: Sequence[Entry], home: str) -> list[Given]:
    found: list[Given] = []
    for entry in entries if option.many else entries[-1:]:
        value = "true" if entry.value is None else entry.value
        if not value and not option.empty_counts:
            found.clear()
            continue
        where = provenance(entry, option.git_key)
        found.append(read(option, value, where, in_home(home)))
    return found
