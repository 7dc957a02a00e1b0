"""Bytes ↔ messages of git's credential protocol."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_helper.core import wire
from git_helper.core.credential import Credential, Description

KEYS = st.sampled_from([b"protocol", b"host", b"path", b"username", b"password", b"a", b"x-y", b"\xff", b"ho[]st"])
VALUES = st.binary().filter(lambda value: not set(value) & set(b"\n\r\0"))


@given(st.binary() | st.lists(st.sampled_from([b"url=https://a", b"host=x", b"%0a", b"=", b"\n", b"[]=", b"\r"])))
def test_no_input_makes_the_reader_fail(data: bytes | list[bytes]) -> None:
    message = wire.parse(data if isinstance(data, bytes) else b"".join(data))
    for key in (*message.scalars, b"ephemeral"):
        assert message.flag(key) in (True, False)
    Credential.of(message)
    description = Description.of(message)
    if description is not None and message.problem is None:
        assert wire.parse(wire.serialize(description.pairs())).problem is None


@given(st.dictionaries(KEYS, VALUES))
def test_what_is_written_is_read_back(pairs: dict[bytes, bytes]) -> None:
    message = wire.parse(wire.serialize(pairs.items()) + b"\nbehind=the end\n")
    assert message.scalars == pairs
    assert message.problem is None


@given(st.binary())
def test_reading_a_stream_keeps_what_parsing_needs(data: bytes) -> None:
    read, whole = wire.parse(wire.read(io.BytesIO(data))), wire.parse(data)
    assert (read.scalars, read.lists, read.problem) == (whole.scalars, whole.lists, whole.problem)


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\n\n", b"\n\nhost=behind the end\n", b"\r\n\r\nhost=x\r\n"])
def test_every_end_of_a_message(end: bytes) -> None:
    assert wire.parse(wire.read(io.BytesIO(b"protocol=https\nhost=good.example" + end))).scalars == {
        b"protocol": b"https",
        b"host": b"good.example",
    }


def test_nothing_behind_the_empty_line_is_read() -> None:
    stream = io.BytesIO(b"a=b\n\nrest")
    wire.read(stream)
    assert stream.read() == b"rest"


@pytest.mark.parametrize(
    "value", [b"", b" ", b" lead and trail \t", b"a=b=c", b"\x0b\x0c\x1c\x85", "\u2028é".encode(), b"\xff\xfe"]
)
def test_values_are_bytes_that_nobody_trims(value: bytes) -> None:
    message = wire.parse(b"password=" + value + b"\r\n")
    assert message.get(b"password") == value
    assert message.problem is None


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"host=a\rb\n", "carriage return"),
        (b"host=a\r\r\n", "carriage return"),
        (b"password=a\0b\n", "NUL"),
        (b"host=evil.example\nhost=good.example\n", "twice"),
        (b"host=\nhost=good.example\n", "twice"),
        (b"url=https://evil.example\nhost=good.example\n", "twice"),
        (b"host=a\nnonsense\n", "key=value"),
        (b"=value\n", "key=value"),
        (b"url=good.example\n", "no scheme"),
        (b"url=https://evil.example/%0ahost=good.example\n", "line break"),
        (b"url=https://evil.example%0d%0ahost=good.example\n", "carriage return"),
        (b"url=https://evil.example%00\n", "NUL"),
        (b"url=https://a@b@good.example\n", "'@'"),
        (b"url=https://evil.example%40good.example\n", "'@'"),
        (b"nonsense\nurl=https://good.example\n", "key=value"),
        (b"a=" + b"x" * wire.LINE_LIMIT + b"\n", "too long"),
        (b"a=%b\n" % (b"x" * 1021) * (wire.MESSAGE_LIMIT // 1024 + 1), "too long"),
    ],
)
def test_what_could_be_read_two_ways_is_not_acted_on(data: bytes, problem: str) -> None:
    assert problem in (wire.parse(data).problem or "no problem")
    assert wire.parse(wire.read(io.BytesIO(data))).problem is not None


def test_a_line_end_that_falls_on_the_limit_does_not_end_the_message() -> None:
    long = b"a=" + b"x" * (wire.LINE_LIMIT - 2)
    message = wire.parse(wire.read(io.BytesIO(b"host=good.example\n" + long + b"\r\nhost=evil.example\n")))
    assert message.problem == "'host' is given twice"


def test_the_same_value_twice_is_no_contradiction() -> None:
    assert wire.parse(b"host=a\nhost=a\n").problem is None


def test_other_scalars_take_the_last_value() -> None:
    assert wire.parse(b"password=old\npassword=new\n").get(b"password") == b"new"


def test_keys_are_case_sensitive() -> None:
    assert wire.parse(b"Host=a\n").get(b"host") is None


def test_lists_keep_their_order_and_are_reset_by_an_empty_value() -> None:
    message = wire.parse(b"wwwauth[]=a\nwwwauth[]=b\nstate[]=old\nstate[]=\nstate[]=new\n")
    assert message.list(b"wwwauth") == [b"a", b"b"]
    assert message.list(b"state") == [b"new"]
    assert message.list(b"capability") == []


def test_controls_in_a_list_are_the_servers_and_spoil_nothing() -> None:
    assert wire.parse(b"wwwauth[]=Basic \r realm=\x1b[2J\nhost=a\n").problem is None


def test_a_url_resets_every_field_before_it() -> None:
    message = wire.parse(b"capability[]=authtype\nusername=bob\nurl=https://good.example/x\n")
    assert message.lists == {}
    assert message.scalars == {b"protocol": b"https", b"host": b"good.example", b"path": b"x"}


@pytest.mark.parametrize(
    ("url", "fields"),
    [
        (b"https://good.example", {b"host": b"good.example"}),
        (b"https://good.example/", {b"host": b"good.example"}),
        (b"https://good.example:8443//a/b.git/", {b"host": b"good.example:8443", b"path": b"a/b.git"}),
        (b"https://alice@good.example", {b"host": b"good.example", b"username": b"alice"}),
        (b"https://alice:p%40s@good.example", {b"username": b"alice", b"password": b"p@s", b"host": b"good.example"}),
        (b"https://a@b@good.example", {b"username": b"a", b"host": b"b@good.example"}),
        (b"https://:p@good.example", {b"username": b"", b"password": b"p", b"host": b"good.example"}),
        (b"https://good.example?x=alice@evil.example", {b"host": b"good.example", b"path": b"?x=alice@evil.example"}),
        (b"https://good.example#@evil.example", {b"host": b"good.example", b"path": b"#@evil.example"}),
        (b"https://[::1]:99/x", {b"host": b"[::1]:99", b"path": b"x"}),
        (b"https://good.example/%zz%4", {b"host": b"good.example", b"path": b"%zz%4"}),
    ],
)
def test_urls_are_taken_apart_as_git_does(url: bytes, fields: dict[bytes, bytes]) -> None:
    assert dict(wire.url_fields(url)) == {b"protocol": b"https", **fields}


@pytest.mark.parametrize("url", [b"", b"good.example", b"://good.example", b"https:/good.example"])
def test_what_is_no_url_has_no_fields(url: bytes) -> None:
    assert wire.url_fields(url) == []


@pytest.mark.parametrize(
    ("value", "flag"),
    [
        *((true, True) for true in (b"1", b"true", b"TRUE", b"yes", b"on", b"42", b"9" * 5000)),
        *((false, False) for false in (b"", b"0", b"000", b"false", b"no", b"off", b"x", b"-", b"\xb2")),
    ],
)
def test_switches(value: bytes, flag: bool) -> None:
    assert wire.parse(b"quit=" + value + b"\n").flag(b"quit") is flag
    assert wire.parse(b"").flag(b"quit") is False


@pytest.mark.parametrize("value", [b"a\nhost=evil.example", b"a\r", b"a\0b"])
def test_a_value_that_no_line_can_carry_is_not_written(value: bytes) -> None:
    with pytest.raises(ValueError, match="password"):
        wire.serialize([(b"username", b"alice"), (b"password", value)])
