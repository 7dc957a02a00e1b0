"""The URL or path of a requirement, in which `${NAME}` may stand: where it lies, and what it brings."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from git_helper.core.authority import refuse_controls
from git_helper.core.expansion import VARIABLE
from git_helper.core.parse_error import ParseError
from git_helper.core.requirement import Requirement, is_path, url_span

if TYPE_CHECKING:
    from collections.abc import Callable

# In place of hints that repeat a part of the text.
_HINTS = {
    "scp-form": "write 'git+ssh://user@host/path'",
    "missing-git-prefix": "missing the `git+` prefix",
}
_QUOTED = re.compile(r"'([^']*)'")
_BEHIND = re.compile(r";|[ \t]#")  # a marker, a comment
_VARIABLE_FIRST = re.compile(r"\$\{[^ \t]*")


def location_span(text: str) -> tuple[int, int] | None:
    """As `url_span`, and where a path lies that stands alone, or a `${NAME}` that may be a URL or path; None for a name.

    `text` has no blanks around it.
    """
    span = url_span(text)
    alone = _BEHIND.split(text, maxsplit=1)[0].rstrip(" \t")
    if span is None and (is_path(alone) or _VARIABLE_FIRST.fullmatch(alone)):
        return 0, len(alone)
    return span


def with_variables(text: str, span: tuple[int, int], expanded: Callable[[str], str]) -> tuple[Requirement, str]:
    """The requirement `text`, and what `expanded` makes of the location at `span`. Raises ParseError, without any value."""
    start, end = span
    whole = text
    try:
        location = expanded(text[start:end])
        whole = text[:start] + location + text[end:]
        return _with_location(text, span, location), location
    except ParseError as error:
        raise as_written(error, text, whole) from None


def _with_location(text: str, span: tuple[int, int], location: str) -> Requirement:
    """The requirement `text` with `location`, a path that may hold blanks or a URL, in place of what lies at `span`.

    What is neither is no location: a lone `${NAME}` brings no name (as for uv), so `text` is parsed. Raises ParseError.
    """
    before, written, after = text[: span[0]], text[slice(*span)], text[span[1] :]
    is_url = url_span(text) is not None
    if location == written or (is_url and re.search(r"[ \t]", written)):
        return Requirement.parse(text)
    if is_path(location):
        refuse_controls(location.replace("\t", "_").replace(" ", "_"))
        return replace(Requirement.parse(f"{before}.{after}"), target=location)
    if is_url:
        return Requirement.parse(before + location + after)
    found = Requirement.parse(f"{location} {after}") if url_span(location) is not None else None
    return Requirement.parse(text) if found is None or found.name is not None else found


def as_written(error: ParseError, written: str, expanded: str) -> ParseError:
    """`error` about `expanded`, with the text as it was written: a variable's value may be a secret wherever it stands."""
    unset = next((one[1] for one in VARIABLE.finditer(written) if one[0] in expanded), None)
    if unset is not None and error.hint is None:
        error.hint = f"{unset} is not set"
    if expanded == written:
        return error
    reason = _QUOTED.sub(lambda quoted: quoted[0] if quoted[1] in written else "this", error.reason)
    details = {key: value for key, value in error.details.items() if str(value) in written}
    return ParseError(error.error, written, reason, (0, len(written)), _HINTS.get(error.error, error.hint), details)
