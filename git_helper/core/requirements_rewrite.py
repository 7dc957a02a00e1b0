"""A requirements file written back: Git URLs pinned to commits, userinfo removed, every other character kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_helper.core.giturl import GitUrl
from git_helper.core.requirements_file import OptionItem, RequirementItem, RequirementsFile
from git_helper.core.url_text import UrlText, hides_credentials, split_url
from git_helper.core.userinfo import looks_like_token

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Edit = tuple[int, int, str]


def rewrite(text: str, file: RequirementsFile, commits: Mapping[int, str]) -> str:
    """`text`, of which `file` is the scan, with the Git URL of item number i pinned to `commits[i]` (1-product §1.5).

    Userinfo is removed from all URLs of items, but for the user name of ssh. Comments, markers, hashes, order, blanks,
    line ends and `${NAME}` outside of what is exchanged stay. Without anything to change the result is `text`.
    """
    edits: list[Edit] = []
    for number, item in enumerate(file.items):
        edits.extend(_edits(text, item, commits.get(number)))
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _edits(text: str, item: OptionItem | RequirementItem, commit: str | None) -> Iterator[Edit]:
    span = item.span if isinstance(item, OptionItem) else item.url_span
    if span is None:
        return
    start, end = span
    # An option's value may stand in quotes.
    start += len(text[start:end]) - len(text[start:end].lstrip("'\""))
    end -= len(text[start:end]) - len(text[start:end].rstrip("'\""))
    url = split_url(text[start:end])
    target = item.requirement.target if isinstance(item, RequirementItem) and item.requirement else None
    if commit is not None and isinstance(target, GitUrl) and isinstance(item, RequirementItem):
        if url is None or not item.matches:
            yield start, end, target.pinned(commit)
            return
        at = url.path.find("@")
        yield start + (url.path_end if at < 0 else url.authority_end + at), start + url.path_end, f"@{commit}"
    if url is not None:
        yield from _without_userinfo(url, start)


def _without_userinfo(url: UrlText, offset: int) -> Iterator[Edit]:
    """A userinfo whose end is unclear goes up to the last `@`."""
    end = url.text.rindex("@") + 1 if hides_credentials(url) else url.userinfo_end
    user = url.userinfo or ""
    ssh_user = url.scheme.rpartition("+")[2] == "ssh" and ":" not in user and not looks_like_token(user)
    if end > url.authority_start and not ssh_user:
        yield offset + url.authority_start, offset + end, ""
