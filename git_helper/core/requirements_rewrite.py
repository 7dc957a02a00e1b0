"""A requirements file written back: Git URLs pinned to commits, userinfo removed, every other character kept."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from git_helper.core.giturl import GitUrl
from git_helper.core.logical_lines import BYTE_ORDER_MARK
from git_helper.core.requirements_file import OptionItem, RequirementItem, RequirementsFile
from git_helper.core.url_text import SCHEME_INSIDE, UrlText, hides_credentials, split_url
from git_helper.core.userinfo import looks_like_token

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_JOIN = re.compile(r"\\(?:\r\n|\n|\r)")
_SCHEME = re.compile(SCHEME_INSIDE)


def rewrite(
    text: str, file: RequirementsFile, commits: Mapping[int, str], included: Mapping[int, str] | None = None
) -> str:
    """`text`, of which `file` is the scan, with the Git URL of item number i pinned to `commits[i]` (1-product §1.5).

    `included[i]` is the text of the file that item number i names, which takes the place of its line.
    Userinfo is removed from all URLs of items, but for the user name of ssh. Comments, markers, hashes, order, blanks,
    line ends and `${NAME}` outside of what is exchanged stay. Without anything to change the result is `text`.
    """
    replaced: set[int] = set()
    for number, item in reversed(tuple(enumerate(file.items))):
        if included is not None and number in included:
            start, end = _logical_line(text, item.span)
            end = start if item.line in replaced else end  # another file of this line stands there already
            replaced.add(item.line)
            text = text[:start] + _within(included[number]) + text[end:]
            continue
        start, end = item.span if isinstance(item, OptionItem) else item.url_span or item.span
        # A URL may go on in the next line; it is written in one when it changes.
        written = _JOIN.sub("", text[start:end])
        new = _rewritten(written, item, commits.get(number))
        if new != written:
            text = text[:start] + new + text[end:]
    return text


def joined(texts: Sequence[str], *, at_start: bool = True) -> str:
    """Files one behind the other, the first of them `at_start` or behind something else; the last one ends as it does."""
    parts = [text if at_start and number == 0 else _unmarked(text) for number, text in enumerate(texts)]
    return "".join(_with_line_end(text) for text in parts[:-1]) + "".join(parts[-1:])


def _within(text: str) -> str:
    """So that it can stand in the middle of another file."""
    return _with_line_end(_unmarked(text))


def _unmarked(text: str) -> str:
    """A byte order mark is one at the start of a file only; elsewhere it is the first character of a name."""
    return text.removeprefix(BYTE_ORDER_MARK)


def _with_line_end(text: str) -> str:
    return text if not text or text[-1] in "\r\n" else text + "\n"


def _logical_line(text: str, span: tuple[int, int]) -> tuple[int, int]:
    """Where the lines around `span` begin and end, with those that a backslash joins to them."""
    start = end = 0
    joined = False
    for line in re.finditer(r"[^\r\n]*(?:\r\n|\n|\r|$)", text):
        start = start if joined else line.start()
        joined = line[0].rstrip("\r\n").endswith("\\")
        end = line.end()
        if span[0] <= end and not joined:
            break
    return start, end


def _rewritten(written: str, item: OptionItem | RequirementItem, commit: str | None) -> str:
    scheme = _SCHEME.search(written)
    url = split_url(written[scheme.start() :]) if scheme else None
    if commit is not None and isinstance(item, RequirementItem) and item.requirement is not None:
        target = item.requirement.target
        if not isinstance(target, GitUrl):
            raise ValueError("only a Git requirement is pinned to a commit")
        url = None if url is None or not item.matches else _pinned(url, commit)
        if url is None or hides_credentials(url):  # a `:` in its path would make the userinfo unclear
            return target.pinned(commit)
    if url is None or scheme is None:
        return written
    return written[: scheme.start()] + _without_userinfo(url)


def _pinned(url: UrlText, commit: str) -> UrlText | None:
    at = url.path.find("@")
    start = url.path_end if at < 0 else url.authority_end + at
    return split_url(f"{url.text[:start]}@{commit}{url.text[url.path_end :]}")


def _without_userinfo(url: UrlText) -> str:
    """A userinfo whose end is unclear goes up to the last `@`."""
    if hides_credentials(url):
        return url.text[: url.authority_start] + url.text[url.text.rindex("@") + 1 :]
    user = url.userinfo or ""
    is_ssh_user = url.scheme.rpartition("+")[2] == "ssh" and ":" not in user and not looks_like_token(user)
    return url.text if is_ssh_user else url.text[: url.authority_start] + url.text[url.userinfo_end :]
