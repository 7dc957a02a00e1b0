"""The values of git's configuration: booleans and numbers (git-config(1) "Values")."""

from __future__ import annotations

import re

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_NUMBER = re.compile(r"([+-]?\d{1,18})([kmg]?)", re.ASCII | re.IGNORECASE)


def boolean(value: str | None) -> bool | None:
    """A bare name (None) is true, an empty value false; None for what is neither."""
    text = "true" if value is None else value.strip().lower()
    if text in ("true", "yes", "on"):
        return True
    if text in ("", "false", "no", "off"):
        return False
    number = integer(text)
    return None if number is None else number != 0


def integer(value: str) -> int | None:
    """With `k`, `m` or `g` behind it for powers of 1024; None for what is no number."""
    number = _NUMBER.fullmatch(value.strip())
    return None if number is None else int(number[1]) * _UNITS[number[2].lower()]
