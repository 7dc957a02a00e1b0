"""git's configuration, read and changed through the real git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from git_helper.core.credential import Description
from git_helper.core.git_values import boolean
from git_helper.errors import NotFound, StoreError, UsageError
from git_helper.system import executables
from git_helper.system.config_file import ConfigFile, exactly, rewrite
from git_helper.system.git_config import Entry, GitConfig, Unreadable
from tests.support import needs

EXAMPLE = Description(b"https", b"good.example")


@pytest.fixture(autouse=True)
def git(monkeypatch: pytest.MonkeyPatch, home: Path) -> str:
    monkeypatch.chdir(home)
    return needs("git")


def write(home: Path, text: str) -> Path:
    path = home / ".gitconfig"
    path.write_text(text)
    return path


def helpers(wanted: Description = EXAMPLE) -> list[str | None]:
    return [entry.value for entry in GitConfig.read(os.environ).helpers_for(wanted)]


def test_entries_carry_scope_origin_and_order(home: Path, git: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(
        home, '[credential]\n\thelper = a\n\tbare\n[credential "https://Good.example/x.y"]\n\tuserName = "b\\nc"\n'
    )
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", "'credential.helper'='c'")
    assert GitConfig.read(os.environ).entries == (
        Entry("global", f"file:{path}", "credential", None, "helper", "a"),
        Entry("global", f"file:{path}", "credential", None, "bare", None),
        Entry("global", f"file:{path}", "credential", "https://Good.example/x.y", "username", "b\nc"),
        Entry("command", "command line:", "credential", None, "helper", "c"),
    )
    entry = GitConfig.read(os.environ).entries[2]
    assert (entry.key, entry.file) == ("credential.https://Good.example/x.y.username", str(path))


def test_generic_and_scoped_helpers_interleave_in_file_order(home: Path) -> None:
    write(
        home,
        '[credential "https://good.example"]\n helper = one\n[credential]\n helper = two\n'
        '[credential "good.example"]\n helper = three\n[credential "https://evil.example"]\n helper = no\n',
    )
    assert helpers() == ["one", "two", "three"]


def test_an_empty_value_forgets_the_helpers_before_it(home: Path) -> None:
    write(home, '[credential]\n helper = one\n[credential "https://good.example"]\n helper =\n helper = two\n')
    assert helpers() == ["two"]
    assert helpers(Description(b"https", b"evil.example")) == ["one"]


def test_a_reset_for_another_host_resets_nothing(home: Path) -> None:
    write(home, '[credential]\n helper = one\n[credential "https://evil.example"]\n helper =\n')
    assert helpers() == ["one"]


def test_the_last_user_name_in_file_order_wins(home: Path) -> None:
    write(home, '[credential "https://good.example"]\n username = scoped\n[credential]\n username = generic\n')
    config = GitConfig.read(os.environ)
    assert config.credential_settings(EXAMPLE).username == b"generic"
    assert GitConfig().credential_settings(EXAMPLE).username is None


def test_a_configured_user_counts_for_partial_patterns_only(home: Path) -> None:
    write(
        home,
        "[credential]\n username = bob\n"
        '[credential "bob@good.example"]\n helper = partial\n[credential "https://bob@good.example"]\n helper = full\n',
    )
    assert helpers() == ["partial"]
    shown = subprocess.run(
        [needs("git"), "credential", "fill"],
        input=b"protocol=https\nhost=good.example\n",
        env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
        capture_output=True,
        check=False,
        timeout=60,
    ).stderr
    assert b"credential-partial" in shown
    assert b"credential-full" not in shown


def test_use_http_path_is_one_of_gits_booleans(home: Path) -> None:
    write(home, '[credential]\n useHttpPath = on\n[credential "https://good.example"]\n useHttpPath = 0\n')
    config = GitConfig.read(os.environ)
    assert not config.credential_settings(EXAMPLE).use_http_path
    assert config.credential_settings(Description(b"https", b"evil.example")).use_http_path


@pytest.mark.parametrize(
    "value", ["true", "YES", "on", "1", "-1", "2k", "", "no", "Off", "false", "0", "0k", None, "x", "1z"]
)
def test_booleans_are_read_as_git_does(home: Path, git: str, value: str | None) -> None:
    write(home, "[a]\n b\n" if value is None else f'[a]\n b = "{value}"\n')
    done = subprocess.run([git, "config", "--type=bool", "a.b"], capture_output=True, check=False, timeout=60)
    expected = {b"true\n": True, b"false\n": False}.get(done.stdout)
    assert boolean(value) is expected


def test_setting_gives_the_last_value(home: Path) -> None:
    write(
        home, '[gitHelper]\n store = file\n store = vault\n bare\n[gitHelper "https://good.example"]\n store = none\n'
    )
    config = GitConfig.read(os.environ)
    assert config.setting("gitHelper.Store") == "vault"
    assert config.setting("githelper.bare") == "true"
    assert config.setting("githelper.nothing") is None


def test_for_url_prefers_the_specific_whatever_the_order(home: Path, git: str) -> None:
    url = "https://good.example:9243/o/r.git"
    write(home, '[http "https://good.example:9243"]\n sslVerify = true\n[http]\n sslVerify = false\n')
    values = [entry.value for entry in GitConfig.read(os.environ).for_url("http", "sslVerify", url)]
    best = subprocess.run([git, "config", "--get-urlmatch", "http.sslVerify", url], capture_output=True, check=True)
    assert values == ["true"] == [best.stdout.decode().strip()]


def test_for_url_keeps_what_adds_up(home: Path) -> None:
    write(home, '[http]\n extraHeader = A\n[http "https://good.example"]\n extraHeader = B\n[http]\n extraHeader = C\n')
    found = GitConfig.read(os.environ).for_url("http", "extraheader", "https://good.example/r.git")
    assert [entry.value for entry in found] == ["A", "B"]


def test_a_value_that_is_not_utf8_survives(home: Path) -> None:
    (home / ".gitconfig").write_bytes(b"[credential]\n helper = /opt/\xe9\n username = \xe9\n")
    config = GitConfig.read(os.environ)
    assert os.fsencode(config.helpers_for(EXAMPLE)[0].value or "") == b"/opt/\xe9"
    assert config.credential_settings(EXAMPLE).username == b"\xe9"


def test_without_git_there_is_no_configuration(home: Path) -> None:
    write(home, "[credential]\n helper = a\n")
    environ = {**os.environ, "PATH": "relative::" + str(home)}
    assert GitConfig.read(environ).entries == ()
    with pytest.raises(NotFound, match="no 'git' on PATH"):
        ConfigFile(["--global"], environ)


def test_broken_configuration_is_said_with_file_and_line(home: Path) -> None:
    path = write(home, "[user]\n name = x\n[credential\n helper = a\n")
    with pytest.raises(Unreadable, match="line 3 is not written as git wants it") as caught:
        GitConfig.read(os.environ)
    assert f"'{path}'" in caught.value.message
    assert "mend line 3 in an editor" in str(caught.value.hint)
    assert caught.value.exit_code == 2


def test_other_complaints_of_git_are_passed_on(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "many")
    with pytest.raises(Unreadable, match="cannot read git's configuration: unable to parse command-line config"):
        GitConfig.read(os.environ)


def test_the_legacy_variable_of_git_config_is_not_obeyed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "other").write_text("[credential]\n helper = wrong\n")
    write(home, "[credential]\n helper = right\n")
    monkeypatch.setenv("GIT_CONFIG", str(home / "other"))
    assert helpers() == ["right"]


def test_git_is_never_taken_from_the_current_folder(home: Path, git: str) -> None:
    planted = home / "git"
    planted.write_text("#!/bin/sh\ntouch planted-git-ran\n")
    planted.chmod(0o755)
    environ = {**os.environ, "PATH": f"{os.pathsep}.{os.pathsep}{os.path.dirname(git)}"}
    assert executables.git(environ) == git
    GitConfig.read(environ)
    assert not (home / "planted-git-ran").exists()


def test_the_git_that_started_us_is_preferred(home: Path, git: str) -> None:
    folder = home / "exec"
    folder.mkdir()
    (folder / "git").symlink_to(git)
    assert executables.git({**os.environ, "GIT_EXEC_PATH": str(folder)}) == str(folder / "git")
    assert executables.git({**os.environ, "GIT_EXEC_PATH": "exec"}) == git
    assert executables.git({**os.environ, "GIT_EXEC_PATH": str(home / "none")}) == git


@pytest.mark.parametrize("value", ["a", "a.b*c", "!f() { echo [x] | cat; }; f", "^$", "\\d+\\", "{2}", "", "é ü"])
def test_exactly_matches_this_value_only(home: Path, value: str) -> None:
    path = write(home, "[user]\n name = Test\n")
    file = ConfigFile(["--file", str(path)], os.environ)
    for item in ("first", value, value + "z", "x" + value):
        file.add("a.b", item)
    file.replace("a.b", value, "new")
    assert file.values("a.b") == ["first", "new", value + "z", "x" + value]
    file.unset("a.b", "x" + value)
    assert file.values("A.B") == ["first", "new", value + "z"]
    assert exactly("a.b") == "^a\\.b$"


@pytest.mark.parametrize(
    ("key", "value"), [("a.b", "x\n[core]"), ("a.https://x\n[core].b", "x"), ("a.b", "x\r"), ("a.b", "\x1b")]
)
def test_control_characters_are_not_written(home: Path, key: str, value: str) -> None:
    path = write(home, "")
    with pytest.raises(UsageError, match="control characters"):
        ConfigFile(["--file", str(path)], os.environ).add(key, value)
    assert path.read_text() == ""


def test_rewrite_keeps_mode_and_link_and_takes_gits_lock(home: Path) -> None:
    real = home / "dotfiles"
    real.write_text("# mine\n[a]\n b = 1\n")
    real.chmod(0o640)
    (home / ".gitconfig").symlink_to(real)
    seen = []

    def change(file: ConfigFile) -> None:
        seen.append((home / "dotfiles.lock").exists())
        file.add("a.b", "2")

    before, after = rewrite(str(home / ".gitconfig"), os.environ, change, keep=True)
    assert ([entry.value for entry in before], [entry.value for entry in after]) == (["1"], ["1", "2"])
    assert seen == [True]
    assert (home / ".gitconfig").is_symlink()
    assert real.read_text().startswith("# mine\n")
    assert real.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in home.iterdir() if path.name.startswith("dotfiles")) == ["dotfiles"]


def test_rewrite_that_fails_leaves_the_file_and_no_lock(home: Path) -> None:
    path = write(home, "[a]\n b = 1\n")

    def change(file: ConfigFile) -> None:
        file.add("a.b", "2")
        file.add("a.b", "\n")

    with pytest.raises(UsageError):
        rewrite(str(path), os.environ, change, keep=True)
    assert path.read_text() == "[a]\n b = 1\n"
    assert not (home / ".gitconfig.lock").exists()


def test_a_lock_of_git_is_respected(home: Path) -> None:
    path = write(home, "[a]\n b = 1\n")
    (home / ".gitconfig.lock").touch()
    with pytest.raises(StoreError, match="cannot lock"):
        rewrite(str(path), os.environ, lambda file: file.add("a.b", "2"), keep=True)
    assert path.read_text() == "[a]\n b = 1\n"
    assert (home / ".gitconfig.lock").exists()
