"""The netrc format: the cases of cases/netrc.json, and what curl and CPython read."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_helper.core.netrc import NetrcError, lookup, parse
from git_helper.secret import Secret
from tests.support import ROOT

CASES = json.loads((ROOT / "tests/cases/netrc.json").read_text(encoding="utf-8"))


def found(text: bytes, host: bytes = b"h", username: bytes | None = None) -> list[tuple[bytes | None, Secret | None]]:
    return [(one.username, one.password) for one in lookup(parse(text), host, username)]


def one(user: bytes, password: bytes) -> list[tuple[bytes | None, Secret | None]]:
    return [(user, Secret(password))]


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_case(case: dict[str, Any]) -> None:
    expected, url = case["expected"], urlsplit(case["input"]["index_url"])
    text = case["setup"]["netrc"].encode()
    if "exit_ok" in expected:
        with pytest.raises(NetrcError, match=expected["warn"]):
            parse(text)
        return
    complete = [
        f"{user.decode()}:{password.reveal().decode()}"
        for user, password in found(
            text, (url.hostname or "").encode(), url.username.encode() if url.username else None
        )
        if user is not None and password is not None
    ]
    assert (complete[0] if complete else None) == expected["found"]


@pytest.mark.parametrize(
    ("text", "user", "password"),
    [
        (b"machine h login u password p", b"u", b"p"),
        (b"machine\nh\nlogin\tu\r\n password p", b"u", b"p"),
        (b"\xef\xbb\xbfmachine h login u password p", b"u", b"p"),
        (b"machine h\r\nlogin u\r\npassword p\r\n", b"u", b"p"),
        (b"machine h user u password p", b"u", b"p"),
        (b"machine h password p login u", b"u", b"p"),
        (b"machine h login u account a password p", b"u", b"p"),
        (b"machine h login u password old password p", b"u", b"p"),
        (b"# machine h login x password y\nmachine h login u password p", b"u", b"p"),
        (b"#machine h login x password y\nmachine h login u password p", b"u", b"p"),
        (b"#\\\nmachine h login u password p", b"u", b"p"),
        (b"machine h # of alice\nlogin u # hers\npassword p # secret", b"u", b"p"),
        (b"machine h login #u password #p", b"#u", b"#p"),
        (b"machine h login u password p#q", b"u", b"p#q"),
        (b'machine h login "a b" password "c d"', b"a b", b"c d"),
        (b'machine h login u password ""', b"u", b""),
        (b'machine h login u password "a\\"b\\\\c"', b"u", b'a"b\\c'),
        (b'machine h login u password a"b"', b"u", b'a"b"'),
        (b"machine h login u password a\\ b", b"u", b"a b"),
        (b"machine h login u password p\\", b"u", b"p\\"),
        (b"machine h login login password password", b"login", b"password"),
        (b"machine h login machine password default", b"machine", b"default"),
        (b"machine h login \xff password \xc3\xa9", b"\xff", b"\xc3\xa9"),
        (b"macdef init\nmachine h login x password y\n\nmachine h login u password p", b"u", b"p"),
        (b"macdef init\r\ncd /\r\n\r\nmachine h login u password p", b"u", b"p"),
        (b"machine h login u password p macdef init\nmachine h login x password y", b"u", b"p"),
        (b"default login u password p", b"u", b"p"),
        (b"machine x login a password b\ndefault login u password p", b"u", b"p"),
        (b"machine H login u password p", b"u", b"p"),
    ],
)
def test_what_is_read(text: bytes, user: bytes, password: bytes) -> None:
    assert found(text) == one(user, password)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b"garbage", 1),
        (b"login u", 1),
        (b"machine h\n garbage\n", 2),
        (b"machine h login u\n\npassword my secret", 3),
        (b"machine\n\n\n", 1),
        (b"machine h\nlogin", 2),
        (b'machine h\nlogin u password "p\n\n', 2),
        (b'"#quoted" x', 1),
    ],
)
def test_a_file_that_is_no_netrc_is_refused_with_its_line(text: bytes, line: int) -> None:
    with pytest.raises(NetrcError, match=rf"^line {line}: ") as refused:
        parse(text)
    assert refused.value.line == line


def test_the_second_half_of_a_password_is_not_named() -> None:
    with pytest.raises(NetrcError) as refused:
        parse(b"machine h login u password half canary")
    assert "canary" not in str(refused.value)


def test_several_logins_of_one_host_are_all_known_first_one_first() -> None:
    text = b"machine h login a password 1\nmachine x login b password 2\nmachine h login b password 3"
    assert [user for user, _ in found(text)] == [b"a", b"b"]
    assert found(text, username=b"b") == one(b"b", b"3")
    assert found(text, username=b"c") == []


def test_default_is_not_for_a_host_that_is_named() -> None:
    text = b"machine h login a password 1\ndefault login b password 2"
    assert found(text, username=b"b") == []
    assert found(text, b"other", b"b") == one(b"b", b"2")


def test_a_password_without_login_is_for_whoever_is_asked_for() -> None:
    assert found(b"machine h password p", username=b"alice") == one(b"alice", b"p")
    assert found(b"machine h password p") == [(None, Secret(b"p"))]


@pytest.mark.parametrize("machine", [b"good.example", b".h", b"*.h", b"*", b"x.h", b"hh", b""])
def test_only_the_same_host_matches(machine: bytes) -> None:
    assert found(b'machine "' + machine + b'" login u password p') == []


WORDS = [
    b"machine",
    b"default",
    b"login",
    b"password",
    b"macdef",
    b"account",
    b"h",
    b'"',
    b"\\",
    b"#",
    b"\n",
    b"\r\n",
    b" ",
]


@given(st.binary() | st.lists(st.sampled_from(WORDS)).map(b" ".join) | st.lists(st.sampled_from(WORDS)).map(b"".join))
def test_any_bytes_are_a_netrc_or_refused(text: bytes) -> None:
    try:
        entries = parse(text)
    except NetrcError as error:
        assert 1 <= error.line <= text.count(b"\n") + 1
    else:
        assert len(list(lookup(entries, b"h", b"u"))) <= len(entries)
