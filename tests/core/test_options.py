"""The table of options: every row is whole, and words and variables are read as their kind says."""

from __future__ import annotations

from typing import Any

import pytest

from git_helper.core.command_settings import CommandSettings
from git_helper.core.given import of_environment, of_options
from git_helper.core.insecure_host import InsecureHost
from git_helper.core.options import BY_NAME, TABLE
from git_helper.errors import UsageError
from tests.core.cases import cases


def settings(options: dict[str, list[str]] | None = None, /, **environ: str) -> CommandSettings:
    return CommandSettings(of_options(options or {}), of_environment(environ))


def one_case(area: str, name: str) -> Any:
    (found,) = (row.values[0] for row in cases(area) if row.id == name)
    return found


def test_the_default_of_an_option_may_be_its_value() -> None:
    empty = CommandSettings()
    for option in TABLE:
        assert empty.value(option.name) == (() if option.many else option.default), option.name
        if option.default is not None:
            written = str(option.default)
            assert option.kind.read(written, lambda path: path) == option.default


def test_only_lists_add_up() -> None:
    assert {option.name for option in TABLE if option.adds} == {"allow-insecure-host", "allow-http"}
    assert all(option.many for option in TABLE if option.adds)


@pytest.mark.parametrize("name", ["native-tls", "offline", "no-input", "quiet", "verbose", "no-index"])
@pytest.mark.parametrize("on", [True, False])
def test_boolish_words(name: str, on: bool) -> None:
    words = ("1", "t", "true", "y", "yes", "on") if on else ("0", "f", "false", "n", "no", "off")
    for word in (*words, words[2].upper(), words[4].capitalize()):
        variable = BY_NAME[name].variable.name
        assert settings(**{variable: word}).value(name) is on
    with pytest.raises(UsageError, match=rf"'{variable}'.*boolish.*'maybe'"):
        settings(**{variable: "maybe"})


def test_tls_015_a_value_that_is_not_boolish() -> None:
    case = one_case("tls", "TLS-015")
    with pytest.raises(UsageError, match=case["expected"]["error"]) as caught:
        settings(**case["input"]["env"])
    assert caught.value.exit_code == case["expected"]["exit"]
    assert all(word in caught.value.message for word in ("UV_NATIVE_TLS", "'maybe'"))


def test_key_012_an_unknown_provider() -> None:
    case = one_case("keyring", "KEY-012")
    with pytest.raises(UsageError, match="invalid value 'auto'; possible values: disabled, subprocess") as caught:
        settings(**case["input"]["env"])
    assert caught.value.exit_code == case["expected"]["exit"]
    assert "UV_KEYRING_PROVIDER" in caught.value.message


def test_the_default_of_pip_says_nothing() -> None:
    assert settings(PIP_KEYRING_PROVIDER="auto").keyring_provider == "disabled"
    assert settings(PIP_KEYRING_PROVIDER="import").keyring_provider == "import"
    assert settings(PIP_KEYRING_PROVIDER="import", UV_KEYRING_PROVIDER="disabled").keyring_provider == "disabled"


def test_ins_028_variables_add_up() -> None:
    given = settings(
        {"allow-insecure-host": ["a.example"]},
        UV_INSECURE_HOST="other localhost",
        GIT_HELPER_ALLOW_INSECURE_HOST="b.example:1,c.example",
    )
    found = [str(host) for host in given.value("allow-insecure-host")]
    assert found == ["a.example", "b.example:1", "c.example", "other", "localhost"]


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("PIP_FIND_LINKS", "https://a.example/x /wheels", ("https://a.example/x", "/wheels")),
        ("UV_FIND_LINKS", "https://a.example/x, /my wheels", ("https://a.example/x", "/my wheels")),
        ("GIT_HELPER_FIND_LINKS", "\t/a  /b\n", ("/a", "/b")),
    ],
)
def test_lists_are_divided_as_their_owner_does(variable: str, value: str, expected: tuple[str, ...]) -> None:
    assert settings(**{variable: value}).find_links == expected


def test_what_is_no_list_of_hosts_replaces() -> None:
    given = settings({"find-links": ["/a"]}, GIT_HELPER_FIND_LINKS="/b", PIP_FIND_LINKS="/c")
    assert given.find_links == ("/a",)
    assert settings(GIT_HELPER_FIND_LINKS="/b", PIP_FIND_LINKS="/c").find_links == ("/b",)


def test_an_empty_variable_is_none_but_an_empty_proxy_is_no_proxy() -> None:
    names = {option.variable.name: "" for option in TABLE}
    given = settings(**names)
    assert {
        option.name for option in TABLE if given.effective(option.name) != CommandSettings().effective(option.name)
    } == {"proxy"}
    assert given.value("proxy") == ""
    assert settings({"proxy": [""]}, GIT_HELPER_PROXY="http://px.example").value("proxy") == ""


def test_the_last_of_several_options_counts() -> None:
    assert settings({"timeout": ["1", "2.5"]}).timeout == 2.5


@pytest.mark.parametrize(
    ("name", "word", "said"),
    [
        ("timeout", "soon", "'soon' is not a positive number"),
        ("timeout", "0", "'0' is not"),
        ("store", "vault", "unknown store 'vault'"),
        ("color", "red", "possible values: auto, always, never"),
        ("allow-http", "https://h", "expected a host without scheme, port or path"),
        ("allow-http", "h:80", "expected a host"),
        ("allow-http", "h:8080", "expected a host"),
        ("allow-http", "[::1]:80", "expected a host"),
        ("allow-insecure-host", "localhost:abc", "port"),
        ("cert", "", "it is empty"),
        ("cert", "a\0b", "NUL"),
        ("index-url", "", "it is empty"),
    ],
)
def test_a_wrong_word_names_its_option(name: str, word: str, said: str) -> None:
    with pytest.raises(UsageError, match=f"^cannot use '--{name}': .*{said}") as caught:
        settings({name: [word]})
    assert caught.value.exit_code == 2


def test_the_message_of_a_wrong_word_holds_no_password() -> None:
    for name in ("timeout", "allow-http", "keyring-provider", "native-tls", "store", "allow-insecure-host"):
        with pytest.raises(UsageError) as caught:
            settings({name: ["https://alice:s3kret-word@h.example/x"]})
        assert "s3kret-word" not in caught.value.message + (caught.value.hint or "")


def test_hosts() -> None:
    given = settings({"allow-http": ["Good.Example", "[::1]"]})
    assert given.allow_http == (b"good.example", b"[::1]")
    assert settings({"allow-insecure-host": ["*"]}).value("allow-insecure-host") == (InsecureHost("*"),)


def test_secrets_are_masked_where_values_are_shown() -> None:
    shown = BY_NAME["proxy"].kind.show("http://alice:s3kret@px.example:3128")
    assert shown == "http://alice:****@px.example:3128"
    assert BY_NAME["proxy"].kind.show("alice:s3kret@px.example:3128") == "alice:****@px.example:3128"
    for name in ("index-url", "extra-index-url", "find-links"):
        assert "s3kret" not in str(BY_NAME[name].kind.show("https://alice:s3kret@h.example/simple/"))
