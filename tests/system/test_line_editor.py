"""The keys of a line that is typed unseen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_helper.system.line_editor import LIMIT, LineEditor, Outcome


def typed(keys: bytes) -> tuple[bytes, Outcome | None]:
    line = LineEditor()
    for byte in keys:
        outcome = line.feed(byte)
        if outcome is not None:
            return line.text, outcome
    return line.text, None


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (b"token\r", b"token"),
        (b"token\n", b"token"),
        (b" two  words \r", b" two  words "),
        (b"tab\there\r", b"tab\there"),
        (b"abc\x7f\x08d\r", b"ad"),
        (b"\x7f\x7fa\r", b"a"),
        ("pä\x7fé€\x7f\r".encode(), "pé".encode()),
        ("a\U0001f600\x7fb\r".encode(), b"ab"),
        (b"latin\xe9\x7f\r", b"latin"),
        (b"wrong\x15right\r", b"right"),
        (b"one two  \x17three\r", b"one three"),
        (b"\x17a\r", b"a"),
        (b"a\x1b[Db\x1b[1;5Cc\x1bOAd\r", b"abcd"),
        (b"a\x1bfb\r", b"ab"),
        (b"a\x1b\x1b[Ab\r", b"ab"),
        (b"a\x1b\r", b"a"),
        (b"a\x1b[\rb", b"a"),
        (b"\x1b[200~pasted\x1b[201~\r", b"pasted"),
        (b"\x1b[200~pas\r\nted\n\x1b[201~\r", b"pasted"),
        (b"a\x00\x01\x0c\x1cb\r", b"ab"),
        (b"ab\x04c\r", b"abc"),
        (b"\r", b""),
    ],
)
def test_keys(keys: bytes, text: bytes) -> None:
    assert typed(keys) == (text, Outcome.ENTERED)


@pytest.mark.parametrize("keys", [b"\x04", b"abc\x15\x04", b"abc\x03", b"a\x7f\x04"])
def test_no_is_an_answer(keys: bytes) -> None:
    assert typed(keys)[1] is Outcome.CANCELLED


def test_the_escape_key_alone_swallows_nothing() -> None:
    line = LineEditor()
    line.feed(0x1B)
    assert line.in_escape
    line.end_escape()
    line.feed(ord("a"))
    assert line.text == b"a"


def test_the_longest_line() -> None:
    assert typed(b"x" * LIMIT + b"\r") == (b"x" * LIMIT, Outcome.ENTERED)
    assert typed(b"x" * (LIMIT + 1))[1] is Outcome.TOO_LONG


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])))
def test_characters_are_counted_and_taken_back_whole(text: str) -> None:
    line = LineEditor()
    for byte in text.encode():
        line.feed(byte)
    assert line.length() == len(text)
    assert line.text == text.encode()
    for _ in text:
        line.feed(0x7F)
    assert line.text == b""


@given(st.binary())
def test_no_byte_that_git_could_not_carry_gets_in(keys: bytes) -> None:
    text, _ = typed(keys)
    assert not set(text) & {0, 10, 13, 27, 127}
