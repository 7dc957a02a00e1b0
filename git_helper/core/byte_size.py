"""Sizes in bytes as people write and read them."""

from __future__ import annotations

import re

from git_helper.errors import UsageError
from git_helper.secret import visible

MOST_PAGE_BYTES = 256 << 20
"""How long an index page may be unless somebody says otherwise; the list of all of PyPI has 40 MB."""
_SIZE = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,3}))? ?(k|m|g|t)?(i)?b?", re.IGNORECASE)
_UNITS = "kmgt"


def parse_size(text: str) -> int:
    """`500000`, `500kB`, `1.5GB` (powers of 1000) or `64MiB` (of 1024), at least 1. Raises UsageError."""
    found = _SIZE.fullmatch(text)
    size = 0
    if found is not None and (found[3] or not (found[2] or found[4])):
        factor = (1024 if found[4] else 1000) ** (_UNITS.index(found[3].lower()) + 1 if found[3] else 0)
        fraction = found[2] or ""
        size = int(found[1] + fraction) * factor // 10 ** len(fraction)
    if size < 1:
        raise UsageError(f"cannot use '{visible(text)}' as a size", "write it as in '64MiB' or '500kB'")
    return size


def in_units(size: int) -> str:
    """`64MiB` where that is exact, else rounded, as in `12.3kB`; `parse_size` reads both."""
    for power in (3, 2, 1):
        if size >= 1024**power and size % 1024**power == 0:
            return f"{size // 1024**power}{_UNITS[power - 1].upper()}iB"
    for power in (3, 2, 1):
        if size >= 1000**power:
            value = size / 1000**power
            return f"{value:.0f}{_unit(power)}" if value == int(value) else f"{value:.1f}{_unit(power)}"
    return f"{size}B"


def _unit(power: int) -> str:
    return ("kB", "MB", "GB")[power - 1]
