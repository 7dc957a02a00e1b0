"""Values in a keyring survive a kill after every single step, whatever the back end is like."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from git_helper.errors import StoreError
from git_helper.stores.keyring_items import SHARE, Items

NAME = "git-helper:https://good.example"
SMALL = b"protocol=https\nhost=good.example\npassword=one\n\n"
KINDS = [
    pytest.param(False, True, id="replaces in one step"),
    pytest.param(False, False, id="deletes and adds"),
    pytest.param(True, True, id="short values"),
    pytest.param(True, False, id="short values, deletes and adds"),
]


def large(letter: bytes) -> bytes:
    """A value of three parts where values are short."""
    return letter * (2 * SHARE + 10)


class Killed(BaseException):
    """The process ends here."""


class Values:
    """A back end whose process is killed after `left` steps; `between` is called before each reading."""

    def __init__(self, *, whole: bool, limit: int | None = None) -> None:
        self.values: dict[str, str] = {}
        self.whole = whole
        self.limit = limit
        self.left = 1000
        self.steps = 0
        self.between: Callable[[], None] = lambda: None

    def get(self, name: str) -> str | None:
        self.between()
        return self.values.get(name)

    def set(self, name: str, value: str) -> None:
        if self.limit is not None and len(value) > self.limit:
            raise StoreError("too long")
        if not self.whole:
            self.delete(name)
        self._step()
        self.values[name] = value

    def delete(self, name: str) -> None:
        if name in self.values:
            self._step()
            del self.values[name]

    def _step(self) -> None:
        if self.steps == self.left:
            raise Killed
        self.steps += 1


def prepared(short: bool, whole: bool, before: bytes | None) -> tuple[Values, Items]:
    """A back end that holds `before`, with its steps counted from now."""
    values = Values(whole=whole, limit=1280 if short else None)
    items = Items(values, short=short, whole=whole)
    if before is not None:
        items.write(NAME, b"before that")
        items.write(NAME, before)
    values.steps = 0
    return values, items


@pytest.mark.parametrize(("short", "whole"), KINDS)
@pytest.mark.parametrize("before", [None, SMALL, large(b"a")])
@pytest.mark.parametrize("after", [SMALL + SMALL, large(b"b"), large(b"a")[:-1]])
def test_a_kill_leaves_the_old_value_or_the_new(short: bool, whole: bool, before: bytes | None, after: bytes) -> None:
    values, items = prepared(short, whole, before)
    items.write(NAME, after)
    assert items.read(NAME) == after
    total = values.steps
    assert total >= 1
    for left in range(total):
        values, items = prepared(short, whole, before)
        values.left = left
        with pytest.raises(Killed):
            items.write(NAME, after)
        assert items.read(NAME) in (before, after), f"killed before step {left + 1} of {total}"
        values.left = 1000
        items.write(NAME, SMALL)
        assert items.read(NAME) == SMALL
        items.delete(NAME)
        assert values.values == {}


@pytest.mark.parametrize(("short", "whole"), KINDS)
@pytest.mark.parametrize("after", [SMALL, large(b"b")])
def test_what_a_killed_writer_left_is_deleted_too(short: bool, whole: bool, after: bytes) -> None:
    values, items = prepared(short, whole, large(b"a"))
    items.write(NAME, after)
    for left in range(values.steps):
        values, items = prepared(short, whole, large(b"a"))
        values.left = left
        with pytest.raises(Killed):
            items.write(NAME, after)
        values.left = 1000
        items.delete(NAME)
        assert values.values == {}


@pytest.mark.parametrize(("short", "whole"), KINDS)
@pytest.mark.parametrize("writes", [1, 2, 3])
def test_a_reader_sees_one_whole_value_while_others_write(short: bool, whole: bool, writes: int) -> None:
    contents = [large(letter) for letter in (b"a", b"b", b"c", b"d")][: writes + 1]
    for moment in range(1, 12):
        values, items = prepared(short, whole, contents[0])
        writer = Items(values, short=short, whole=whole)
        left = moment

        def write_at_the_moment(values: Values = values, writer: Items = writer) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                for content in contents[1:]:
                    writer.write(NAME, content)

        values.between = write_at_the_moment
        assert items.read(NAME) in contents


@pytest.mark.parametrize(("short", "whole"), KINDS)
@pytest.mark.parametrize("before", [SMALL, large(b"a")])
def test_a_kill_while_deleting_leaves_the_value_or_nothing(short: bool, whole: bool, before: bytes) -> None:
    values, items = prepared(short, whole, before)
    items.delete(NAME)
    assert values.values == {}
    for left in range(values.steps):
        values, items = prepared(short, whole, before)
        values.left = left
        with pytest.raises(Killed):
            items.delete(NAME)
        assert items.read(NAME) in (before, None)
        values.left = 1000
        items.delete(NAME)
        assert values.values == {}


@pytest.mark.parametrize(("short", "whole"), KINDS)
def test_replacing_leaves_no_trace_of_the_old_value(short: bool, whole: bool) -> None:
    values, items = prepared(short, whole, large(b"a"))
    items.write(NAME, SMALL)
    assert not any("aaaa" in value for value in values.values.values())
    assert not any(name.endswith("#old") for name in values.values)


def test_where_values_are_short_none_is_longer_and_the_head_has_no_secret() -> None:
    values, items = prepared(True, True, None)
    items.write(NAME, large(b"s"))
    assert max(map(len, values.values.values())) <= 1280
    assert "ssss" not in values.values[NAME]
    items.write(NAME, b"short secret")
    assert "short secret" not in values.values[NAME]


def test_long_values_are_read_whatever_the_back_end_takes() -> None:
    values, _ = prepared(True, True, large(b"a"))
    assert Items(values, short=False, whole=True).read(NAME) == large(b"a")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"a\0b", "\ud800".encode("utf-8", "surrogatepass"), b"\x1b[2K"])
def test_bytes_that_are_no_plain_text_reach_the_back_end_as_ascii(content: bytes) -> None:
    values, items = prepared(False, True, None)
    items.write(NAME, content)
    assert values.values[NAME].isascii()
    assert values.values[NAME].isprintable()
    assert items.read(NAME) == content


def test_plain_text_can_be_read_by_a_person() -> None:
    values, items = prepared(False, True, None)
    items.write(NAME, "username=jürgen\n".encode())
    assert values.values == {NAME: "username=jürgen\n"}


@pytest.mark.parametrize(
    "damage", ["parts:a:2:00", "parts:c:1:00", "parts:a:x:00", "parts:a", "base64:?", "base64:A", "base64:ü"]
)
def test_a_damaged_value_is_an_error_of_values(damage: str) -> None:
    values, items = prepared(False, True, None)
    values.values[NAME] = damage
    with pytest.raises(ValueError, match=r"part|base64|int|unpack|ASCII"):
        items.read(NAME)


def test_a_value_that_is_refused_midway_leaves_the_old_one_and_no_parts() -> None:
    values, items = prepared(True, True, SMALL)
    names = set(values.values)
    values.limit = 1100  # the last part of the new value still fits, the first one does not
    with pytest.raises(StoreError):
        items.write(NAME, large(b"b"))
    assert items.read(NAME) == SMALL
    assert set(values.values) == names
