"""Where each setting may come from and which place wins, for every row of the table, with real files and a real git."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from git_helper.core.command_settings import CommandSettings
from git_helper.core.given import of_environment, of_options
from git_helper.core.options import BY_NAME, TABLE, Option
from git_helper.errors import GitHelperError, StoreError, UsageError
from git_helper.system import project_file
from git_helper.system.environment import environment
from git_helper.wiring.commands import CommandHouse
from tests.commands import configure
from tests.support import needs

# Four values of each option, as words; those of choices and switches repeat.
PATHS = ("/p/0", "/p/1", "/p/2", "/p/3")
URLS = ("http://h.example/0", "http://h.example/1", "http://h.example/2", "http://h.example/3")
HOSTS = ("a.example", "b.example", "c.example", "d.example")
SWITCH = ("true", "false", "true", "false")
WORDS: Mapping[str, tuple[str, str, str, str]] = {
    "store": ("file", "none", "keyring", "file"),
    "keyring-provider": ("import", "subprocess", "disabled", "import"),
    "netrc-file": PATHS,
    "native-tls": SWITCH,
    "allow-insecure-host": HOSTS,
    "allow-http": HOSTS,
    "cert": PATHS,
    "client-cert": PATHS,
    "proxy": URLS,
    "timeout": ("1", "2", "3", "4"),
    "offline": SWITCH,
    "no-input": SWITCH,
    "quiet": SWITCH,
    "verbose": SWITCH,
    "trace": PATHS,
    "color": ("always", "never", "auto", "always"),
    "cache-dir": PATHS,
    "index-url": URLS,
    "extra-index-url": URLS,
    "find-links": PATHS,
    "no-index": SWITCH,
    "max-page-size": ("1024", "2048", "4096", "8192"),
}


@dataclass(frozen=True)
class Setter:
    """One place: `give` puts a word there; `kind` and `name` are what its provenance has to say."""

    kind: str
    name: str

    def give(self, option: Option, word: str, here: Path, options: dict[str, list[str]]) -> None:
        if self.kind == "option":
            options[option.name] = [word]
        elif self.kind == "environment":
            pytest.MonkeyPatch().setenv(self.name, word)
        elif self.kind == "project":
            with (here / "pyproject.toml").open("a") as file:
                key = next(key for key in (option.name, *option.uv) if self.name != "[tool.uv]" or key in option.uv)
                file.write(f"{self.name}\n{key} = {toml(option, word)}\n")
        else:
            configure((self.name, word))


def toml(option: Option, word: str) -> str:
    value = f'"{word}"' if option.kind.toml[0] is str else word
    return f"[{value}]" if option.many else value


def setters(option: Option) -> list[Setter]:
    """Every place that may have the option, in the order in which they count."""
    found = [Setter("option", f"--{option.name}")]
    found += [Setter("environment", variable.name) for variable in (option.variable, *option.variables)]
    if option.in_project:
        found.append(Setter("project", "[tool.git-helper]"))
        found += [Setter("project", "[tool.uv]")] if option.uv else []
    if option.in_git:
        found.append(Setter("git", f"gitHelper.{option.git_key}"))
    return found


PAIRS = [
    pytest.param(option, first, second, id=f"{first.name} {second.name}")
    for option in TABLE
    for first, second in zip(setters(option), setters(option)[1:], strict=False)
]


def unexpected(source: str, error: GitHelperError) -> None:
    raise AssertionError((source, error.message))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder; whatever a test puts into the environment goes with it."""
    needs("git")
    monkeypatch.chdir(tmp_path)
    for variable in {variable.name for option in TABLE for variable in (option.variable, *option.variables)}:
        monkeypatch.setenv(variable, "x")
        monkeypatch.delenv(variable)
    return tmp_path


def settings(options: Mapping[str, list[str]] | None = None) -> CommandSettings:
    given = CommandSettings(of_options(options or {}), of_environment(environment()))
    return CommandHouse(given, unexpected, "test").settings


def test_every_row_is_tried() -> None:
    assert set(WORDS) == set(BY_NAME)


@pytest.mark.parametrize(("option", "first", "second"), PAIRS)
def test_one_place_before_the_next(option: Option, first: Setter, second: Setter, here: Path) -> None:
    options: dict[str, list[str]] = {}
    one, other = WORDS[option.name][:2]
    second.give(option, other, here, options)
    alone = settings(options).effective(option.name)
    assert [(given.provenance.kind, given.provenance.name) for given in alone] == [(second.kind, second.name)]
    assert alone[0].value == option.kind.read(other, str)
    first.give(option, one, here, options)
    both = settings(options)
    expected = [option.kind.read(one, str), *([option.kind.read(other, str)] if option.adds else [])]
    assert [given.value for given in both.effective(option.name)] == expected
    assert (both.effective(option.name)[0].provenance.kind, both.effective(option.name)[0].provenance.name) == (
        first.kind,
        first.name,
    )
    assert both.value(option.name) == (tuple(expected) if option.many else expected[0])


@pytest.mark.parametrize("option", TABLE, ids=lambda option: option.name)
def test_nobody_said_anything(option: Option) -> None:
    assert settings().value(option.name) == (() if option.many else option.default)


def test_hosts_of_every_place_add_up(here: Path) -> None:
    options: dict[str, list[str]] = {}
    option = BY_NAME["allow-insecure-host"]
    places = setters(option)
    for number, setter in enumerate(places):
        setter.give(option, f"h{number}.example", here, options)
    found = [str(host) for host in settings(options).value("allow-insecure-host")]
    assert found == [f"h{number}.example" for number in range(len(places))]
    assert len(found) == 6


def test_where_it_stands_in_git(home: Path) -> None:
    subprocess.run(["git", "config", "--global", "gitHelper.netrc-file", "~/n"], check=True)
    (given,) = settings().effective("netrc-file")
    assert given.value == str(home / "n")
    assert str(given.provenance) == f"gitHelper.netrcFile in {home / '.gitconfig'}"


def test_git_matches_urls_by_its_own_rules() -> None:
    configure(
        ("gitHelper.timeout", "1"),
        ("gitHelper.https://good.example.timeout", "2"),
        ("gitHelper.https://good.example/team.timeout", "3"),
        ("gitHelper.https://*.example.timeout", "4"),
        ("gitHelper.https://good.example.allowHttp", "b.example"),
        ("gitHelper.allow-http", "a.example"),
    )
    ours = settings()
    urls = {
        "https://good.example/x": 2,
        "https://good.example/team/tool.git": 3,
        "https://good.example/teams": 2,
        "https://other.example/": 4,
        "http://good.example/": 1,
        "https://good.example:8443/": 1,
    }
    assert {url: ours.for_url(url).timeout for url in urls} == urls
    assert ours.timeout == 1
    assert ours.allow_http == (b"a.example",)
    of_url = ours.given("allow-http", "https://good.example/")
    assert [given.value for given in of_url] == [b"a.example", b"b.example"]


def test_git_says_the_same(here: Path) -> None:
    """`git config --get-urlmatch` is the judge."""
    patterns = ("https://good.example", "https://good.example/a", "https://bob@good.example", "https://*.example")
    configure(*((f"gitHelper.{pattern}.netrcfile", f"/{number}") for number, pattern in enumerate(patterns)))
    for url in (
        "https://good.example/a/b",
        "https://bob@good.example/",
        "https://x.example",
        "https://good.example/ab",
    ):
        words = ["git", "config", "--get-urlmatch", "gitHelper.netrcFile", url]
        judged = subprocess.run(words, capture_output=True, check=False).stdout.decode().strip()
        assert settings().for_url(url).netrc_file == (judged or None), url


def test_an_empty_value_takes_back_what_stood_before() -> None:
    configure(("gitHelper.allowHttp", "a"), ("gitHelper.allowHttp", ""), ("gitHelper.allowHttp", "b"))
    configure(
        ("gitHelper.timeout", "1"), ("gitHelper.timeout", ""), ("gitHelper.proxy", "http://p"), ("gitHelper.proxy", "")
    )
    assert settings().allow_http == (b"b",)
    assert settings().timeout is None
    assert settings().value("proxy") == ""


def test_a_bare_name_is_true(home: Path) -> None:
    (home / ".gitconfig").write_text("[gitHelper]\n\tnativeTls\n")
    assert settings().value("native-tls") is True


@pytest.mark.parametrize(
    ("key", "word", "said"),
    [
        ("gitHelper.nativeTls", "maybe", "boolish"),
        ("gitHelper.timeout", "soon", "positive number"),
        ("gitHelper.keyringProvider", "auto", "possible values"),
        ("gitHelper.allowInsecureHost", "a b", "host"),
    ],
)
def test_a_wrong_value_names_key_and_file(home: Path, key: str, word: str, said: str) -> None:
    configure((key, word))
    with pytest.raises(UsageError, match=said) as caught:
        settings().value("cert")  # whichever is asked for
    assert f"'{key}' in '{home / '.gitconfig'}'" in caught.value.message


def test_no_file_is_read_before_it_is_needed(here: Path, home: Path) -> None:
    (here / "pyproject.toml").write_text("[tool.git-helper]\nnonsense = 1\n")
    (home / ".gitconfig").write_text("[broken\n")
    ours = settings({"timeout": ["3"], "offline": ["true"]})
    assert (ours.timeout, ours.offline, ours.color, ours.verbose, ours.trace) == (3, True, "auto", False, None)
    with pytest.raises(UsageError, match="nonsense"):
        ours.value("cert")
    (here / "pyproject.toml").unlink()
    with pytest.raises(StoreError, match="configuration"):
        settings().value("cert")


@pytest.mark.parametrize("name", ["store", "cache-dir", "allow-http", "color", "trace", "quiet", "verbose"])
def test_what_no_project_decides(here: Path, name: str) -> None:
    option = BY_NAME[name]
    (here / "pyproject.toml").write_text(f"[tool.git-helper]\n\n{name} = {toml(option, WORDS[name][0])}\n")
    said = f"'{name}' of \\[tool.git-helper\\] in '{here}/pyproject.toml', line 3: no project decides that"
    with pytest.raises(UsageError, match=said) as caught:
        settings().value("cert")  # whichever is asked for
    assert caught.value.hint == f"use --{name} or {option.variable.name}"


def test_paths_of_a_project_start_at_its_file(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "pyproject.toml").write_text('[tool.git-helper]\ncert = "ca.pem"\nfind-links = ["x", "https://h/x"]\n')
    (here / "deep").mkdir()
    monkeypatch.chdir(here / "deep")
    assert settings().value("cert") == str(here / "ca.pem")
    assert settings().find_links == (str(here / "x"), "https://h/x")
    assert settings({"cert": ["ca.pem"]}).value("cert") == "ca.pem"


def test_a_folder_that_is_gone_has_no_project(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "gone").mkdir()
    monkeypatch.chdir(here / "gone")
    (here / "gone").rmdir()
    value: Any = settings({"cert": ["/x"]}).value("cert")
    assert value == "/x"
    assert project_file.nearest() is None
