"""Whether an answer over HTTP is git's (gitprotocol-http(5)), and where it is not, what it is instead."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from git_helper.core.redaction import redact
from git_helper.errors import NotFound, Refused, Unreachable
from git_helper.git.pkt_line import NotGit

if TYPE_CHECKING:
    from git_helper.net.message import Response

ADVERTISEMENT = "application/x-git-upload-pack-advertisement"
RESULT = "application/x-git-upload-pack-result"
_PEEK = 1 << 12
_SAID = 300
# Statuses of servers that are busy or broken for now; with any other it makes sense to ask in another way.
_FOR_NOW = (408, 429, 502, 503, 504)
# What `git update-server-info` writes: the sign of a server that only serves files.
_DUMB_REFS = re.compile(rb"(?:[0-9a-f]{40}(?:[0-9a-f]{24})?\t[^\n]+\n)+")


class RepositoryNotFound(NotFound):
    """The server says that there is no such repository; slug `repository-not-found`."""

    error = "repository-not-found"


def check_answer(response: Response, shown: str, content_type: str) -> None:
    """Raises RepositoryNotFound, Refused, Unreachable, NotGit unless the answer is of `content_type`.

    `shown`: the repository for people.
    """
    status = response.status
    if status in (404, 410):
        hint = "the server may hide private repositories; pass credentials in the URL"
        raise RepositoryNotFound(f"cannot find the repository '{shown}'{_said(response)}", hint)
    if status == 403:
        hint = "ask its owner for the right to read it, or use another credential"
        raise Refused(f"the server refuses access to '{shown}'{_said(response)}", hint)
    if status in _FOR_NOW:
        raise Unreachable(f"cannot read '{shown}': the server answered {status}{_said(response)}", "try again later")
    if not 200 <= status < 300:
        raise NotGit(f"cannot read '{shown}': the server answered {status}{_said(response)}")
    found = response.headers.get("Content-Type", "").partition(";")[0].strip(" \t").lower()
    if found != content_type:
        raise _not_git(response, shown, found)


def _not_git(response: Response, shown: str, content_type: str) -> NotGit:
    if content_type == "text/html":
        hint = "it may be a page where people log in: check the URL in a browser"
        return NotGit(f"cannot read '{shown}': the server answered with a web page instead of Git", hint)
    beginning = response.read(_PEEK)
    if _DUMB_REFS.match(beginning) or (not beginning and content_type in ("", "text/plain")):
        hint = "its owner can serve it with git-http-backend(1); or use its SSH URL"
        return NotGit(
            f"cannot read '{shown}': the server only serves its files ('dumb' HTTP), which is not supported", hint
        )
    kind = f"'{redact(content_type[:200])[:100]}'" if content_type else "an answer without a type"
    return NotGit(f"cannot read '{shown}': the server answered with {kind} instead of Git", "check the URL")


def _said(response: Response) -> str:
    """The server's own words, where it has any for people (git shows them as `remote: …`)."""
    if not response.headers.get("Content-Type", "").lower().startswith("text/plain"):
        return ""
    try:
        words = response.read(_SAID).decode("utf-8", "replace")
    except Unreachable:
        return ""
    first = words.strip(" \r\n").partition("\n")[0]
    return f" ({redact(first.strip(' '))})" if first else ""
