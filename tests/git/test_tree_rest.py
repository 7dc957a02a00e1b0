"""Submodules and Git LFS in a downloaded tree: as git and git-lfs would write them, with credentials where they belong."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from git_helper.core.giturl import GitUrl
from git_helper.core.reference import Oid
from git_helper.errors import GitHelperError, NotFound, Unreachable, UsageError
from git_helper.git.connections import Connections
from git_helper.git.lfs_pointer import LfsPointer
from git_helper.git.object_cache import ObjectCache
from git_helper.git.smart_http import HttpRepository
from git_helper.git.tree_rest import Rest
from git_helper.git.trees import Trees
from git_helper.net.session import Session
from tests.git.packs import snapshot
from tests.servers.git_http import GitHttpServer, Realm
from tests.servers.isolated import environment, git
from tests.servers.lfs import CONTENTS, LfsServer, pointer
from tests.servers.repositories import Entry, Executable, Gitlink, make_repository, resolve


class Job:
    def received(self, size: int, done: int, count: int) -> None:
        pass


def show(title: str) -> AbstractContextManager[Job]:
    return nullcontext(Job())


@pytest.fixture
def session() -> Iterator[Session]:
    with Session(lambda _: ssl.create_default_context(), 10) as running:
        yield running


@pytest.fixture
def cache(tmp_path: Path) -> ObjectCache:
    return ObjectCache(str(tmp_path / "cache"))


def fetch(
    session: Session, cache: ObjectCache, url: str, commit: str, to: Path, *, offline: bool = False, lfs: bool = True
) -> None:
    open_lfs = Connections(session).lfs
    trees = Trees(lambda place: HttpRepository(session, place), open_lfs, cache, show, offline=offline, lfs=lfs)
    trees.fetch(GitUrl.parse(url), Oid(commit), str(to))


def modules(*entries: tuple[str, str]) -> str:
    return "".join(f'[submodule "{path}"]\n\tpath = {path}\n\turl = {url}\n' for path, url in entries)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """top.git has mid.git in deps/mid, which has leaf.git in leaf."""
    root = tmp_path / "root"
    leaf = make_repository(root / "team/leaf.git", 3)
    inner: dict[str, Entry] = {
        ".gitmodules": modules(("leaf", "../leaf.git")),
        "leaf": Gitlink(resolve(leaf, "main~1")),
    }
    mid = make_repository(root / "team/mid.git", 2, inner)
    outer: dict[str, Entry] = {".gitmodules": modules(("deps/mid", "./../mid.git")), "deps/mid": Gitlink(resolve(mid))}
    make_repository(root / "team/top.git", 2, outer)
    return root


def test_submodules_are_what_git_makes(
    root: Path, session: Session, cache: ObjectCache, tmp_path: Path, home: Path
) -> None:
    env = environment(home)
    with GitHttpServer(root, realms=[Realm("/team", [("u", "p")])]) as server:
        url = server.url_for("team/top.git", "u", "p")
        git("clone", "-q", "--recurse-submodules", url, tmp_path / "theirs", env=env)
        fetch(session, cache, url, resolve(root / "team/top.git"), tmp_path / "ours")
        server.forget()
        fetch(session, cache, url, resolve(root / "team/top.git"), tmp_path / "again")
        assert server.exchanges == []
    theirs = {name: found for name, found in snapshot(tmp_path / "theirs").items() if b".git" not in name.split(b"/")}
    assert snapshot(tmp_path / "ours") == snapshot(tmp_path / "again") == theirs
    assert (tmp_path / "ours/deps/mid/leaf/README.md").is_file()


def test_one_that_git_leaves_out_is_left_out(
    root: Path, session: Session, cache: ObjectCache, tmp_path: Path, home: Path
) -> None:
    """`update = none`: of what only some may read, mostly."""
    text = modules(("private", "../gone.git")) + "\tupdate = none\n" + modules(("leaf", "../leaf.git"))
    leaf = Gitlink(resolve(root / "team/leaf.git"))
    make_repository(root / "team/some.git", 2, {".gitmodules": text, "private": leaf, "leaf": leaf})
    with GitHttpServer(root) as server:
        url = f"{server.url}/team/some.git"
        git("clone", "-q", "--recurse-submodules", url, tmp_path / "theirs", env=environment(home))
        fetch(session, cache, url, resolve(root / "team/some.git"), tmp_path / "ours")
    theirs = {name: found for name, found in snapshot(tmp_path / "theirs").items() if b".git" not in name.split(b"/")}
    assert snapshot(tmp_path / "ours") == theirs
    assert list((tmp_path / "ours/private").iterdir()) == []


def test_another_server_gets_nothing(root: Path, session: Session, cache: ObjectCache, tmp_path: Path) -> None:
    with GitHttpServer(root) as other, GitHttpServer(tmp_path / "mine", realms=[Realm("/", [("u", "p")])]) as server:
        leaf = root / "team/leaf.git"
        files: dict[str, Entry] = {
            ".gitmodules": modules(("x", f"{other.url}/team/leaf.git")),
            "x": Gitlink(resolve(leaf)),
        }
        top = make_repository(tmp_path / "mine/top.git", 2, files)
        fetch(session, cache, server.url_for("top.git", "u", "p"), resolve(top), tmp_path / "out")
        assert (tmp_path / "out/x/README.md").is_file()
        assert other.authorizations == []


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", UsageError),
        (modules(("x", "file:///etc")), UsageError),
        (modules(("x", "../../../../up.git")), UsageError),
        (modules(("x", "ext::sh -c id")), UsageError),
        (modules(("x", "./gone.git")), NotFound),
    ],
)
def test_one_that_cannot_be_had_leaves_nothing(
    session: Session, cache: ObjectCache, tmp_path: Path, text: str, error: type[GitHelperError]
) -> None:
    files: dict[str, Entry] = {".gitmodules": text, "x": Gitlink("1" * 40), "README.md": "here\n"}
    top = make_repository(tmp_path / "root/top.git", 2, files)
    with GitHttpServer(tmp_path / "root") as server, pytest.raises(error):
        fetch(session, cache, f"{server.url}/top.git", resolve(top), tmp_path / "place/out")
    assert not (tmp_path / "place").exists()


@pytest.fixture
def lfs_root(tmp_path: Path) -> Path:
    first, second, third = CONTENTS
    files: dict[str, Entry] = {
        ".gitattributes": "*.bin filter=lfs\nkeep.bin -filter\n",
        "a.bin": pointer(first),
        "run.bin": Executable(pointer(first)),
        "data/big.bin": pointer(second),
        "keep.bin": pointer(third),
    }
    make_repository(tmp_path / "root/demo.git", 2, files)
    return tmp_path / "root"


def test_files_of_lfs_are_real(lfs_root: Path, session: Session, cache: ObjectCache, tmp_path: Path) -> None:
    commit = resolve(lfs_root / "demo.git")
    with LfsServer(lfs_root, [Realm("/demo.git", [("u", "p")])]) as server:
        url = server.url_for("demo.git", "u", "p")
        for name in ("one", "two"):
            fetch(session, cache, url, commit, tmp_path / name)
        assert len(server.batches) == 1
    fetch(session, cache, url, commit, tmp_path / "three", offline=True)
    for name in ("one", "two", "three"):
        assert (tmp_path / name / "a.bin").read_bytes() == CONTENTS[0]
        assert (tmp_path / name / "data/big.bin").read_bytes() == CONTENTS[1]
        assert (tmp_path / name / "keep.bin").read_text() == pointer(CONTENTS[2])
        assert (tmp_path / name / "run.bin").stat().st_mode & 0o100
        assert not (tmp_path / name / "a.bin").stat().st_mode & 0o100


def test_pointers_can_stay(lfs_root: Path, session: Session, cache: ObjectCache, tmp_path: Path) -> None:
    commit = resolve(lfs_root / "demo.git")
    with LfsServer(lfs_root) as server:
        fetch(session, cache, f"{server.url}/demo.git", commit, tmp_path / "one", lfs=False)
        assert (tmp_path / "one/a.bin").read_text() == pointer(CONTENTS[0])
        assert server.batches == []
        fetch(session, cache, f"{server.url}/demo.git", commit, tmp_path / "two")
    assert (tmp_path / "two/a.bin").read_bytes() == CONTENTS[0]


def test_an_lfs_object_that_is_not_there_leaves_nothing(
    lfs_root: Path, session: Session, cache: ObjectCache, tmp_path: Path
) -> None:
    commit = resolve(lfs_root / "demo.git")
    with LfsServer(lfs_root) as server:
        server.served.clear()
        with pytest.raises(NotFound):
            fetch(session, cache, f"{server.url}/demo.git", commit, tmp_path / "place/out")
        with pytest.raises(Unreachable, match="files of Git LFS"):
            fetch(session, cache, f"{server.url}/demo.git", commit, tmp_path / "place/out", offline=True)
    assert not (tmp_path / "place").exists()


def test_what_needs_more_than_the_cache_is_not_taken_at_once(
    root: Path, session: Session, cache: ObjectCache, tmp_path: Path
) -> None:
    with GitHttpServer(root) as server:
        url, commit = f"{server.url}/team/top.git", resolve(root / "team/top.git")
        fetch(session, cache, f"git+{url}", commit, tmp_path / "first")
    trees = Trees(lambda _: pytest.fail("asked"), Connections(session).lfs, cache, show)
    assert not trees.fetch_kept(GitUrl.parse(f"git+{url}"), Oid(commit), str(tmp_path / "second"))
    assert not (tmp_path / "second").exists()
    trees.fetch(GitUrl.parse(f"git+{url}"), Oid(commit), str(tmp_path / "second"))
    assert snapshot(tmp_path / "second") == snapshot(tmp_path / "first")


def test_what_is_noted_is_read_back() -> None:
    rest = Rest(((b"a \xff", Oid("1" * 40)),), b"\xff[x]\n", ((b"b", LfsPointer("2" * 64, 3)),))
    assert Rest.of_described(json.loads(json.dumps(rest.described()))) == rest
