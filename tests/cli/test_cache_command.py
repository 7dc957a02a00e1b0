"""`cache dir`, `cache prune` and `cache clean` through the real executable."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import demo_files, download, run
from tests.servers.git_http import GitHttpServer
from tests.servers.repositories import make_repository


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitHttpServer]:
    make_repository(tmp_path / "root/demo.git", 2, demo_files())
    make_repository(tmp_path / "root/other.git", 2, {"a": "a"})
    with GitHttpServer(tmp_path / "root") as running:
        yield running


def age(stored: Path, days: float) -> None:
    when = time.time() - days * 86400
    os.utime(stored, (when, when))


def commits(cache: Path) -> list[Path]:
    return sorted(cache.glob("git-v1/*/*"))


def test_dir(home: Path, tmp_path: Path) -> None:
    assert run("cache", "dir").stdout.decode() == f"{home}/.cache/git-helper\n"
    assert run("cache", "dir", "--cache-dir", "x", cwd=tmp_path).stdout.decode() == f"{tmp_path}/x\n"
    other = run("cache", "dir", env={"XDG_CACHE_HOME": str(tmp_path)})
    assert other.stdout.decode() == f"{tmp_path}/git-helper\n"


def test_prune_and_clean(server: GitHttpServer, home: Path, tmp_path: Path) -> None:
    cache = home / ".cache/git-helper"
    words = [f"git+{server.url}/{name}.git" for name in ("demo", "other")]
    assert run("cache", "prune").stderr.decode() == "✓ removed 0 commits and 0 files, 0.0 MB\n"
    download(*words, into=tmp_path / "out")
    first, second = commits(cache)
    age(first, 40)
    age(second, 20)
    assert run("cache", "prune", "--older-than", "50d").stderr.startswith("✓ removed 0 commits".encode())
    assert run("cache", "prune").stderr.startswith("✓ removed 1 commits".encode())
    assert commits(cache) == [second]
    # What is used again is young again.
    download(*words, into=tmp_path / "more")
    assert run("cache", "prune", "--older-than", "1h").stderr.startswith("✓ removed 0 commits".encode())
    assert len(commits(cache)) == 2
    done = run("cache", "clean", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert not (cache / "git-v1").exists()
    server.forget()
    download(*words, into=tmp_path / "again")
    assert len(server.requests) == 4


def test_another_folder(server: GitHttpServer, home: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    download("--cache-dir", mine, f"git+{server.url}/demo.git", into=tmp_path / "out")
    assert run("cache", "clean").stderr.startswith("✓ removed 0 commits".encode())
    assert len(commits(mine)) == 1
    (mine / "not ours").write_text("kept")
    assert run("cache", "clean", "--cache-dir", mine).stderr.startswith("✓ removed 1 commits".encode())
    assert os.listdir(mine) == ["not ours"]


@pytest.mark.parametrize("text", ["soon", "", "-1d"])
def test_an_age_that_is_none(text: str) -> None:
    done = run("cache", "prune", f"--older-than={text}")
    assert done.returncode == 2
    assert done.stderr.startswith(b"git-helper: error: ")
