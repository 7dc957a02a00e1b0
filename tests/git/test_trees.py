"""A tree where it is wanted, by way of the cache: one fetch for everybody, and nothing half."""

from __future__ import annotations

import random
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from git_helper.core.giturl import GitUrl
from git_helper.core.reference import Oid
from git_helper.errors import GitHelperError, Unreachable
from git_helper.git.object_cache import ObjectCache
from git_helper.git.staging import staged
from git_helper.git.trees import Trees
from tests.git import downloads
from tests.git.downloads import URL
from tests.git.packs import checked_out, packed, snapshot
from tests.servers.repositories import make_repository


class Served:
    """A repository without a server: gives the pack that git made, or raises; counts."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.step = 100
        self.fetched = 0
        self.error: GitHelperError | None = None
        self.between: Callable[[], object] = lambda: None
        self.reports = downloads.Reports()

    def fetch(self, oid: Oid, feed: Callable[[bytes], None], depth: int | None = 1) -> None:
        self.fetched += 1
        for start in range(0, len(self.data), self.step):
            feed(self.data[start : start + self.step])
            if self.error is not None:
                raise self.error
            self.between()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "demo.git", 2)


@pytest.fixture
def served(repository: Path) -> Iterator[tuple[Served, Oid]]:
    data, oid = packed(repository, "main")
    yield Served(data), Oid(oid.hex())


def trees(served: Served, tmp_path: Path, *, offline: bool = False) -> Trees:
    return downloads.trees(served, tmp_path / "cache", served.reports, offline=offline)


def test_first_from_the_server_then_from_the_cache(
    served: tuple[Served, Oid], repository: Path, tmp_path: Path
) -> None:
    one, commit = served
    for name in ("first", "second/deep"):
        trees(one, tmp_path).fetch(URL, commit, str(tmp_path / name))
        assert snapshot(tmp_path / name) == checked_out(repository, "main", tmp_path / "git" / name)
    trees(one, tmp_path, offline=True).fetch(URL, commit, str(tmp_path / "third"))
    assert snapshot(tmp_path / "third") == snapshot(tmp_path / "first")
    assert one.fetched == 1
    size, done, count = one.reports[-1]
    assert (len(one.data) - 20 <= size <= len(one.data), done) == (True, count)  # its checksum may be still to come


def test_what_is_there_is_taken_as_it_is(served: tuple[Served, Oid], tmp_path: Path) -> None:
    one, commit = served
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine").write_text("mine")
    trees(one, tmp_path).fetch(URL, commit, str(tmp_path / "out"))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]
    assert one.fetched == 0


def test_a_failure_leaves_nothing_and_the_next_run_works(served: tuple[Served, Oid], tmp_path: Path) -> None:
    one, commit = served
    one.error = Unreachable("cut")
    with pytest.raises(Unreachable):
        trees(one, tmp_path).fetch(URL, commit, str(tmp_path / "new/out"))
    assert not (tmp_path / "new").exists()
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []
    one.error = None
    trees(one, tmp_path).fetch(URL, commit, str(tmp_path / "new/out"))
    assert (tmp_path / "new/out/README.md").is_file()


def test_offline_and_not_in_the_cache(served: tuple[Served, Oid], tmp_path: Path) -> None:
    one, commit = served
    with pytest.raises(Unreachable, match="--offline"):
        trees(one, tmp_path, offline=True).fetch(URL, commit, str(tmp_path / "out"))
    assert one.fetched == 0
    assert not (tmp_path / "out").exists()


def test_threads_that_want_the_same_fetch_it_once(served: tuple[Served, Oid], tmp_path: Path) -> None:
    one, commit = served
    together = trees(one, tmp_path)
    failures: list[Exception] = []

    def fetch(number: int) -> None:
        try:
            together.fetch(URL, commit, str(tmp_path / f"out{number % 3}"))
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=fetch, args=(number,)) for number in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    assert one.fetched == 1
    assert snapshot(tmp_path / "out0") == snapshot(tmp_path / "out1") == snapshot(tmp_path / "out2")


def test_the_cache_is_cleaned_meanwhile(served: tuple[Served, Oid], tmp_path: Path) -> None:
    one, commit = served
    cache = ObjectCache(str(tmp_path / "cache"))
    one.between = lambda: cleaned.append(cache.clean())
    cleaned: list[object] = []
    trees(one, tmp_path).fetch(URL, commit, str(tmp_path / "out"))
    assert (tmp_path / "out/README.md").is_file()
    assert cleaned
    assert one.fetched == 1
    assert cache.has(URL, commit)


def test_the_cache_is_cleaned_while_others_fetch(served: tuple[Served, Oid], tmp_path: Path) -> None:
    one, commit = served
    cache = ObjectCache(str(tmp_path / "cache"))
    ended = threading.Event()

    def clean() -> None:
        while not ended.is_set():
            cache.clean()

    cleaner = threading.Thread(target=clean)
    cleaner.start()
    try:
        for number in range(60):
            trees(one, tmp_path).fetch(URL, commit, str(tmp_path / f"out{number}"))
    finally:
        ended.set()
        cleaner.join(30)
    for number in range(60):
        assert snapshot(tmp_path / f"out{number}") == snapshot(tmp_path / "out0")


@pytest.mark.parametrize("place", [0, 10, -40, -3])
def test_a_damaged_cache_is_filled_again(served: tuple[Served, Oid], tmp_path: Path, place: int) -> None:
    one, commit = served
    trees(one, tmp_path).fetch(URL, commit, str(tmp_path / "first"))
    stored = Path(ObjectCache(str(tmp_path / "cache")).place(URL, commit))
    content = bytearray(stored.read_bytes())
    content[place] ^= 1
    for damaged in (bytes(content), bytes(content[:place]), b"", bytes(len(content))):
        stored.write_bytes(damaged)
        one.fetched = 0
        trees(one, tmp_path).fetch(URL, commit, str(tmp_path / "out"))
        assert one.fetched == 1
        assert snapshot(tmp_path / "out") == snapshot(tmp_path / "first")
        shutil.rmtree(tmp_path / "out")
    stored.write_bytes(bytes(content))
    with pytest.raises(Unreachable, match="--offline"):
        trees(one, tmp_path, offline=True).fetch(URL, commit, str(tmp_path / "out"))


def test_a_big_damaged_tree_is_fetched_again(tmp_path: Path) -> None:
    """It is checked while it is written: what was written goes."""
    data, oid = packed(
        make_repository(tmp_path / "big.git", 2, {"a/noise": random.Random(1).randbytes(3 << 20)}), "main"
    )
    one, commit = Served(data), Oid(oid.hex())
    one.step = 1 << 16
    trees(one, tmp_path).fetch(URL, commit, str(tmp_path / "first"))
    stored = Path(ObjectCache(str(tmp_path / "cache")).place(URL, commit))
    content = bytearray(stored.read_bytes())
    content[2 << 20] ^= 1
    stored.write_bytes(content)
    assert not trees(one, tmp_path).fetch_kept(URL, commit, str(tmp_path / "out"))
    assert not stored.exists()
    stored.write_bytes(content)
    trees(one, tmp_path).fetch(URL, commit, str(tmp_path / "out"))
    assert one.fetched == 2
    assert snapshot(tmp_path / "out") == snapshot(tmp_path / "first")
    assert trees(one, tmp_path, offline=True).fetch_kept(URL, commit, str(tmp_path / "third"))
    assert snapshot(tmp_path / "third") == snapshot(tmp_path / "first")


def test_what_the_cache_has_and_nobody_writes(served: tuple[Served, Oid], tmp_path: Path) -> None:
    one, commit = served
    kept = trees(one, tmp_path).fetch_kept
    assert not kept(URL, commit, str(tmp_path / "new/out"))
    assert not (tmp_path / "new").exists()
    trees(one, tmp_path).fetch(URL, commit, str(tmp_path / "first"))
    with staged(str(tmp_path / "second")):
        assert not kept(URL, commit, str(tmp_path / "second"))
    assert kept(URL, commit, str(tmp_path / "second"))
    assert snapshot(tmp_path / "second") == snapshot(tmp_path / "first")
    assert kept(URL, commit, str(tmp_path / "second"))
    assert one.fetched == 1
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_nobody_who_edits_the_tree_edits_the_cache(served: tuple[Served, Oid], tmp_path: Path) -> None:
    one, commit = served
    for name in ("first", "second"):
        trees(one, tmp_path).fetch(URL, commit, str(tmp_path / name))
        before = snapshot(tmp_path / name)
        for path in (tmp_path / name).rglob("*"):
            if path.is_file() and not path.is_symlink():
                assert path.stat().st_nlink == 1
                path.write_bytes(b"edited")
    trees(one, tmp_path).fetch(URL, commit, str(tmp_path / "third"))
    assert snapshot(tmp_path / "third") == before
    assert one.fetched == 1


def test_the_cache_is_for_its_owner_and_knows_no_url(served: tuple[Served, Oid], tmp_path: Path) -> None:
    one, commit = served
    url = GitUrl.parse("git+https://somebody:hidden@good.example/demo.git")
    trees(one, tmp_path).fetch(url, commit, str(tmp_path / "out"))
    (stored,) = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert stored.stat().st_mode & 0o777 == 0o600
    assert not [word for word in (b"hidden", b"somebody", b"good.example") if word in stored.read_bytes()]
