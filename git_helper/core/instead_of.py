"""`url.<base>.insteadOf` of git's configuration (git-config(1)): another place for what URLs name."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from git_helper.core.giturl import GitUrl

if TYPE_CHECKING:
    from collections.abc import Iterable

_SCP = re.compile(r"(?P<user>[^@/:]+@)?(?P<host>[^/:@\[\]]+|\[[^\]]+\]):(?!//)/?(?P<path>.*)", re.DOTALL)


def instead_of(url: GitUrl, rules: Iterable[tuple[str, str]]) -> GitUrl:
    """`url` as the rule with the longest prefix has it; `rules` are (prefix, base). Raises ParseError for a bad base.

    A URL with user information is compared with it, as git does; revision and subdirectory stay.
    """
    if url.userinfo is not None and url.scheme != "ssh":
        return url
    written = url.safe_url
    best = max((rule for rule in rules if rule[0] and written.startswith(rule[0])), key=_length, default=None)
    if best is None:
        return url
    prefix, base = best
    new = GitUrl.parse(_without_scp_form(base + written[len(prefix) :]))
    return replace(
        new, reference=url.reference, subdirectory=url.subdirectory, fragment=url.fragment, prefixed=url.prefixed
    )


def _length(rule: tuple[str, str]) -> int:
    return len(rule[0])


def _without_scp_form(text: str) -> str:
    """`git@host:path` as the ssh URL that it means."""
    scp = _SCP.fullmatch(text) if "://" not in text else None
    return text if scp is None else f"ssh://{scp['user'] or ''}{scp['host']}/{scp['path']}"
