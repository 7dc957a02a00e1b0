"""Token variables: for exactly the host in their name."""

from __future__ import annotations

import os
from collections.abc import Iterable

import pytest

from git_helper.core.credential import Description
from git_helper.errors import UsageError
from git_helper.secret import Secret
from git_helper.sources.environment_token import EnvironmentToken, variable_suffix

TOKEN = {"GIT_HELPER_TOKEN_GOOD_EXAMPLE": "t"}


def found(
    environ: dict[str, str],
    host: bytes = b"good.example",
    username: bytes | None = None,
    protocol: bytes = b"https",
    allow_http: Iterable[bytes] = (),
) -> list[tuple[bytes | None, Secret | None]]:
    source = EnvironmentToken(environ, os.fsencode, allow_http)
    return [(one.username, one.password) for one in source.find(Description(protocol, host, None, username))]


@pytest.mark.parametrize(
    ("host", "suffix"),
    [
        ("good.example", "GOOD_EXAMPLE"),
        ("good.example:8443", "GOOD_EXAMPLE_8443"),
        ("a-b.good.example", "A_B_GOOD_EXAMPLE"),
        ("[::1]:8443", "___1__8443"),
        ("127.0.0.1:80", "127_0_0_1_80"),
    ],
)
def test_how_a_host_stands_in_a_variables_name(host: str, suffix: str) -> None:
    assert variable_suffix(host) == suffix


def test_the_token_serves_any_user_and_the_one_who_is_named() -> None:
    assert found(TOKEN) == [(b"git", Secret(b"t"))]
    assert found(TOKEN, username=b"alice") == [(b"alice", Secret(b"t"))]
    named = {**TOKEN, "GIT_HELPER_USERNAME_GOOD_EXAMPLE": "alice"}
    assert found(named) == found(named, username=b"alice") == [(b"alice", Secret(b"t"))]
    assert found(named, username=b"bob") == []


@pytest.mark.parametrize("host", [b"GOOD.example", b"good.example:443", b"good.example:0443"])
def test_the_same_origin_in_another_spelling(host: bytes) -> None:
    assert found(TOKEN, host) == [(b"git", Secret(b"t"))]


@pytest.mark.parametrize(
    "host",
    [
        b"evil.example",
        b"x.good.example",
        b"good.example.evil.example",
        b"evilgood.example",
        b"good.example.",
        b"good.example:8443",
        b"good.example@evil.example",
        b"good.example/x",
        b"good.example\n",
        b"",
    ],
)
def test_no_other_host_gets_it(host: bytes) -> None:
    assert found(TOKEN, host) == []


def test_a_port_is_part_of_the_name() -> None:
    environ = {"GIT_HELPER_TOKEN_GOOD_EXAMPLE_8443": "t"}
    assert found(environ, b"good.example:8443") == [(b"git", Secret(b"t"))]
    assert found(environ) == []


def test_plain_http_only_to_this_machine_or_where_it_is_allowed() -> None:
    assert found(TOKEN, protocol=b"http") == []
    assert found(TOKEN, protocol=b"ssh") == []
    assert found(TOKEN, protocol=b"http", allow_http=[b"other.example"]) == []
    assert found(TOKEN, protocol=b"http", allow_http=[b"Good.Example"]) == [(b"git", Secret(b"t"))]
    assert found({"GIT_HELPER_TOKEN_127_0_0_1_8080": "t"}, b"127.0.0.1:8080", protocol=b"http")


def test_a_host_that_is_written_like_another_must_be_named() -> None:
    """Anyone may register `a.b.example` when `a-b.example` is meant, or the other way round."""
    assert found({"GIT_HELPER_TOKEN_A_B_EXAMPLE": "t"}, b"a.b.example")
    with pytest.raises(UsageError, match=r"another host than 'a-b\.example'") as refused:
        found({"GIT_HELPER_TOKEN_A_B_EXAMPLE": "t"}, b"a-b.example")
    assert refused.value.hint is not None
    assert "GIT_HELPER_HOST_A_B_EXAMPLE=a-b.example" in refused.value.hint


def test_a_host_without_a_variable_is_no_error() -> None:
    assert found({"GIT_HELPER_TOKEN_A_B_EXAMPLE": "t"}, b"c-d.example") == []


def test_the_variable_can_say_which_host_it_means() -> None:
    environ = {"GIT_HELPER_TOKEN_A_B_EXAMPLE": "t", "GIT_HELPER_HOST_A_B_EXAMPLE": "A-b.example"}
    assert found(environ, b"a-b.example")
    assert found(environ, b"a.b.example") == []


def test_an_empty_token_is_none_and_bytes_stay_bytes() -> None:
    assert found({"GIT_HELPER_TOKEN_GOOD_EXAMPLE": ""}) == []
    assert found({"GIT_HELPER_TOKEN_GOOD_EXAMPLE": os.fsdecode(b" \xff ")}) == [(b"git", Secret(b" \xff "))]
