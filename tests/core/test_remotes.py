"""remote.<name>.*, found by URL."""

from __future__ import annotations

import pytest

from git_helper.core.remotes import remote_setting

ORIGIN = "https://good.example/team/r.git"


def found(url: str, *entries: tuple[str, str, str], current: str | None = None) -> tuple[str, str] | None:
    return remote_setting(entries, url, "proxy", current)


@pytest.mark.parametrize(
    ("url", "belongs"),
    [
        (ORIGIN, True),
        (ORIGIN + "/", True),
        (ORIGIN + "/info/refs", True),
        ("https://alice@GOOD.example/team/r.git", True),
        ("https://good.example/team/r", True),
        ("https://good.example/team/r/info/lfs", True),
        ("https://good.example/team/r2.git", False),
        ("https://good.example/team", False),
        ("http://good.example/team/r.git", False),
        ("https://good.example:8443/team/r.git", False),
        ("https://evil.example/team/r.git", False),
    ],
)
def test_who_belongs_to_a_remote(url: str, belongs: bool) -> None:
    expected = ("remote.origin.proxy", "p:1") if belongs else None
    assert found(url, ("origin", "url", ORIGIN), ("origin", "proxy", "p:1")) == expected


def test_the_last_value_and_the_longest_url_count() -> None:
    entries = [
        ("up", "url", "https://good.example"),
        ("up", "proxy", "up:1"),
        ("origin", "url", "https://evil.example/x"),
        ("origin", "url", ORIGIN),
        ("origin", "proxy", "old:1"),
        ("origin", "proxy", ""),
    ]
    assert found(ORIGIN, *entries) == ("remote.origin.proxy", "")
    assert found("https://good.example/other.git", *entries) == ("remote.up.proxy", "up:1")


def test_a_remote_without_a_url_counts_where_it_is_being_made() -> None:
    entry = ("origin", "proxy", "p:1")
    assert found(ORIGIN, entry) is None
    assert found(ORIGIN, entry, current="origin") == ("remote.origin.proxy", "p:1")
    assert found(ORIGIN, entry, ("up", "url", ORIGIN), current="origin") is None


@pytest.mark.parametrize("url", ["", "/srv/r.git", "git@good.example:team/r.git"])
def test_a_remote_that_is_no_url_is_nobodys(url: str) -> None:
    assert found(ORIGIN, ("origin", "url", url), ("origin", "proxy", "p:1")) is None
