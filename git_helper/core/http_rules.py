"""`http.*` of git's configuration that is about single requests: extraHeader, followRedirects, lowSpeedLimit and -Time,
proactiveAuth.

git-config(1), git(1) "GIT_HTTP_LOW_SPEED_LIMIT"; what a header line means: curl(1) "--header".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from git_helper.core.git_values import boolean, integer
from git_helper.errors import UsageError
from git_helper.frozen import frozen
from git_helper.secret import Secret, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    Values = Callable[[str], Sequence[str | None]]

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NOT_IN_A_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


@frozen
class HttpRules:
    """What holds for one URL. `extra_headers`: names and values in order; a value of None means: do not send this one.

    `follow_redirects`: `initial` as long as nothing was sent that changes something, `true`, or `false`.
    `low_speed`: bytes in a second, and the seconds for which it may be slower. `proactive`: whether a credential is looked
    for before the server asks for one, as for servers that hide behind 404 what is private.
    """

    extra_headers: tuple[tuple[str, Secret | None], ...] = ()
    follow_redirects: Literal["initial", "true", "false"] = "initial"
    low_speed: tuple[int, int] | None = None
    proactive: bool = False

    @classmethod
    def of(cls, values: Values, environ: Mapping[str, str]) -> HttpRules:
        """`values`: those of `http.<variable>` that count for the URL, in git's order (None for a bare name).

        Raises UsageError for what git could not use either.
        """
        return cls(
            _headers(values("extraheader")),
            _redirects(values("followredirects")),
            _low_speed(values, environ),
            _proactive(values("proactiveauth")),
        )

    @property
    def has_authorization(self) -> bool:
        """Whether the person has said what is sent as Authorization, so that nobody needs to be asked."""
        return any(name.lower() == "authorization" and value is not None for name, value in self.extra_headers)


def _headers(lines: Iterable[str | None]) -> tuple[tuple[str, Secret | None], ...]:
    found: list[tuple[str, Secret | None]] = []
    for line in lines:
        if line:
            found.append(_header(line))
        else:
            found.clear()  # an empty value takes back what was said before it
    return tuple(found)


def _header(line: str) -> tuple[str, Secret | None]:
    name, colon, value = line.partition(":")
    empty = not colon and line.endswith(";")  # `Name;` is sent without a value, `Name:` not at all
    name = (line[:-1] if empty else name).strip(" \t")
    if _NAME.fullmatch(name) is None or not (colon or empty) or _NOT_IN_A_VALUE.search(value):
        # Not shown: it may hold a token.
        raise UsageError("cannot use a value of 'http.extraHeader': it is no header", "write it as 'Name: value'")
    value = value.strip(" \t")
    return name, None if not (value or empty) else Secret(value.encode("utf-8", "surrogateescape"))


def _redirects(values: Sequence[str | None]) -> Literal["initial", "true", "false"]:
    if not values or values[-1] == "initial":
        return "initial"
    follow = boolean(values[-1])
    if follow is None:
        shown = visible(values[-1] or "")
        raise UsageError(f"cannot use '{shown}' of 'http.followRedirects'", "use one of: initial, true, false")
    return "true" if follow else "false"


def _proactive(values: Sequence[str | None]) -> bool:
    found = values[-1] if values else "none"
    if found not in ("none", "auto", "basic"):
        shown = visible(found or "")
        raise UsageError(f"cannot use '{shown}' of 'http.proactiveAuth'", "use one of: none, auto, basic")
    return found != "none"


def _low_speed(values: Values, environ: Mapping[str, str]) -> tuple[int, int] | None:
    """Both must be given and above 0."""
    limit = _number("http.lowSpeedLimit", values("lowspeedlimit"), environ.get("GIT_HTTP_LOW_SPEED_LIMIT"))
    seconds = _number("http.lowSpeedTime", values("lowspeedtime"), environ.get("GIT_HTTP_LOW_SPEED_TIME"))
    return (limit, seconds) if limit > 0 and seconds > 0 else None


def _number(name: str, values: Sequence[str | None], variable: str | None) -> int:
    text = variable if variable is not None else (values[-1] if values else "0")
    number = integer(text or "")
    if number is None:
        raise UsageError(f"cannot use '{visible(text or '')}' of '{name}': it is no number", f"git config {name} 1000")
    return number
