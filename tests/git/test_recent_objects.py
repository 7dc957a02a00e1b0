"""What is kept in memory: never more than allowed, and what was used last longest."""

from __future__ import annotations

from git_helper.git.pack_entries import BIG, BLOB, TREE
from git_helper.git.recent_objects import RecentObjects


def test_what_was_used_last_stays() -> None:
    recent = RecentObjects[int](30)
    for number in range(3):
        recent.keep(number, BLOB, b"%d" % number * 10)
    assert recent.get(0) == (BLOB, b"0" * 10)
    recent.keep(3, TREE, b"3" * 10)
    assert [recent.get(number) is not None for number in range(4)] == [True, False, True, True]
    recent.keep(4, BLOB, b"4" * 25)
    assert [recent.get(number) is not None for number in range(5)] == [False] * 4 + [True]


def test_nothing_is_counted_twice() -> None:
    recent = RecentObjects[int](30)
    for _ in range(9):
        recent.keep(1, BLOB, b"1" * 10)
    recent.keep(2, BLOB, b"2" * 10)
    assert recent.get(1) is not None
    assert recent.get(2) is not None


def test_what_is_large_is_not_kept() -> None:
    recent = RecentObjects[int](4 * BIG)
    recent.keep(1, BLOB, bytes(BIG + 1))
    recent.keep(2, BLOB, bytes(BIG))
    assert recent.get(1) is None
    assert recent.get(2) is not None
