"""Objects over 8 MiB pass through files: whole, as deltas and as bases of deltas, in any order; memory is bounded."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
from pathlib import Path

import pytest

from git_helper.git.pack_errors import DamagedPack, Limits, TooBig
from tests.git.packs import (
    BLOB,
    COMMIT,
    EXECUTABLE,
    FILE,
    FOLDER,
    SYMLINK,
    TREE,
    Pack,
    commit,
    commit_id,
    delta,
    object_id,
    pack_of,
    snapshot,
    tree,
    tree_of,
    unpack,
)
from tests.support import ROOT

BIG = random.Random(1).randbytes(1 << 20) * 9
FILES = {
    b"a": (FILE, BIG),
    b"b": (EXECUTABLE, BIG),
    b"c": (EXECUTABLE, BIG + b"!"),
    b"small": (FILE, b"small"),
}


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


WANTED = {name: (0o755 if mode == EXECUTABLE else 0o644, digest(content)) for name, (mode, content) in FILES.items()}


def written(folder: Path) -> dict[bytes, tuple[int, str]]:
    """Mode and digest of each file: a difference of 9 MiB is no message."""
    return {name: (mode, digest(content)) for name, (_, mode, content) in snapshot(folder).items()}


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("step", [100_000, 1 << 30])
def test_whole(tmp_path: Path, turned: bool, step: int) -> None:
    objects = tree_of(FILES)
    unpack(tmp_path, pack_of(objects[::-1] if turned else objects), commit_id(objects), step)
    assert written(tmp_path / "tree") == WANTED


@pytest.mark.parametrize("order", ["base first", "delta first", "tree last"])
def test_as_delta_and_base(tmp_path: Path, order: str) -> None:
    objects = tree_of(FILES)
    pack = Pack()
    if order != "tree last":
        pack.add(*objects[0])
        pack.add(*objects[1])
    if order == "delta first":
        pack.ref_delta(object_id(BLOB, BIG), delta(BIG, BIG + b"!"))
        pack.ref_delta(object_id(BLOB, BIG + b"!"), delta(BIG + b"!", b"small"))
        pack.add(BLOB, BIG, level=1)
    else:
        first = pack.length
        pack.add(BLOB, BIG, level=1)
        second = pack.length
        pack.ofs_delta(first, delta(BIG, BIG + b"!"))
        pack.ofs_delta(second, delta(BIG + b"!", b"small"))
    if order == "tree last":
        pack.add(*objects[1])
        pack.add(*objects[0])
    unpack(tmp_path, pack.data(), commit_id(objects))
    assert written(tmp_path / "tree") == WANTED


@pytest.mark.parametrize("order", ["base first", "delta first", "unfinished"])
def test_a_big_delta(tmp_path: Path, order: str) -> None:
    """The delta itself is over 8 MiB: it brings everything and copies nothing."""
    objects = tree_of(FILES)
    instructions = delta(b"small", BIG)
    third = delta(b"small", BIG + b"!")
    pack = Pack()
    pack.add(*objects[0])
    pack.add(*objects[1])
    if order != "delta first":
        pack.add(BLOB, b"small")
    pack.ref_delta(object_id(BLOB, b"small"), instructions)
    pack.ref_delta(object_id(BLOB, b"small"), third if order != "unfinished" else third[:-1])
    if order == "delta first":
        pack.add(BLOB, b"small")
    if order == "unfinished":
        with pytest.raises(DamagedPack, match="ends in the middle"):
            unpack(tmp_path, pack.data(), commit_id(objects))
        return
    unpack(tmp_path, pack.data(), commit_id(objects))
    assert written(tmp_path / "tree") == WANTED


def test_a_big_blob_twice_or_unwanted(tmp_path: Path) -> None:
    objects = tree_of(FILES)
    more = [*objects, (BLOB, BIG), (BLOB, BIG + b"unwanted")]
    unpack(tmp_path, pack_of(more), commit_id(objects))
    assert written(tmp_path / "tree") == WANTED


def test_a_big_tree(tmp_path: Path) -> None:
    blob, names = object_id(BLOB, b""), [b"%05d" % number + b"n" * 190 for number in range(39_000)]
    below = tree(*[(FILE, name, blob) for name in names])
    assert len(below) > 8 << 20
    empty = tree((FOLDER, b"x", object_id(TREE, below)))
    objects = [(COMMIT, commit(object_id(TREE, empty))), (TREE, empty), (TREE, below)]
    with pytest.raises(TooBig, match="size of a tree"):
        unpack(tmp_path / "limit", pack_of(objects), commit_id(objects), limits=Limits(tree_size=8 << 20))
    with pytest.raises(DamagedPack, match="1 objects of the commit are missing"):
        unpack(tmp_path / "missing", pack_of(objects), commit_id(objects))
    with pytest.raises(DamagedPack, match="1 objects of the commit are missing"):
        unpack(tmp_path / "turned", pack_of(objects[::-1]), commit_id(objects))


def test_a_big_blob_is_no_link(tmp_path: Path) -> None:
    root = tree((SYMLINK, b"a", object_id(BLOB, BIG)))
    objects = [(COMMIT, commit(object_id(TREE, root))), (TREE, root), (BLOB, BIG)]
    with pytest.raises(DamagedPack):
        unpack(tmp_path, pack_of(objects), commit_id(objects))


MEASURE = """
import sys, zlib, hashlib, os
from git_helper.core.reference import Oid
from git_helper.git.unpack import Unpack

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

folder, size = sys.argv[1], int(sys.argv[2]) << 20
block = os.urandom(1 << 20)
blob = hashlib.sha1(b"blob %d\\0" % size)
for _ in range(size >> 20):
    blob.update(block)
tree = b"100644 big\\0" + blob.digest()
tree_id = hashlib.sha1(b"tree %d\\0%b" % (len(tree), tree)).digest()
commit = b"tree %b\\n\\n" % tree_id.hex().encode()
commit_id = hashlib.sha1(b"commit %d\\0%b" % (len(commit), commit)).hexdigest()
os.mkdir(folder + "/tree"), os.mkdir(folder + "/scratch")

def header(kind, size):
    byte, size, made = kind << 4 | size & 15, size >> 4, b""
    while size:
        made += bytes([byte | 128])
        byte, size = size & 127, size >> 7
    return made + bytes([byte])

def pack():
    yield b"PACK\\0\\0\\0\\2\\0\\0\\0\\3" + header(1, len(commit)) + zlib.compress(commit)
    yield header(2, len(tree)) + zlib.compress(tree) + header(3, size)
    compressor = zlib.compressobj(1)
    for _ in range(size >> 20):
        yield compressor.compress(block)
    yield compressor.flush()

before = peak()
with Unpack(folder + "/tree", folder + "/scratch", Oid(commit_id)) as unpack:
    checksum = hashlib.sha1()
    for data in pack():
        checksum.update(data)
        unpack.feed(data)
    unpack.feed(checksum.digest())
    unpack.finish()
assert os.path.getsize(folder + "/tree/big") == size
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_memory_does_not_grow_with_a_blob(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path), "100"], cwd=ROOT, check=True, capture_output=True, timeout=100
    )
    assert int(done.stdout) < 32 * 1024, "KiB above what the imports take"
