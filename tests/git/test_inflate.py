"""Whichever library inflates, it takes what zlib takes and gives what zlib gives."""

from __future__ import annotations

import importlib.util
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from git_helper.git.inflate import inflate, inflate_first

CONTENTS = st.one_of(st.binary(max_size=400), st.text("ab\n", max_size=3000).map(str.encode))


def by_zlib(packed: bytes, size: int) -> tuple[bytes, int] | None:
    inflater = zlib.decompressobj()
    try:
        content = inflater.decompress(packed, size + 1)
    except zlib.error:
        return None
    return (content, len(inflater.unused_data)) if inflater.eof and len(content) == size else None


@settings(max_examples=400, deadline=None)
@given(CONTENTS, st.integers(0, 9), st.binary(max_size=50), st.data())
def test_the_first_of_many(content: bytes, level: int, behind: bytes, data: st.DataObject) -> None:
    packed = zlib.compress(content, level)
    assert inflate_first(memoryview(packed + behind), len(content)) == (content, len(behind))
    assert inflate_first(packed + behind, len(content) + 1) is None
    assert not content or inflate_first(packed + behind, len(content) - 1) is None
    assert inflate_first(packed[: data.draw(st.integers(0, len(packed) - 1))], len(content)) is None


@settings(max_examples=400, deadline=None)
@given(CONTENTS, st.integers(0, 9), st.lists(st.tuples(st.integers(0), st.integers(1, 255)), min_size=1, max_size=3))
def test_what_is_changed(content: bytes, level: int, changes: list[tuple[int, int]]) -> None:
    packed = bytearray(zlib.compress(content, level))
    for place, mask in changes:
        packed[place % len(packed)] ^= mask
    assert inflate_first(bytes(packed), len(content)) == by_zlib(bytes(packed), len(content))


@given(CONTENTS)
def test_all_of_it(content: bytes) -> None:
    packed = zlib.compress(content)
    assert inflate(memoryview(packed)) == content
    with pytest.raises(zlib.error):
        inflate(packed[:-5])


def test_a_small_packing_of_much_is_not_unpacked_further_than_asked() -> None:
    assert inflate_first(zlib.compress(bytes(50 << 20)), 1000) is None


def test_the_fast_library_is_installed_here() -> None:
    """Otherwise these tests would compare zlib with itself."""
    assert importlib.util.find_spec("isal") is not None
