"""`WWW-Authenticate` → challenges (RFC 9110 §11.3 and §11.6.1): several in one header, several headers, broken ones too."""

from __future__ import annotations

import re
from dataclasses import field
from typing import TYPE_CHECKING

from git_helper.frozen import frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TOKEN68 = re.compile(r"[ \t]+([A-Za-z0-9._~+/-]+=*)[ \t]*(?=,|$)")
_EQUALS = re.compile(r"[ \t]*=[ \t]*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)(?:"|\\?$)', re.DOTALL)
_BARE = re.compile(r"[^,\"]*")
_BETWEEN = re.compile(r"[ \t,]*")
_NEXT = re.compile(r"[^,]*")

# Schemes made so that the password itself never travels: a server that offers only these gets none.
_WITHOUT_PASSWORD = (
    "digest",
    "negotiate",
    "ntlm",
    "kerberos",
    "mutual",
    "hoba",
    "scram-sha-1",
    "scram-sha-256",
    "vapid",
)


@frozen
class Challenge:
    """`scheme` and the names of `parameters` in lower case; `token68` where the scheme has one instead of parameters."""

    scheme: str
    token68: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)


def parse(values: Iterable[str]) -> list[Challenge]:
    """The challenges of all `WWW-Authenticate` values in order; what cannot be read is skipped, nothing is raised."""
    return [challenge for value in values for challenge in _challenges(value)]


def accepts_password(challenges: Iterable[Challenge]) -> bool:
    """Whether a password may be tried as Basic: the server offers something that could take one, or says nothing."""
    schemes = [challenge.scheme for challenge in challenges]
    return not schemes or any(scheme not in _WITHOUT_PASSWORD for scheme in schemes)


def _challenges(value: str) -> list[Challenge]:
    found: list[Challenge] = []
    place = _end(_BETWEEN, value, 0)
    while place < len(value):
        token = _TOKEN.match(value, place)
        if token is None:
            place = _end(_NEXT, value, place)
        elif equals := _EQUALS.match(value, token.end()):
            text, place = _parameter(value, equals.end())
            if found and isinstance(found[-1].parameters, dict):
                # The first one counts: a second realm must not rename the place.
                found[-1].parameters.setdefault(token[0].lower(), text)
        else:
            token68 = _TOKEN68.match(value, token.end())
            found.append(Challenge(token[0].lower(), None if token68 is None else token68[1], {}))
            place = token.end() if token68 is None else token68.end()
        place = _end(_BETWEEN, value, place)
    return found


def _parameter(value: str, place: int) -> tuple[str, int]:
    """A quoted string (the rest of the value when nothing closes it) or a bare word, and where it ends."""
    quoted = _QUOTED.match(value, place)
    if quoted is not None:
        return re.sub(r"\\(.)", r"\1", quoted[1], flags=re.DOTALL), quoted.end()
    end = _end(_BARE, value, place)
    return value[place:end].strip(" \t"), max(end, place + 1)


def _end(pattern: re.Pattern[str], value: str, place: int) -> int:
    match = pattern.match(value, place)
    return place if match is None else match.end()
