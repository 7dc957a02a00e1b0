"""Where trees are kept: by repository and commit, for their owner only, as long as they are used."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest

from git_helper.core.giturl import GitUrl
from git_helper.core.reference import Oid
from git_helper.errors import StoreError
from git_helper.git.object_cache import Freed, ObjectCache
from git_helper.git.tree_entries import FILE
from git_helper.git.tree_rest import Rest

ONE, TWO = Oid("1" * 40), Oid("2" * 40)
URL = GitUrl.parse("git+https://me:secret@good.example/team/demo.git@main#subdirectory=x")


@pytest.fixture
def cache(tmp_path: Path) -> ObjectCache:
    return ObjectCache(str(tmp_path / "deep/cache"))


def put(cache: ObjectCache, url: GitUrl = URL, commit: Oid = ONE, days: float = 0) -> Path:
    """A tree with a file of 2,000 bytes, used so many days ago."""
    with cache.adding(url, commit) as kept:
        assert kept is not None
        kept.add(b"file", FILE, b"x" * 2000)
        kept.finish(Rest())
    place = Path(cache.place(url, commit))
    when = time.time() - days * 86400
    os.utime(place, (when, when))
    return place


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("git+https://good.example/team/demo", True),
        ("https://you@good.example:443/team/demo.git/", True),
        ("git+https://GOOD.example./team/%64emo.git", True),
        ("git+https://good.example/team/Demo.git", False),
        ("git+https://good.example:8443/team/demo.git", False),
        ("git+http://good.example/team/demo.git", False),
        ("git+https://evil.example/team/demo.git", False),
        ("git+https://good.example/team%2Fdemo.git", False),
        ("git+ssh://git@good.example/team/demo.git", False),
    ],
)
def test_one_place_for_one_repository(cache: ObjectCache, other: str, same: bool) -> None:
    url = GitUrl.parse(other if other.startswith("git+") else f"git+{other}")
    assert (cache.place(url, ONE) == cache.place(URL, ONE)) is same
    assert cache.place(URL, ONE) != cache.place(URL, TWO)


def test_no_part_of_the_url_is_in_the_path(cache: ObjectCache, tmp_path: Path) -> None:
    below = os.path.relpath(cache.place(URL, ONE), tmp_path)
    assert not [word for word in ("me", "secret", "good", "demo") if word in below.replace("cache", "")]


def test_it_is_its_owner_s_whatever_the_umask(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o777)
    before = os.umask(0)
    try:
        for folder in (tmp_path / "new/cache", shared):
            put(ObjectCache(str(folder)))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new/cache").stat().st_mode) == 0o700
    assert stat.S_IMODE((shared / "git-v1").stat().st_mode) == 0o700


def test_only_a_whole_tree_is_there(cache: ObjectCache) -> None:
    with cache.adding(URL, ONE) as kept:
        assert kept is not None
        kept.add(b"file", FILE, b"x")
        assert not cache.has(URL, ONE)
        kept.finish(Rest())
    assert cache.has(URL, ONE)
    assert not cache.has(URL, TWO)
    with cache.adding(URL, ONE) as kept:
        assert kept is None


def test_an_error_leaves_nothing(cache: ObjectCache) -> None:
    with pytest.raises(ZeroDivisionError), cache.adding(URL, ONE):
        raise ZeroDivisionError
    assert [path for path in Path(cache.folder).rglob("*") if path.is_file()] == []


def test_prune_removes_what_was_not_used_for_long(cache: ObjectCache) -> None:
    old, young = put(cache, days=31), put(cache, commit=TWO, days=29)
    size = young.stat().st_size
    assert 2000 < size < 2200
    assert cache.prune(30 * 86400) == Freed(1, size)
    assert (old.exists(), young.exists()) == (False, True)
    tree = cache.open(URL, TWO)
    assert tree is not None
    with tree:
        assert cache.prune(86400) == Freed(0, 0)
    assert cache.prune(-1) == Freed(1, size)
    assert not (Path(cache.folder) / "git-v1").exists()


def test_what_is_being_fetched_is_left_alone(cache: ObjectCache) -> None:
    put(cache, commit=TWO)
    with cache.adding(URL, ONE) as kept:
        assert kept is not None
        assert cache.prune(-1).commits == 1
        assert cache.clean() == Freed(0, 0)
        kept.finish(Rest())
    assert cache.has(URL, ONE)


def test_prune_removes_what_killed_runs_left(cache: ObjectCache) -> None:
    stored = put(cache)
    left = stored.with_name(f".{stored.name}.tmp-0123456789ab")
    (left / "deep").mkdir(parents=True)
    stored.with_name(f".{stored.name}.lock").touch()
    assert cache.prune(3600) == Freed(0, 0)
    assert os.listdir(stored.parent) == [stored.name]


def test_clean_removes_everything_of_ours(cache: ObjectCache) -> None:
    size = put(cache).stat().st_size
    put(cache, commit=TWO)
    put(cache, GitUrl.parse("git+https://other.example/x.git"))
    Path(cache.make_lfs_folder(URL), "object").write_bytes(b"y" * 100)
    (Path(cache.folder) / "mine").write_text("mine")
    assert cache.clean() == Freed(3, 3 * size + 100)
    assert os.listdir(cache.folder) == ["mine"]
    assert cache.clean() == Freed(0, 0)


def test_what_cannot_be_removed_is_not_counted(cache: ObjectCache) -> None:
    place = put(cache)
    place.unlink()
    place.mkdir()
    assert cache.prune(-1) == Freed(0, 0)
    assert place.exists()


def test_where_no_cache_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot make the cache") as caught:
        put(ObjectCache(str(tmp_path / "file/cache")))
    assert "--cache-dir" in (caught.value.hint or "")
