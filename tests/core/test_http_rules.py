"""http.extraHeader, http.followRedirects, http.lowSpeed*: what their values mean."""

from __future__ import annotations

import pytest

from git_helper.core.http_rules import HttpRules
from git_helper.errors import UsageError

CANARY = "c4n4ry"


def rules(environ: dict[str, str] | None = None, **values: list[str | None]) -> HttpRules:
    return HttpRules.of(lambda variable: values.get(variable, []), environ or {})


def headers(*lines: str | None) -> list[tuple[str, str | None]]:
    found = rules(extraheader=list(lines)).extra_headers
    return [(name, None if value is None else value.reveal().decode()) for name, value in found]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], []),
        (["X-A: 1"], [("X-A", "1")]),
        (["X-A:1 ", "X-B:\t2"], [("X-A", "1"), ("X-B", "2")]),
        (["X-A: 1", "x-a: 2"], [("X-A", "1"), ("x-a", "2")]),
        (["X-A: 1", "", "X-B: 2"], [("X-B", "2")]),
        (["X-A: 1", ""], []),
        (["X-A: a:b; c"], [("X-A", "a:b; c")]),
        (["X-A;"], [("X-A", "")]),
        (["Accept:"], [("Accept", None)]),
        (["X-A: ü"], [("X-A", "ü")]),
    ],
)
def test_headers(lines: list[str | None], expected: list[tuple[str, str | None]]) -> None:
    assert headers(*lines) == expected


@pytest.mark.parametrize("line", [CANARY, f"X A: {CANARY}", f": {CANARY}", f"X: {CANARY}\nY: 1", f"X: {CANARY}\r"])
def test_what_is_no_header_is_refused_unseen(line: str) -> None:
    with pytest.raises(UsageError, match=r"http\.extraHeader") as caught:
        headers(line)
    assert CANARY not in f"{caught.value} {caught.value.hint} {caught.value.__cause__}"


def test_values_are_secret() -> None:
    assert CANARY not in repr(rules(extraheader=[f"Authorization: Bearer {CANARY}"]))


@pytest.mark.parametrize(
    ("line", "has"), [("authorization: Bearer x", True), ("Authorization:", False), ("X-Authorization: x", False)]
)
def test_who_brings_authorization(line: str, has: bool) -> None:
    assert rules(extraheader=[line]).has_authorization is has


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], "initial"),
        (["initial"], "initial"),
        (["true"], "true"),
        ([None], "true"),
        (["1"], "true"),
        (["false"], "false"),
        ([""], "false"),
        (["OFF"], "false"),
        (["false", "true"], "true"),
        (["true", "initial"], "initial"),
    ],
)
def test_redirects(values: list[str | None], expected: str) -> None:
    assert rules(followredirects=values).follow_redirects == expected


@pytest.mark.parametrize("value", ["Initial", "sometimes"])
def test_a_word_that_says_nothing_about_redirects(value: str) -> None:
    with pytest.raises(UsageError, match=rf"cannot use '{value}' of 'http\.followRedirects'"):
        rules(followredirects=[value])


@pytest.mark.parametrize(
    ("limit", "seconds", "environ", "expected"),
    [
        ("1000", "5", {}, (1000, 5)),
        ("1k", "5", {}, (1024, 5)),
        ("1000", None, {}, None),
        (None, "5", {}, None),
        ("0", "5", {}, None),
        ("1000", "-1", {}, None),
        (None, None, {"GIT_HTTP_LOW_SPEED_LIMIT": "7", "GIT_HTTP_LOW_SPEED_TIME": "8"}, (7, 8)),
        ("1000", "5", {"GIT_HTTP_LOW_SPEED_TIME": "8"}, (1000, 8)),
        ("1000", "5", {"GIT_HTTP_LOW_SPEED_TIME": "0"}, None),
    ],
)
def test_low_speed(
    limit: str | None, seconds: str | None, environ: dict[str, str], expected: tuple[int, int] | None
) -> None:
    given = {name: [value] for name, value in (("lowspeedlimit", limit), ("lowspeedtime", seconds)) if value}
    assert rules(environ, **given).low_speed == expected  # type: ignore[arg-type]


def test_a_speed_that_is_no_number() -> None:
    with pytest.raises(UsageError, match=r"cannot use 'fast' of 'http\.lowSpeedLimit'"):
        rules(lowspeedlimit=["fast"])
