"""Which hosts are not verified, as people write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_helper.core.credential import Origin
from git_helper.core.insecure_host import InsecureHost
from git_helper.core.parse_error import ParseError
from git_helper.core.trust import InsecureHost as Exported


def origin(text: str) -> Origin:
    scheme, _, host = text.partition("://")
    found = Origin.parse(scheme.encode(), host.encode())
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("written", "url", "matches"),
    [
        ("good.example", "https://good.example", True),
        ("good.example", "https://good.example:8443", True),
        ("good.example:443", "https://good.example", True),
        ("good.example:443", "https://good.example:8443", False),
        ("good.example:8443", "https://good.example", False),
        ("GOOD.example", "https://good.EXAMPLE", True),
        ("good.example.", "https://good.example", True),
        ("  good.example\t", "https://good.example", True),
        ("good.example", "https://evil.example", False),
        ("good.example", "https://good.example.evil.example", False),
        ("good.example", "https://evilgood.example", False),
        ("example", "https://good.example", False),
        ("good.example", "http://good.example", False),
        ("http://good.example", "https://good.example", False),
        ("http://good.example", "http://good.example", False),
        ("HTTPS://good.example:8443/simple/?a#b", "https://good.example:8443", True),
        ("good.example/simple", "https://good.example", True),
        ("[::1]", "https://[::1]:9443", True),
        ("[::1]:9443", "https://[::1]:9443", True),
        ("[::1]:9443", "https://[::1]", False),
        ("[0:0:0:0:0:0:0:1]", "https://[::1]", True),
        ("::1", "https://[::1]:9443", True),
        ("https://[::1]/x", "https://[::1]", True),
        ("127.0.0.1", "https://localhost", False),
        ("*", "https://good.example:1", True),
        ("*", "http://good.example", False),
    ],
)
def test_a_word(written: str, url: str, matches: bool) -> None:
    assert InsecureHost.parse(written).matches(origin(url)) is matches


@pytest.mark.parametrize(
    ("table", "url", "matches"),
    [
        ({"host": "localhost"}, "https://localhost:9443", True),
        ({"host": "localhost", "port": 9443, "scheme": "https"}, "https://localhost:9443", True),
        ({"host": "localhost", "port": 9443}, "https://localhost", False),
        ({"host": "localhost", "scheme": "http"}, "https://localhost", False),
        ({"host": "::1", "port": 9443}, "https://[::1]:9443", True),
        ({"host": "[::1]"}, "https://[::1]:9443", True),
        ({"host": "*"}, "https://localhost", True),
    ],
)
def test_a_table(table: dict[str, object], url: str, matches: bool) -> None:
    assert InsecureHost.parse(table).matches(origin(url)) is matches


@pytest.mark.parametrize(
    ("given", "slug"),
    [
        ("", "missing-host"),
        ("https://", "missing-host"),
        ("https:///path", "missing-host"),
        (":443", "missing-host"),
        ("localhost:", "invalid-port"),
        ("localhost:abc", "invalid-port"),
        ("localhost:0", "invalid-port"),
        ("localhost:65536", "invalid-port"),
        ("localhost:-1", "invalid-port"),
        ("localhost:1:2", "invalid-port"),
        ("localhost:٤٤٣", "invalid-port"),
        ("[::1]:", "invalid-port"),
        ("[::1]x", "invalid-host"),
        ("[::1", "invalid-host"),
        ("[]", "invalid-host"),
        ("[good.example]", "invalid-host"),
        ("[fe80::1%eth0]", "invalid-host"),
        ("user@localhost", "invalid-host"),
        ("https://user:443@localhost", "invalid-host"),
        ("*.good.example", "invalid-host"),
        ("https://*", "invalid-host"),
        ("one.example,two.example", "invalid-host"),
        ("one.example two.example", "invalid-host"),
        ("good..example", "invalid-host"),
        ("-good.example", "invalid-host"),
        ("bücher.example", "invalid-host"),
        ("good.example\n", "invalid-host"),
        ("ftp://localhost", "unsupported-scheme"),
        ({}, "missing-host"),
        ({"port": 443}, "missing-host"),
        ({"host": 1}, "invalid-host"),
        ({"host": "localhost:443"}, "invalid-host"),
        ({"host": "localhost/x"}, "invalid-host"),
        ({"host": "localhost", "port": "443"}, "invalid-port"),
        ({"host": "localhost", "port": True}, "invalid-port"),
        ({"host": "localhost", "port": 0}, "invalid-port"),
        ({"host": "localhost", "scheme": "ftp"}, "unsupported-scheme"),
        ({"host": "localhost", "hots": "x"}, "unknown-key"),
    ],
)
def test_what_is_no_host(given: str | Mapping[str, object], slug: str) -> None:
    with pytest.raises(ParseError) as caught:
        InsecureHost.parse(given)
    assert caught.value.error == slug
    assert caught.value.exit_code == 2
    assert caught.value.hint


def test_a_password_is_not_shown() -> None:
    with pytest.raises(ParseError) as caught:
        InsecureHost.parse("https://alice:s3cr3t@good.example")
    assert "s3cr3t" not in f"{caught.value} {caught.value.hint}"


@given(st.text(alphabet="ab1:.[]@*/ -%\n" + "é", max_size=20))
def test_any_text_is_a_host_or_an_error(text: str) -> None:
    try:
        found = InsecureHost.parse(text)
    except ParseError as error:
        assert error.error
    else:
        assert InsecureHost.parse(str(found)) == found


@given(
    st.dictionaries(st.sampled_from(["host", "port", "scheme", "x"]), st.one_of(st.text(), st.integers(), st.none()))
)
def test_any_table_is_a_host_or_an_error(table: dict[str, Any]) -> None:
    try:
        found = InsecureHost.parse(table)
    except ParseError as error:
        assert error.error
    else:
        assert found.matches(Origin(b"http", b"a", 80)) is False


def test_it_is_a_part_of_trust() -> None:
    assert Exported is InsecureHost
