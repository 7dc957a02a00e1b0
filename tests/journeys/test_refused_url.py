"""A password in a URL that the server refuses: git has every helper erase it, and some lose another one by that; ours not."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import run
from tests.servers.git_http import GitHttpServer, Realm
from tests.servers.repositories import make_repository
from tests.support import needs

RECORDER = """#!/bin/sh
{ echo "[$1]"; cat; } >> "$0.log"
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitHttpServer]:
    """u's private repository demo.git."""
    make_repository(tmp_path / "root/demo.git")
    with GitHttpServer(tmp_path / "root", realms=[Realm("/", [("u", "right")])]) as running:
        yield running


@pytest.fixture
def log(home: Path) -> Path:
    """What a helper of git is told."""
    helper = home / "recorder"
    helper.write_text(RECORDER)
    helper.chmod(0o700)
    (home / ".gitconfig").write_text(f"[credential]\nhelper = {helper}\nhelper = store\n")
    return home / "recorder.log"


def ls_remote(url: str) -> int:
    words = [needs("git"), "ls-remote", url]
    env = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    return subprocess.run(words, env=env, capture_output=True, timeout=60, check=False).returncode


def test_git_tells_all_helpers_of_it(server: GitHttpServer, log: Path) -> None:
    assert ls_remote(f"http://u:bad@127.0.0.1:{server.port}/demo.git") != 0
    assert f"[erase]\nprotocol=http\nhost=127.0.0.1:{server.port}\nusername=u\npassword=bad\n" in log.read_text()


def test_ours_tells_none_and_what_they_keep_stays(server: GitHttpServer, log: Path, home: Path) -> None:
    kept = f"http://u:right@127.0.0.1%3a{server.port}\n"
    (home / ".git-credentials").write_text(kept)
    done = run("resolve", f"demo @ git+http://u:bad@127.0.0.1:{server.port}/demo.git@main")
    assert done.returncode == 4, done.stderr.decode()
    assert not log.exists()
    assert (home / ".git-credentials").read_text() == kept
    assert run("resolve", f"demo @ git+http://u@127.0.0.1:{server.port}/demo.git@main").returncode == 0
