"""`.git/config` as git reads it back, whatever names and URLs hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from git_helper.errors import UsageError
from git_helper.git.configuration import Configuration, submodule_section, write
from tests.servers.isolated import environment, git


@pytest.mark.parametrize(
    "name", [b"main", b"feature/x", b'a"b', b"a#b", b"a;b", b"a'b", "größe".encode(), b"a]b", b"a$b", b"caf\xe9"]
)
def test_git_reads_what_was_written(tmp_path: Path, home: Path, name: bytes) -> None:
    path = tmp_path / "config"
    config = Configuration(
        "https://good.example/a;b#c", refspec=b"+refs/heads/%b:refs/x/%b" % (name, name), branch=b"refs/heads/" + name
    )
    write(str(path), config.sections())
    write(str(path), [submodule_section(name + b"\\x", " https://good.example/y ", active=True)], append=True)
    said = git("config", "--file", path, "--list", "--null", env=environment(home)).stdout
    entries = dict(entry.split(b"\n", 1) for entry in said.split(b"\0") if entry)
    assert entries[b"remote.origin.url"] == b"https://good.example/a;b#c"
    assert entries[b"remote.origin.fetch"] == b"+refs/heads/%b:refs/x/%b" % (name, name)
    assert entries[b"branch.%b.merge" % name] == b"refs/heads/" + name
    assert entries[b"submodule.%b\\x.url" % name] == b" https://good.example/y "
    assert entries[b"submodule.%b\\x.active" % name] == b"true"


@pytest.mark.parametrize("text", ["a\nb", "a\rb", "a\x00b", "a\x1bb"])
def test_control_characters_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError):
        write(str(tmp_path / "one"), Configuration(text).sections())
    with pytest.raises(UsageError):
        write(str(tmp_path / "two"), [submodule_section(text.encode(), "https://good.example", active=False)])


def test_a_bare_one_has_no_upstream(tmp_path: Path) -> None:
    write(str(tmp_path / "config"), Configuration("https://good.example/x", True, branch=b"refs/heads/main").sections())
    assert b"branch" not in (tmp_path / "config").read_bytes()
