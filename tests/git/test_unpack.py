"""A pack becomes the tree that git would check out, whatever the order and the portions in which it comes."""

from __future__ import annotations

import itertools
import os
import random
from pathlib import Path

import pytest

from git_helper.core.reference import Oid
from git_helper.git.lfs_pointer import LfsPointer
from git_helper.git.staging import remove_tree
from git_helper.git.tree_rest import Rest
from git_helper.git.unpack import Unpack
from tests.git.packs import (
    BLOB,
    COMMIT,
    EXECUTABLE,
    FILE,
    FOLDER,
    SUBMODULE,
    SYMLINK,
    TAG,
    TREE,
    Pack,
    checked_out,
    commit,
    commit_id,
    delta,
    folders,
    object_id,
    pack_of,
    packed,
    snapshot,
    tree,
    tree_of,
    unpack,
)
from tests.servers.isolated import environment, git
from tests.servers.repositories import Executable, Symlink, default_files, make_repository


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with every kind of entry, names that are not ASCII, and files alike enough for deltas."""
    source = random.Random(3)
    text = "\n".join(str(source.random()) for _ in range(400))
    files = {
        **default_files(),
        **{f"alike/{number}.txt": f"{text}\n{number}\n" for number in range(20)},
        **{f"same/{number}/empty": "" for number in range(5)},
        "same/executable": Executable(""),
        "same/link": Symlink("README.md"),
        "odd names/a b\\c;'\"": b"\0\1\2\r\n",
        "links/dangling": Symlink("../no/such/file"),
    }
    return make_repository(tmp_path_factory.mktemp("demo") / "demo.git", 3, files)


@pytest.mark.parametrize("step", [1, 7, 1000, 1 << 20])
def test_it_is_what_git_checks_out(demo: Path, tmp_path: Path, step: int) -> None:
    data, oid = packed(demo, "v1.1.0")
    assert unpack(tmp_path / "ours", data, oid, step) == Rest()
    assert snapshot(tmp_path / "ours/tree") == checked_out(demo, "v1.1.0", tmp_path / "git")


def test_it_tells_how_far_it_is(demo: Path, tmp_path: Path) -> None:
    data, oid = packed(demo, "v1.1.0")
    folder, scratch = folders(tmp_path)
    with Unpack(str(folder), str(scratch), Oid(oid.hex())) as unpacking:
        unpacking.feed(data[:100])
        assert (unpacking.received, unpacking.count) == (100, int.from_bytes(data[8:12], "big"))
        unpacking.feed(data[100:])
        unpacking.finish()
        assert (unpacking.received, unpacking.done) == (len(data), unpacking.count)


def test_thousands_of_files(tmp_path: Path) -> None:
    source = random.Random(4)
    files = {f"d{number % 50}/{number:04}.txt": source.randbytes(source.randrange(300)) for number in range(2500)}
    repository = make_repository(tmp_path / "many.git", 2, files)
    data, oid = packed(repository, "main")
    unpack(tmp_path / "ours", data, oid, 10_000)
    assert snapshot(tmp_path / "ours/tree") == checked_out(repository, "main", tmp_path / "git")


@pytest.mark.parametrize("options", [("--no-delta-base-offset",), ("--depth=50", "--window=50"), ("--compression=0",)])
def test_every_way_to_pack(demo: Path, tmp_path: Path, options: tuple[str, ...]) -> None:
    data, oid = packed(demo, "main", *options, "--no-reuse-delta", "--no-reuse-object")
    unpack(tmp_path / "ours", data, oid, 8000)
    assert snapshot(tmp_path / "ours/tree") == checked_out(demo, "main", tmp_path / "git")


def test_a_whole_history_serves_too(demo: Path, tmp_path: Path) -> None:
    oid = packed(demo, "main~2")[1]
    data = git("-C", demo, "pack-objects", "--all", "--stdout", "-q", env=environment(tmp_path)).stdout
    unpack(tmp_path / "ours", data, oid)
    assert snapshot(tmp_path / "ours/tree") == checked_out(demo, "main~2", tmp_path / "git")


def test_the_umask_applies_as_for_git(demo: Path, tmp_path: Path) -> None:
    data, oid = packed(demo, "main")
    before = os.umask(0o027)
    try:
        unpack(tmp_path / "ours", data, oid)
        assert snapshot(tmp_path / "ours/tree") == checked_out(demo, "main", tmp_path / "git")
    finally:
        os.umask(before)


FILES = {
    b"a": (FILE, b"one"),
    b"b": (EXECUTABLE, b"one"),
    b"c": (SYMLINK, b"one"),
    b"d": (FILE, b"two" * 1000),
    b"e": (SYMLINK, b"only a link"),
}


@pytest.mark.parametrize("seed", range(20))
def test_the_order_of_objects_does_not_matter(tmp_path: Path, seed: int) -> None:
    below = tree_of(FILES)
    folder = object_id(TREE, below[1][1])
    root = tree((FOLDER, b"x", folder), (FOLDER, b"y", folder), (FILE, b"z", object_id(BLOB, b"one")))
    middle = tree((FOLDER, b"deeper", object_id(TREE, root)), (FOLDER, b"x", folder))
    objects = [*below[1:], (TREE, root), (TREE, middle), (COMMIT, commit(object_id(TREE, middle)))]
    oid = commit_id(objects)
    random.Random(seed).shuffle(objects)
    unpack(tmp_path, pack_of(objects), oid)
    found = snapshot(tmp_path / "tree")
    for prefix in (b"x", b"deeper/x", b"deeper/y"):
        assert found[prefix + b"/a"] == ("file", 0o644, b"one")
        assert found[prefix + b"/b"] == ("file", 0o755, b"one")
        assert found[prefix + b"/c"] == ("link", 0, b"one")
        assert found[prefix + b"/d"] == ("file", 0o644, b"two" * 1000)
        assert found[prefix + b"/e"] == ("link", 0, b"only a link")
    assert found[b"deeper/z"] == ("file", 0o644, b"one")
    assert len(found) == 4 + 3 * 5 + 1


@pytest.mark.parametrize("kind", ["ofs", "ref", "ref before its base", "ref chain backwards"])
def test_deltas(tmp_path: Path, kind: str) -> None:
    versions = [b"x" * 100_000 + b"%d" % number for number in range(4)]
    objects = tree_of({b"file%d" % number: (FILE, content) for number, content in enumerate(versions)})
    pack = Pack()
    for head in objects[:2]:
        pack.add(*head)
    deltas = [delta(before, after) for before, after in itertools.pairwise(versions)]
    ids = [object_id(BLOB, content) for content in versions]
    if kind == "ofs":
        offset = pack.length
        pack.add(BLOB, versions[0])
        for instructions in deltas:
            following = pack.length
            pack.ofs_delta(offset, instructions)
            offset = following
    elif kind == "ref":
        pack.add(BLOB, versions[0])
        for base, instructions in zip(ids, deltas, strict=False):
            pack.ref_delta(base, instructions)
    elif kind == "ref before its base":
        pack.ref_delta(ids[0], deltas[0])
        pack.add(BLOB, versions[0])
        for base, instructions in zip(ids[1:], deltas[1:], strict=False):
            pack.ref_delta(base, instructions)
    else:
        for base, instructions in reversed(list(zip(ids, deltas, strict=False))):
            pack.ref_delta(base, instructions)
        pack.add(BLOB, versions[0])
    unpack(tmp_path, pack.data(), commit_id(objects), 5000)
    assert [(tmp_path / f"tree/file{number}").read_bytes() for number in range(4)] == versions


def test_an_ofs_delta_waits_with_its_base(tmp_path: Path) -> None:
    """Its base is itself a delta whose base comes last."""
    versions = [b"y" * 5000 + b"%d" % number for number in range(3)]
    objects = tree_of({b"file%d" % number: (FILE, content) for number, content in enumerate(versions)})
    pack = Pack()
    offset = pack.length
    pack.ref_delta(object_id(BLOB, versions[0]), delta(versions[0], versions[1]))
    pack.ofs_delta(offset, delta(versions[1], versions[2]))
    for item in (*objects[:2], (BLOB, versions[0])):
        pack.add(*item)
    unpack(tmp_path, pack.data(), commit_id(objects))
    assert [(tmp_path / f"tree/file{number}").read_bytes() for number in range(3)] == versions


def test_trees_may_be_deltas(tmp_path: Path) -> None:
    blob = object_id(BLOB, b"content")
    first = tree(*[(FILE, b"file%03d" % number, blob) for number in range(50)])
    second = first + tree((FILE, b"file999", blob))
    root = tree((FOLDER, b"a", object_id(TREE, first)), (FOLDER, b"b", object_id(TREE, second)))
    pack = Pack()
    oid = pack.add(COMMIT, commit(object_id(TREE, root)))
    pack.add(TREE, root)
    offset = pack.length
    pack.add(TREE, first)
    pack.ofs_delta(offset, delta(first, second))
    pack.add(BLOB, b"content")
    unpack(tmp_path, pack.data(), oid)
    assert len(list((tmp_path / "tree").glob("*/file*"))) == 101


def test_old_bases_are_read_again(tmp_path: Path) -> None:
    """More than is kept in memory lies between a base and its delta; the base is in a file, in a link or nowhere else."""
    source = random.Random(1)
    base, link, other, next_other = b"b" * 300, b"l" * 300, b"o" * 300, b"o" * 300 + b"?"
    files = {b"base": (FILE, base), b"link": (SYMLINK, link)}
    files |= {
        b"from-%d" % number: (FILE, content + b"!") for number, content in enumerate((base, link, other, next_other))
    }
    objects = tree_of(files)
    pack = Pack()
    for item in (*objects[:2], (BLOB, base), (BLOB, link), (BLOB, other)):
        pack.add(*item)
    pack.ref_delta(object_id(BLOB, other), delta(other, next_other))
    for _ in range(18):
        pack.add(BLOB, source.randbytes(1 << 20), level=0)
    for content in (next_other, base, link, other):
        pack.ref_delta(object_id(BLOB, content), delta(content, content + b"!"))
    unpack(tmp_path, pack.data(), commit_id(objects))
    found = snapshot(tmp_path / "tree")
    assert {name: content for name, (_, _, content) in found.items()} == {
        name: content for name, (_, content) in files.items()
    }


def test_one_blob_in_thousands_of_places(tmp_path: Path) -> None:
    objects = tree_of({b"file%04d" % number: (FILE, b"") for number in range(3000)})
    unpack(tmp_path, pack_of(objects), commit_id(objects))
    assert len(snapshot(tmp_path / "tree")) == 3000


def test_the_empty_tree_is_known_without_an_object(tmp_path: Path) -> None:
    empty = object_id(TREE, b"")
    root = tree((FILE, b"a", object_id(BLOB, b"a")), (FOLDER, b"nothing", empty))
    objects = [(COMMIT, commit(object_id(TREE, root))), (TREE, root), (BLOB, b"a")]
    unpack(tmp_path / "part", pack_of(objects), commit_id(objects))
    assert list(snapshot(tmp_path / "part/tree")) == [b"a"]
    objects = [(COMMIT, commit(empty))]
    unpack(tmp_path / "all", pack_of(objects), commit_id(objects))
    assert snapshot(tmp_path / "all/tree") == {}


def test_deep_folders(tmp_path: Path) -> None:
    objects: list[tuple[int, bytes]] = [(BLOB, b"deep")]
    below = tree((FILE, b"f", object_id(BLOB, b"deep")))
    for _ in range(1500):
        objects.append((TREE, below))
        below = tree((FOLDER, b"d", object_id(TREE, below)))
    objects += [(TREE, below), (COMMIT, commit(object_id(TREE, below)))]
    for place, order in (("down", reversed(objects)), ("up", iter(objects))):
        try:
            unpack(tmp_path / place, pack_of(list(order)), commit_id(objects))
            assert Path(str(tmp_path / place / "tree") + "/d" * 1500 + "/f").read_bytes() == b"deep"
        finally:
            remove_tree(str(tmp_path / place))  # shutil.rmtree, and so pytest, would fail
        assert not (tmp_path / place).exists()


def test_submodules_are_told_and_get_an_empty_folder(tmp_path: Path) -> None:
    modules = b'[submodule "x"]\n\tpath = sub/x\n\turl = ../x.git\n'
    sub = tree((SUBMODULE, b"x", b"\x11" * 20))
    root = tree((FILE, b".gitmodules", object_id(BLOB, modules)), (FOLDER, b"sub", object_id(TREE, sub)))
    objects = [(COMMIT, commit(object_id(TREE, root))), (TREE, root), (TREE, sub), (BLOB, modules)]
    done = unpack(tmp_path, pack_of(objects), commit_id(objects))
    assert done.submodules == ((b"sub/x", Oid("11" * 20)),)
    assert done.gitmodules == modules
    assert snapshot(tmp_path / "tree")[b"sub/x"][0] == "folder"


def test_lfs_pointers_are_told(tmp_path: Path) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"ab" * 32 + b"\nsize 12345\n"
    files = {b"big.bin": (FILE, pointer), b"other.bin": (FILE, pointer), b"text": (FILE, b"version 2\n")}
    for name, objects in (("trees first", tree_of(files)), ("blobs first", list(reversed(tree_of(files))))):
        done = unpack(tmp_path / name, pack_of(objects), commit_id(objects))
        expected = LfsPointer("ab" * 32, 12345)
        assert sorted(done.lfs, key=str) == [(b"big.bin", expected), (b"other.bin", expected)]
    assert unpack(tmp_path / "none", pack_of(tree_of(FILES)), commit_id(tree_of(FILES))).lfs == ()


def test_a_tag_leads_to_its_commit(tmp_path: Path) -> None:
    objects = tree_of(FILES)
    oid = commit_id(objects)
    inner = b"object %b\ntype commit\ntag v1\n\n" % oid.hex().encode()
    outer = b"object %b\ntype tag\ntag v2\n\n" % object_id(TAG, inner).hex().encode()
    for place, tags in (("first", [outer, inner]), ("turned", [inner, outer])):
        data = pack_of([*((TAG, content) for content in tags), *objects])
        unpack(tmp_path / place, data, object_id(TAG, outer))
        assert set(snapshot(tmp_path / place / "tree")) == set(FILES)
    data = pack_of([*objects, (TAG, outer), (TAG, inner)])
    unpack(tmp_path / "last", data, object_id(TAG, outer))
    assert set(snapshot(tmp_path / "last/tree")) == set(FILES)
