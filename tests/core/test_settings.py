"""Options before the environment, and what is no option."""

from __future__ import annotations

import pytest

from git_helper.core.settings import Settings, split_words
from git_helper.errors import UsageError


@pytest.mark.parametrize(
    ("words", "options", "rest"),
    [
        ([], {}, []),
        (["get"], {}, ["get"]),
        (["--store", "file", "get"], {"store": ["file"]}, ["get"]),
        (["--store=file", "get"], {"store": ["file"]}, ["get"]),
        (["--store=", "get"], {"store": [""]}, ["get"]),
        (["--store", "get"], {"store": ["get"]}, []),
        (
            ["--allow-http", "a", "--allow-http=b", "--non-interactive", "-v", "get"],
            {"allow-http": ["a", "b"], "no-input": ["1"], "verbose": ["1"]},
            ["get"],
        ),
        (["get", "--store", "file"], {}, ["get", "--store", "file"]),
    ],
)
def test_options_stand_before_the_operation(words: list[str], options: dict[str, list[str]], rest: list[str]) -> None:
    assert split_words(words) == (options, rest)


@pytest.mark.parametrize("words", [["--store"], ["--no-such", "get"], ["--no-input=1", "get"], ["-x", "get"]])
def test_what_is_no_option_is_refused(words: list[str]) -> None:
    with pytest.raises(UsageError, match="option"):
        split_words(words)


def test_an_option_comes_before_its_variable_and_the_last_one_counts() -> None:
    environ = {"GIT_HELPER_STORE": "none", "GIT_HELPER_TIMEOUT": "7", "GIT_HELPER_NETRC_FILE": "/n"}
    settings = Settings.merged({"store": ["keyring", "file"]}, environ)
    assert (settings.store, settings.timeout, settings.netrc_file) == ("file", 7.0, "/n")
    assert Settings.merged({}, {"GIT_HELPER_STORE": ""}).store is None


def test_hosts_for_plain_http_add_up() -> None:
    settings = Settings.merged({"allow-http": ["a.example"]}, {"GIT_HELPER_ALLOW_HTTP": "b.example, c.example\udcff"})
    assert settings.allow_http == (b"a.example", b"b.example", b"c.example\xff")


@pytest.mark.parametrize(("value", "off"), [("1", True), ("yes", True), ("0", False), ("FALSE", False), ("", False)])
def test_the_switch_of_the_environment(value: str, off: bool) -> None:
    assert Settings.merged({}, {"GIT_HELPER_NO_INPUT": value}).no_input is off


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STORE", "nowhere"),
        *(("TIMEOUT", value) for value in ("soon", "0", "-1", "nan", "inf", "1e99")),
        ("MAX_AGE", "0"),
    ],
)
def test_a_wrong_value_is_refused(name: str, value: str) -> None:
    with pytest.raises(UsageError, match=value):
        Settings.merged({}, {f"GIT_HELPER_{name}": value})
