"""A requirements file written back: Git URLs pinned to commits, userinfo removed, every other character kept."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from git_helper.core.giturl import GitUrl
from git_helper.core.requirements_file import OptionItem, RequirementItem, RequirementsFile
from git_helper.core.url_text import SCHEME_INSIDE, UrlText, hides_credentials, split_url
from git_helper.core.userinfo import looks_like_token

if TYPE_CHECKING:
    from collections.abc import Mapping

_JOIN = re.compile(r"\\(?:\r\n|\n|\r)")
_SCHEME = re.compile(SCHEME_INSIDE)


def rewrite(text: str, file: RequirementsFile, commits: Mapping[int, str]) -> str:
    """`text`, of which `file` is the scan, with the Git URL of item number i pinned to `commits[i]` (1-product §1.5).

    Userinfo is removed from all URLs of items, but for the user name of ssh. Comments, markers, hashes, order, blanks,
    line ends and `${NAME}` outside of what is exchanged stay. Without anything to change the result is `text`.
    """
    for number, item in reversed(tuple(enumerate(file.items))):
        start, end = item.span if isinstance(item, OptionItem) else item.url_span or item.span
        # A URL may go on in the next line; it is written in one when it changes.
        written = _JOIN.sub("", text[start:end])
        new = _rewritten(written, item, commits.get(number))
        if new != written:
            text = text[:start] + new + text[end:]
    return text


def _rewritten(written: str, item: OptionItem | RequirementItem, commit: str | None) -> str:
    scheme = _SCHEME.search(written)
    url = split_url(written[scheme.start() :]) if scheme else None
    if commit is not None and isinstance(item, RequirementItem) and item.requirement is not None:
        target = item.requirement.target
        if not isinstance(target, GitUrl):
            raise ValueError("only a Git requirement is pinned to a commit")
        if url is None or not item.matches:
            return target.pinned(commit)
        url = _pinned(url, commit)
    if url is None or scheme is None:
        return written
    return written[: scheme.start()] + _without_userinfo(url)


def _pinned(url: UrlText, commit: str) -> UrlText | None:
    at = url.path.find("@")
    start = url.path_end if at < 0 else url.authority_end + at
    return split_url(f"{url.text[:start]}@{commit}{url.text[url.path_end :]}")


def _without_userinfo(url: UrlText) -> str:
    """A userinfo whose end is unclear goes up to the last `@`."""
    end = url.text.rindex("@") + 1 if hides_credentials(url) else url.userinfo_end
    user = url.userinfo or ""
    is_ssh_user = url.scheme.rpartition("+")[2] == "ssh" and ":" not in user and not looks_like_token(user)
    return url.text if is_ssh_user else url.text[: url.authority_start] + url.text[end:]
