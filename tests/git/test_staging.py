"""A destination is whole or absent, whatever ends the run; the next run works."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from git_helper.core.reference import Oid
from git_helper.errors import GitHelperError, Timeout, UsageError
from git_helper.git.staging import ending_signals, remove_tree, staged
from tests.git.downloads import Reports, download
from tests.git.packs import FILE, SYMLINK, commit_id, pack_of, snapshot, tree_of
from tests.support import ROOT

FILES = {b"file%03d" % number: (FILE, b"%d" % number * 1000) for number in range(200)} | {
    b"link": (SYMLINK, b"file000")
}
OBJECTS = tree_of(FILES)
DATA = pack_of(OBJECTS)
OID = Oid(commit_id(OBJECTS).hex())


class Given:
    """A repository that gives DATA in two parts and counts how often; `between` is called after the first part."""

    def __init__(self, between: Callable[[], object] = lambda: None) -> None:
        self.fetches = 0
        self._between = between

    def fetch(self, oid: Oid, feed: Callable[[bytes], None], depth: int | None = 1) -> None:
        self.fetches += 1
        feed(DATA[: len(DATA) // 2])
        self._between()
        feed(DATA[len(DATA) // 2 :])


def is_whole(folder: Path) -> bool:
    return {name: content for name, (_, _, content) in snapshot(folder).items()} == {
        name: content for name, (_, content) in FILES.items()
    }


@pytest.mark.parametrize("there", [False, True])
def test_it_appears_whole(tmp_path: Path, there: bool) -> None:
    if there:
        (tmp_path / "new").mkdir()
    seen: list[list[str]] = []
    download(Given(lambda: seen.append(sorted(os.listdir(tmp_path)))), OID, tmp_path / "new")
    assert is_whole(tmp_path / "new")
    assert os.listdir(tmp_path) == ["new"]
    ((lock, temporary, *others),) = seen
    assert (lock, temporary[:9], others) == (".new.lock", ".new.tmp-", ["new"] * there)


def test_parents_are_made_and_taken_away_again(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        download(Given(lambda: 1 // 0), OID, tmp_path / "a/b/c")
    assert os.listdir(tmp_path) == []
    (tmp_path / "a").mkdir()
    with pytest.raises(ZeroDivisionError):
        download(Given(lambda: 1 // 0), OID, tmp_path / "a/b/c")
    assert os.listdir(tmp_path) == ["a"]
    download(Given(), OID, tmp_path / "a/b/c")
    assert is_whole(tmp_path / "a/b/c")


def test_relative_names_and_long_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("plain", "ü" * 127, "n" * 255):
        download(Given(), OID, name)
        assert is_whole(tmp_path / name)
    assert len(os.listdir(tmp_path)) == 3


def test_what_is_there_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/mine").write_text("mine")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to("folder")
    repository = Given()
    before = snapshot(tmp_path)
    download(repository, OID, tmp_path / "folder")
    for name in ("file", "link", "file/below"):
        with pytest.raises(GitHelperError, match=f"cannot write '.*/{name}'") as caught:
            download(repository, OID, tmp_path / name)
        assert isinstance(caught.value, UsageError) == (name != "file/below")
    assert snapshot(tmp_path) == before
    assert repository.fetches == 0


def test_left_overs_of_killed_runs_are_removed_and_nothing_else(tmp_path: Path) -> None:
    stale = tmp_path / ".new.tmp-0123456789ab/tree"
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/keep").touch()
    others = [".new.tmp-x.tmp-0123456789ab", ".new.tmp-", ".new.tmp-0123456789abc", ".newer.tmp-0123456789ab"]
    for path in (stale, *(tmp_path / name for name in others)):
        path.mkdir(parents=True)
    (tmp_path / ".new.lock").touch()
    (stale / "outside").symlink_to(tmp_path / others[0])
    (tmp_path / ".new.tmp-aaaaaaaaaaaa").symlink_to("elsewhere")  # as somebody else may leave it in a folder for all
    (tmp_path / ".new.tmp-bbbbbbbbbbbb").touch()
    (tmp_path / others[0] / "keep").touch()
    download(Given(), OID, tmp_path / "new")
    others += ["elsewhere", ".new.tmp-aaaaaaaaaaaa", ".new.tmp-bbbbbbbbbbbb"]
    assert sorted(os.listdir(tmp_path)) == sorted(["new", *others])
    assert (tmp_path / others[0] / "keep").exists()
    assert (tmp_path / "elsewhere/keep").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give folders away")
def test_left_overs_of_others_are_theirs(tmp_path: Path) -> None:
    (tmp_path / ".new.tmp-0123456789ab").mkdir()
    os.chown(tmp_path / ".new.tmp-0123456789ab", 12345, -1)
    (tmp_path / ".new.lock").touch()
    download(Given(), OID, tmp_path / "new")
    assert sorted(os.listdir(tmp_path)) == [".new.tmp-0123456789ab", "new"]


def test_of_many_one_downloads(tmp_path: Path) -> None:
    repository = Given(lambda: time.sleep(0.05))
    found: list[bool] = []

    def one_of_many() -> None:
        download(repository, OID, tmp_path / "new")
        found.append(is_whole(tmp_path / "new"))

    threads = [threading.Thread(target=one_of_many) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert repository.fetches == 1
    assert found == [True] * 8
    assert os.listdir(tmp_path) == ["new"]


def test_waiting_for_the_lock_ends(tmp_path: Path) -> None:
    with (
        staged(str(tmp_path / "new")),
        pytest.raises(Timeout, match=r"another process has been at it for 0\.1 seconds"),
        staged(str(tmp_path / "new"), 0.1),
    ):
        """Two at once are one too many."""
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, OSError(28, "No space left on device")])
def test_whatever_ends_it_nothing_is_left(tmp_path: Path, error: BaseException) -> None:
    def fail() -> None:
        raise error

    with pytest.raises((KeyboardInterrupt, SystemExit, GitHelperError)) as caught:
        download(Given(fail), OID, tmp_path / "x/new")
    if isinstance(error, OSError):
        assert str(caught.value) == f"cannot write '{tmp_path}/x/new': no space left on device"
    assert os.listdir(tmp_path) == []


def test_progress_is_told_and_may_end_it(tmp_path: Path) -> None:
    told = Reports()
    download(Given(), OID, tmp_path / "new", told)
    assert told[0][0] < told[1][0] == len(DATA)
    assert told[1][1:] == (len(OBJECTS), len(OBJECTS))

    def stop() -> None:
        raise InterruptedError

    with pytest.raises(GitHelperError):
        download(Given(), OID, tmp_path / "other", Reports(stop))
    assert os.listdir(tmp_path) == ["new"]


def test_removing_does_not_follow_links(tmp_path: Path) -> None:
    (tmp_path / "keep/deep").mkdir(parents=True)
    (tmp_path / "keep/deep/file").touch()
    (tmp_path / "old/a/b").mkdir(parents=True)
    (tmp_path / "old/a/link").symlink_to(tmp_path / "keep")
    (tmp_path / "old/loop").symlink_to(".")
    remove_tree(str(tmp_path / "old"))
    remove_tree(str(tmp_path / "old"))
    assert sorted(snapshot(tmp_path)) == [b"keep", b"keep/deep", b"keep/deep/file"]


def test_signals_are_left_to_who_handles_them() -> None:
    def own(*_: object) -> None:
        """Does nothing."""

    before = signal.signal(signal.SIGTERM, own)
    try:
        with ending_signals():
            assert signal.getsignal(signal.SIGTERM) == own
            assert signal.getsignal(signal.SIGHUP) != signal.SIG_DFL
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before)


CHILD = """
import sys, time
from tests.git.test_staging import DATA, OID, Given
from git_helper.errors import GitHelperError
from git_helper.git.staging import ending_signals
from tests.git.downloads import URL, trees

def between():
    print("half", flush=True)
    if sys.argv[2] == "hold":
        time.sleep(60)

class Slow(Given):
    def fetch(self, oid, feed, depth=1):
        print("start", flush=True)
        for start in range(0, len(DATA), 97):
            feed(DATA[start : start + 97])

if sys.argv[2] == "small files":
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
try:
    with ending_signals():  # as tasks/download
        trees(Slow() if sys.argv[2] == "slow" else Given(between), sys.argv[3]).fetch(URL, OID, sys.argv[1])
except GitHelperError as error:
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    sys.exit(f"{error}")
"""


@contextlib.contextmanager
def child(destination: Path, what: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that downloads and has got so far as to say it."""
    with (
        tempfile.TemporaryDirectory() as cache,
        subprocess.Popen(
            [sys.executable, "-c", CHILD, destination, what, cache],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process,
    ):
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    with child(tmp_path / "x/new", "hold") as process:
        assert len(os.listdir(tmp_path / "x")) == 2
        process.send_signal(number)
        process.communicate(timeout=30)
    assert process.returncode in (128 + number, -number)
    assert os.listdir(tmp_path) == []


def test_a_kill_leaves_what_the_next_run_removes(tmp_path: Path) -> None:
    with child(tmp_path / "new", "hold") as process:
        process.kill()
        process.wait(30)
    assert len(os.listdir(tmp_path)) == 2
    assert not (tmp_path / "new").exists()
    download(Given(), OID, tmp_path / "new")
    assert os.listdir(tmp_path) == ["new"]


def test_kills_at_any_moment(tmp_path: Path) -> None:
    source = random.Random(2)
    for number in range(12):
        destination = tmp_path / f"new{number % 4}"
        with child(destination, "slow") as process:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(source.uniform(0, 0.1))
            process.kill()
            process.wait(30)
        assert not destination.exists() or is_whole(destination)
        if number % 3 == 2:
            download(Given(), OID, destination)
            assert is_whole(destination)
    for number in range(4):
        download(Given(), OID, tmp_path / f"new{number}")
    assert sorted(os.listdir(tmp_path)) == [f"new{number}" for number in range(4)]


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    with child(tmp_path / "new", "small files") as process:
        _, stderr = process.communicate(timeout=30)
    assert process.returncode == 1
    assert stderr.decode().strip() == f"cannot write '{tmp_path}/new': file too large"
    assert os.listdir(tmp_path) == []
