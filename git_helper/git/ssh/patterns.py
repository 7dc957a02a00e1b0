"""The patterns of ssh_config(5) and sshd(8): `*`, `?`, and comma lists of them in which `!` says no."""

from __future__ import annotations


def matches(text: str, pattern: str) -> bool:
    """Whether the whole of `text` fits: `*` is any text, `?` one character, all else is itself (no `[a-z]`).

    One mark for the last `*` is enough to go back to, so hostile patterns cost length times length, not 2 to its power.
    """
    at = here = 0
    star, resume = -1, 0
    while at < len(text):
        if here < len(pattern) and pattern[here] == "*":
            star, resume = here, at
            here += 1
        elif here < len(pattern) and pattern[here] in ("?", text[at]):
            at += 1
            here += 1
        elif star >= 0:
            resume += 1
            at, here = resume, star + 1
        else:
            return False
    return pattern[here:].strip("*") == ""


def matches_list(text: str, patterns: str) -> bool:
    """Whether one of the comma-separated patterns fits and none with `!` does."""
    found = False
    for pattern in patterns.split(","):
        if pattern.startswith("!"):
            if matches(text, pattern[1:]):
                return False
        elif matches(text, pattern):
            found = True
    return found


def matches_host(host: str, patterns: str) -> bool:
    """As `matches_list`, upper and lower case being the same (ASCII only, as tolower(3) in the C locale)."""
    return matches_list(lower(host), lower(patterns))


def lower(text: str) -> str:
    """A to Z in lower case, nothing else: `str.lower` would make other hosts equal (U+212A, the Kelvin sign, is a `k`)."""
    return text.translate(_LOWER)


_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
