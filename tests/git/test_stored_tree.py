"""A tree in one file of the cache: what went in comes out, and damage anywhere is noticed before the tree is used."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from git_helper.core.reference import Oid
from git_helper.git.lfs_pointer import LfsPointer
from git_helper.git.stored_tree import DamagedTree, StoredTree, StoredTreeWriter
from git_helper.git.tree_entries import EXECUTABLE, FILE, SYMLINK
from git_helper.git.tree_rest import Rest
from tests.git.packs import snapshot
from tests.support import ROOT

BLOCK = 1 << 20  # of reading
SMALL = {"a/b/c/deep": 3, "a/file": 10, "top": 0, "z/last": 100}
BIG = {
    "a/exact": BLOCK,
    "a/empty": 0,
    "a/next": 7,
    "b/across": BLOCK - 3,
    "b/many": 3 * BLOCK + 5,
    "c/rest": 100,
    "c/none": 0,
}
REST = Rest(submodules=((b"deps/one", Oid("1" * 40)),), gitmodules=b"[submodule]")


def stored(path: Path, sizes: dict[str, int]) -> dict[str, bytes]:
    """Makes the file; what it holds."""
    chance = random.Random(7)
    contents = {name: chance.randbytes(size) for name, size in sizes.items()}
    with StoredTreeWriter(str(path)) as writer:
        for name, content in contents.items():
            writer.add(name.encode(), EXECUTABLE if name.endswith("e") else FILE, content)
        writer.add(b"a/link", SYMLINK, b"../elsewhere")
        writer.add(b"odd\xff", FILE, b"name")
        writer.finish(REST)
    return contents


def written(path: Path, folder: Path) -> None:
    folder.mkdir()
    with StoredTree(str(path)) as tree:
        assert tree.rest == REST
        tree.write(str(folder))


@pytest.mark.parametrize("sizes", [SMALL, BIG, {}])
def test_what_went_in_comes_out(tmp_path: Path, sizes: dict[str, int]) -> None:
    contents = stored(tmp_path / "one", sizes)
    written(tmp_path / "one", tmp_path / "out")
    found = {os.fsdecode(name): one for name, one in snapshot(tmp_path / "out").items() if one[0] == "file"}
    assert {name: content for name, (_, _, content) in found.items()} == contents | {os.fsdecode(b"odd\xff"): b"name"}
    assert [name for name, (_, mode, _) in found.items() if mode & 0o100] == [n for n in found if n.endswith("e")]
    assert os.readlink(tmp_path / "out/a/link") == "../elsewhere"
    assert list((tmp_path / "out/deps/one").iterdir()) == []


@pytest.mark.parametrize("sizes", [SMALL, BIG])
@pytest.mark.parametrize("place", [0.0, 0.5, 0.999])
def test_a_changed_content_is_noticed(tmp_path: Path, sizes: dict[str, int], place: float) -> None:
    contents = stored(tmp_path / "one", sizes)
    changed = bytearray((tmp_path / "one").read_bytes())
    changed[int(place * sum(map(len, contents.values())))] ^= 1
    (tmp_path / "one").write_bytes(changed)
    before = threading.active_count()
    with pytest.raises(DamagedTree):
        written(tmp_path / "one", tmp_path / "out")
    assert threading.active_count() == before


@pytest.mark.parametrize("sizes", [SMALL, BIG])
def test_a_changed_list_is_noticed_before_anything_is_written(tmp_path: Path, sizes: dict[str, int]) -> None:
    stored(tmp_path / "one", sizes)
    whole = (tmp_path / "one").read_bytes()
    begin = whole.rindex(b'{"entries"')
    for place in (begin, begin + 20, len(whole) - 22, len(whole) - 8, len(whole) - 1):
        (tmp_path / "one").write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(DamagedTree):
            StoredTree(str(tmp_path / "one"))
    for size in (0, 5, len(whole) - 1):
        (tmp_path / "one").write_bytes(whole[:size])
        with pytest.raises(DamagedTree):
            StoredTree(str(tmp_path / "one"))


def test_one_that_becomes_shorter_meanwhile(tmp_path: Path) -> None:
    stored(tmp_path / "one", BIG)
    (tmp_path / "out").mkdir()
    with StoredTree(str(tmp_path / "one")) as tree:
        os.truncate(tmp_path / "one", BLOCK)
        with pytest.raises(DamagedTree):
            tree.write(str(tmp_path / "out"))


def test_a_disk_that_cannot_be_written_ends_it(tmp_path: Path) -> None:
    stored(tmp_path / "one", BIG)
    (tmp_path / "out/a").mkdir(parents=True)
    before = threading.active_count()
    with StoredTree(str(tmp_path / "one")) as tree, pytest.raises(FileExistsError):
        tree.write(str(tmp_path / "out"))
    assert threading.active_count() == before


def test_a_person_with_another_encoding_may_read_it(tmp_path: Path) -> None:
    rest = Rest(submodules=((b"d\xc3\xa9ps", Oid("1" * 40)),), lfs=((b"l\xffs", LfsPointer("2" * 64, 3)),))
    with StoredTreeWriter(str(tmp_path / "one")) as writer:
        writer.add("é/ü".encode(), FILE, b"")
        writer.add(b"odd\xff", FILE, b"")
        writer.finish(rest)
    (tmp_path / "out").mkdir()
    code = (
        "import sys; from git_helper.git.stored_tree import StoredTree; assert sys.getfilesystemencoding() == 'ascii'\n"
        "with StoredTree(sys.argv[1]) as tree: tree.write(sys.argv[2]); print(tree.rest)"
    )
    environ = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    words: list[str | Path] = [sys.executable, "-c", code, tmp_path / "one", tmp_path / "out"]
    done = subprocess.run(words, env=environ, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == f"{rest}\n", done.stderr
    assert {name for name, one in snapshot(tmp_path / "out").items() if one[0] == "file"} == {
        "é/ü".encode(),
        b"odd\xff",
    }
