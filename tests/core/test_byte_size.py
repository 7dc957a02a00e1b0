"""Sizes as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_helper.core.byte_size import in_units, parse_size
from git_helper.errors import UsageError


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1", 1),
        ("500000", 500_000),
        ("500kB", 500_000),
        ("1.5GB", 1_500_000_000),
        ("64MiB", 64 << 20),
        ("64 mib", 64 << 20),
        ("2g", 2 * 10**9),
        ("3Ti", 3 << 40),
    ],
)
def test_a_size(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "1X", "1 2", "0.0001kB", "MB", "1e9", "٣MB", "1MB\n"])
def test_no_size(text: str) -> None:
    with pytest.raises(UsageError, match="as a size"):
        parse_size(text)


@given(st.integers(1, 10**14))
def test_what_is_shown_can_be_given_and_is_near(size: int) -> None:
    assert abs(parse_size(in_units(size)) - size) <= size * 0.06
    assert in_units(size << 20) != ""


def test_what_is_exact_is_shown_exactly() -> None:
    assert [in_units(size) for size in (1, 999, 1024, 1200, 256 << 20, 5_000_000)] == [
        "1B",
        "999B",
        "1KiB",
        "1.2kB",
        "256MiB",
        "5MB",
    ]
