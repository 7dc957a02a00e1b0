"""What `-e` may name in a requirements file: a folder of this machine, as for uv; clones into `src/`, as pip's, are not made.

`./folder`, `name @ ./folder`, both with ` ; marker` behind (PEP 508), of which the folder is kept.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from git_helper.core.logical_lines import Word, words
from git_helper.core.parse_error import ParseError
from git_helper.core.requirement import NAMED, Requirement, is_repository
from git_helper.core.url_text import split_url

if TYPE_CHECKING:
    from collections.abc import Sequence

_OF_VCS = re.compile(r"(?:git|hg|svn|bzr)\+|[^\s@/:]+@[^\s@/:]+:", re.IGNORECASE)


def editable_place(text: str, given: Sequence[Word]) -> tuple[Word, str]:
    """The place that the words `given` of the line `text` name, and what does not belong to it.

    ParseError for a marker that cannot be read.
    """
    place, end = given[0], given[-1].end
    named = NAMED.match(text, place.start, end) if len(given) > 1 else None
    if named is not None and named.end() < end:
        place = words(text[:end], named.end())[0]
    if place.value.endswith(";"):
        place = Word(place.value[:-1], place.start, place.end - 1)
    rest = text[place.end : end].strip(" \t")
    if rest.startswith(";"):
        Requirement.parse(f"./ {rest}")
        rest = ""
    return place, rest


def check_editable(text: str) -> None:
    """Raises ParseError for what is no folder of this machine: `editable-git-unsupported`, `editable-url-unsupported`."""
    named = NAMED.match(text)
    places = [text] if named is None else [text, text[named.end() :]]
    span = (0, len(text))
    if any(_is_git(place) for place in places):
        hint = "leave '-e' out, or clone the repository and name its folder"
        raise ParseError("editable-git-unsupported", text, "a Git URL cannot be editable", span, hint)
    if any(re.match(r"https?:", place, re.IGNORECASE) for place in places):
        hint = "leave '-e' out, or name a folder of this machine"
        raise ParseError("editable-url-unsupported", text, "a file of a server cannot be editable", span, hint)


def _is_git(place: str) -> bool:
    url = split_url(place)
    return (url is not None and is_repository(url)) or _OF_VCS.match(place) is not None
