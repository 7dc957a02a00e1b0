"""`--offline`: no command says a word to any server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.commands import run
from tests.servers.recording import RecordingServer


@pytest.fixture
def server() -> Iterator[RecordingServer]:
    with RecordingServer() as running:
        yield running


@pytest.mark.parametrize(
    "words",
    [
        ("clone", "git+{}/team/tool.git", "tree"),
        ("download", "git+{}/team/tool.git"),
        ("download", "demo==1.0", "-i", "{}/simple/"),
        ("download", "demo @ {}/demo-1.0.tar.gz"),
        ("resolve", "git+{}/team/tool.git@main"),
        ("resolve", "-r", "{}/requirements.txt"),
        ("index", "{}/simple/"),
        ("login", "{}", "-u", "ada", "--with-token"),
    ],
    ids=" ".join,
)
def test_no_server_is_asked(server: RecordingServer, tmp_path: Path, words: Sequence[str]) -> None:
    done = run(*(word.format(server.url) for word in words), "--offline", stdin=b"t0ken", cwd=tmp_path)
    assert done.returncode == 5, done.stderr.decode()
    assert b"--offline" in done.stderr
    assert server.requests == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["clone", "download", "resolve"])
def test_nor_one_that_speaks_ssh(tmp_path: Path, command: str) -> None:
    # Nobody listens at port 1: a connection would be refused.
    done = run(command, "git+ssh://git@127.0.0.1:1/team/tool.git", "--offline", cwd=tmp_path)
    assert done.returncode == 5
    assert b"--offline" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_token_can_still_be_kept(server: RecordingServer) -> None:
    done = run("login", server.url, "-u", "ada", "--with-token", "--no-check", "--offline", stdin=b"t0ken")
    assert done.returncode == 0
    assert server.requests == []
