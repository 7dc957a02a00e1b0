"""`url.<base>.insteadOf` of git's configuration (git-config(1)): another place for what URLs name."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from git_helper.core.giturl import GitUrl

if TYPE_CHECKING:
    from collections.abc import Iterable

_PLAIN = "/!$&'()*+,;=~:"
_SCP = re.compile(r"(?P<user>[^@/:]+@)?(?P<host>[^/:@\[\]]+|\[[^\]]+\]):(?!//|:)/?(?P<path>.*)", re.DOTALL)


def instead_of(url: GitUrl, rules: Iterable[tuple[str, str]]) -> GitUrl:
    """`url` as the rule with the longest prefix has it; `rules` are (prefix, base). Raises ParseError for a bad base.

    A URL with user information is compared with it, as git does; revision and subdirectory stay.
    """
    if url.userinfo is not None and url.scheme != "ssh":
        return url
    written = url.scp_form or url.safe_url
    best = max((rule for rule in rules if rule[0] and written.startswith(rule[0])), key=_length, default=None)
    if best is None:
        return url
    prefix, base = best
    rest = written[len(prefix) :]
    new = GitUrl.parse(as_ssh_url(base + rest) or base + (rest if url.scp_form is None else quote(rest, safe=_PLAIN)))
    return replace(
        new, reference=url.reference, subdirectory=url.subdirectory, fragment=url.fragment, prefixed=url.prefixed
    )


def _length(rule: tuple[str, str]) -> int:
    return len(rule[0])


def as_ssh_url(text: str) -> str | None:
    """The ssh URL for `[user@]host:path`, whose path is not percent-encoded; None for any other text.

    A drive of Windows is no host, and `user:password@host` without a scheme is no place to send either of them to.
    """
    scp = _SCP.fullmatch(text) if "://" not in text else None
    if scp is None or (scp["user"] is None and (len(scp["host"]) == 1 or "@" in scp["path"].partition("/")[0])):
        return None
    return f"ssh://{scp['user'] or ''}{scp['host']}/{quote(scp['path'], safe=_PLAIN)}"
