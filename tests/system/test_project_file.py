"""The nearest pyproject.toml: which file it is, what its two tables say, and how it says what is wrong, with the line."""

from __future__ import annotations

import time
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_helper.core.command_settings import CommandSettings
from git_helper.errors import UsageError
from git_helper.system import project_file
from git_helper.system.project_file import line_of
from tests.support import ROOT

HOME = "/home/alice"


def read(folder: Path, text: str) -> CommandSettings:
    path = folder / "pyproject.toml"
    path.write_text(text)
    layer = project_file.settings(str(path), HOME)
    return CommandSettings(project=lambda: layer)


def failure(folder: Path, text: str) -> str:
    with pytest.raises(UsageError) as caught:
        read(folder, text)
    assert caught.value.exit_code == 2
    return caught.value.message


def test_the_nearest_one_decides_whatever_is_in_it(tmp_path: Path) -> None:
    deep = tmp_path / "a/b"
    deep.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text("[tool.git-helper]\ntimeout = 1\n")
    assert project_file.find(str(deep)) == str(tmp_path / "pyproject.toml")
    (tmp_path / "a/pyproject.toml").write_text("")
    (deep / "pyproject.toml").mkdir()
    assert project_file.find(str(deep)) == str(tmp_path / "a/pyproject.toml")


def test_both_tables(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        """
[tool.uv]
native-tls = true
keyring-provider = "subprocess"
allow-insecure-host = ["a.example", { host = "b.example", port = 9443 }]
index-strategy = { nonsense = 1 }
[tool.git-helper]
keyring-provider = "import"
allow-insecure-host = ["c.example:8443"]
timeout = 2
offline = false
find-links = ["https://h.example/x", "wheels", "~/more"]
client-cert = "a.pem,/k.pem"
[[tool.git-helper.unused]]
""".replace("[[tool.git-helper.unused]]\n", ""),
    )
    assert settings.value("native-tls") is True
    assert settings.keyring_provider == "import", "our table comes before uv's"
    hosts = settings.value("allow-insecure-host")
    assert [str(host) for host in hosts] == ["c.example:8443", "a.example", "b.example:9443"]
    assert (settings.timeout, settings.offline) == (2.0, False)
    assert settings.find_links == ("https://h.example/x", str(tmp_path / "wheels"), f"{HOME}/more")
    assert settings.value("client-cert") == f"{tmp_path / 'a.pem'},/k.pem"
    (origin,) = {str(one.provenance) for one in settings.effective("find-links")}
    assert origin == f"{tmp_path / 'pyproject.toml'}:12 [tool.git-helper]"


def test_ins_030_a_table_of_host_and_port(tmp_path: Path) -> None:
    text = "[[tool.git-helper.allow-insecure-host]]\nhost = 'localhost'\nport = 9443\n"
    assert [str(host) for host in read(tmp_path, text).value("allow-insecure-host")] == ["localhost:9443"]


@pytest.mark.parametrize(
    ("line", "key", "reason"),
    [
        ('timeout = "3"', "timeout", "expected a number of seconds, not a string"),
        ("timeout = true", "timeout", "expected a number of seconds, not a boolean"),
        ("timeout = -1", "timeout", "'-1' is not a positive number"),
        ("native-tls = 1", "native-tls", "expected a boolean, not a number"),
        ('native-tls = "true"', "native-tls", "expected a boolean, not a string"),
        ("netrc-file = []", "netrc-file", "expected a path, not an array"),
        ('netrc-file = ""', "netrc-file", "it is empty"),
        ("cert = 1979-05-27", "cert", "expected a path, not a date or time"),
        ('allow-insecure-host = "h"', "allow-insecure-host", "expected an array"),
        ("allow-insecure-host = ['h', 2]", "allow-insecure-host", "a table of them, not a number"),
        ("allow-http = ['h']", "allow-http", "no project decides that"),
        ('allow-insecure-host = ["h:x"]', "allow-insecure-host", "port"),
        ("allow-insecure-host = [{host = 'h', prot = 1}]", "allow-insecure-host", "prot"),
        ('keyring-provider = "auto"', "keyring-provider", "possible values: disabled, subprocess, import"),
        ('store = "none"', "store", "no project decides that"),
        ("frobnicate = 1", "frobnicate", "unknown key"),
        ("native_tls = true", "native_tls", "unknown key"),
        ('"trusted-host" = ["h"]', "trusted-host", "unknown key"),
        ("sub.key = 1", "sub", "unknown key"),
        ('trace = "/tmp/x"', "trace", "no project decides that"),
        ("verbose = true", "verbose", "no project decides that"),
    ],
)
def test_what_is_wrong_names_file_line_and_key(tmp_path: Path, line: str, key: str, reason: str) -> None:
    said = failure(tmp_path, f'[project]\nname = "x"\n\n[tool.git-helper]\noffline = true\n{line}\n')
    path = tmp_path / "pyproject.toml"
    assert said.startswith(f"cannot use '{key}' of [tool.git-helper] in '{path}', line 6: "), said
    assert reason in said


@pytest.mark.parametrize(("key", "meant"), [("native_tls", "native-tls"), ("trusted-host", "allow-insecure-host")])
def test_a_key_that_is_nearly_right_gets_a_hint(tmp_path: Path, key: str, meant: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, f"[tool.git-helper]\n{key} = 1\n")
    assert caught.value.hint == f"use: {meant}"


@pytest.mark.parametrize("line", ["native-tls = 'yes'", "allow-insecure-host = 'h'", "keyring-provider = 'native'"])
def test_a_wrong_value_of_uvs_table_is_an_error_too(tmp_path: Path, line: str) -> None:
    said = failure(tmp_path, f"[tool.uv]\nx = 1\n{line}\n")
    assert "' of [tool.uv] in " in said
    assert ", line 3: " in said


def test_what_is_no_table(tmp_path: Path) -> None:
    assert ", line 2: expected a table" in failure(tmp_path, "[tool]\ngit-helper = 3\n")
    assert read(tmp_path, "tool = 3 # git-helper").timeout is None


def test_a_broken_file_matters_only_if_it_may_have_a_table_for_us(tmp_path: Path) -> None:
    for word in ("git-helper", "uv"):
        said = failure(tmp_path, f"[tool.{word}\n")
        assert said.startswith(f"cannot read '{tmp_path / 'pyproject.toml'}': ")
        assert "line 1" in said
    assert read(tmp_path, "[tool.black\n").timeout is None
    (tmp_path / "pyproject.toml").write_bytes(b"# git-helper \xff\n")
    with pytest.raises(UsageError, match="not UTF-8"):
        project_file.settings(str(tmp_path / "pyproject.toml"), HOME)


def test_the_message_of_a_wrong_value_holds_no_password(tmp_path: Path) -> None:
    said = failure(tmp_path, '[tool.git-helper]\nallow-http = ["https://alice:s3kret-word@h.example/"]\n')
    assert "s3kret-word" not in said


def test_the_line_of_a_key_however_it_is_written() -> None:
    text = '''# native-tls = 1
title = """
[tool.uv]
native-tls = 2
"""
[tool]
uv.native-tls = [
  # native-tls
  1,
]

[tool.uv.pip]
x = { native-tls = 3 }
'''
    assert line_of(text, ("tool", "uv", "native-tls")) == 7
    assert line_of(text, ("tool", "uv")) == 7
    assert line_of(text, ("tool",)) == 6
    assert line_of(text, ("tool", "uv", "pip", "x", "native-tls")) == 13
    assert line_of(text, ("tool", "git-helper")) is None
    assert line_of("[broken", ("tool",)) is None


def test_every_key_of_our_own_file_is_found_where_it_stands() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    lines = text.split("\n")
    ruff = tomllib.loads(text)["tool"]["ruff"]
    for key in (*ruff, *(("lint", name) for name in ruff["lint"])):
        path = ("tool", "ruff", *((key,) if isinstance(key, str) else key))
        line = line_of(text, path)
        assert line is not None
        assert path[-1] in lines[line - 1], path


@given(st.lists(st.sampled_from(["# c", "", 'a = """', '"""', "b = [", "]", "k = 1", "[t]", "[tool]", "k.x = 2"])))
def test_the_line_is_one_that_brings_the_key_in(lines: list[str]) -> None:
    text = "\n".join(lines)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        assert line_of(text, ("k",)) is None
        return
    line = line_of(text, ("k",))
    assert (line is not None) == ("k" in document)
    if line is not None:
        assert "k" not in tomllib.loads("\n".join(lines[: line - 1]))
        assert lines[line - 1].startswith("k")


@pytest.mark.parametrize("value", ["[" * 20_000 + "]" * 20_000, "1" * 5000])
def test_what_no_toml_reader_reads_is_no_bug(tmp_path: Path, value: str) -> None:
    assert "more levels or digits than can be read" in failure(tmp_path, f"[tool.uv]\nx = {value}\n")


def test_the_line_of_a_key_behind_a_long_array_is_found_at_once() -> None:
    text = "[project]\ndependencies = [\n" + '  "aaaa==1.0",\n' * 3000 + "]\n[tool.uv]\nnative-tls = true\n"
    start = time.process_time()
    assert line_of(text, ("tool", "uv", "native-tls")) == 3005
    escaped = '[tool.uv]\n"native\\u002dtls" = true\n'
    assert line_of(escaped, ("tool", "uv", "native-tls")) == 2
    assert time.process_time() - start < 3
