"""Objects of Git LFS that were still coming when their run was killed: gone with the next run and with `cache prune`."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from git_helper.core.giturl import GitUrl
from git_helper.git.lfs_objects import arriving, sweep
from git_helper.git.object_cache import ObjectCache

# Says that it is writing, and goes on until it is ended.
WRITER = """
import sys, time
from git_helper.git.lfs_objects import arriving
with arriving(sys.argv[1]) as file:
    file.write(b"half")
    file.flush()
    print("writing", flush=True)
    time.sleep(60)
"""


def start(path: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    assert process.stdout.readline() == b"writing\n"
    return process


def left(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file()]


def test_it_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    with arriving(str(tmp_path / "aa/bb/x")) as file:
        file.write(b"whole")
        assert not (tmp_path / "aa/bb/x").exists()
    assert left(tmp_path) == ["x"]
    assert (tmp_path / "aa/bb/x").read_bytes() == b"whole"
    with pytest.raises(OSError, match="disk"), arriving(str(tmp_path / "aa/bb/y")) as file:
        raise OSError("disk full")
    assert left(tmp_path) == ["x"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=lambda number: number.name)
def test_what_a_run_left_is_swept_and_what_another_one_writes_is_not(tmp_path: Path, number: signal.Signals) -> None:
    with start(tmp_path / "aa/bb/x") as going, start(tmp_path / "aa/bb/y") as ended:
        try:
            assert len(left(tmp_path)) == 2
            ended.send_signal(number)
            ended.wait(20)
            assert len(left(tmp_path)) == (2 if number == signal.SIGKILL else 1)
            sweep(str(tmp_path))
            (name,) = left(tmp_path)
            assert name.startswith(".new-")
            assert going.poll() is None
        finally:
            going.kill()
    sweep(str(tmp_path))
    assert left(tmp_path) == []


def test_cache_prune_removes_it_where_the_commit_stays(tmp_path: Path) -> None:
    cache = ObjectCache(str(tmp_path / "cache"))
    folder = Path(cache.make_lfs_folder(GitUrl.parse("git+https://good.example/x.git")))
    (folder / "aa/bb").mkdir(parents=True)
    (folder / "aa/bb/.new-0123456789abcdef").write_bytes(b"half")
    (folder / "aa/bb/whole").write_bytes(b"whole")
    (folder.parent / ("1" * 40 + ".tree")).write_bytes(b"tree")
    cache.prune(3600)
    assert sorted(left(folder.parent)) == ["1" * 40 + ".tree", "whole"]
