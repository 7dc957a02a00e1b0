"""What is cut, changed or made to harm is refused with a message, whatever byte it is, and memory stays bounded."""

from __future__ import annotations

import random
import zlib
from pathlib import Path

import pytest

from git_helper.errors import GitHelperError, NotFound
from git_helper.git.pack_errors import DamagedPack, Limits, TooBig, UnsafeTree
from tests.git.packs import (
    BLOB,
    COMMIT,
    FILE,
    FOLDER,
    SYMLINK,
    TAG,
    TREE,
    Pack,
    commit,
    commit_id,
    delta,
    entry_header,
    number,
    object_id,
    pack_of,
    snapshot,
    tree,
    tree_of,
    unpack,
)

FILES = {
    b"text": (FILE, b"some text\n" * 40),
    b"noise": (FILE, random.Random(5).randbytes(500)),
    b"link": (SYMLINK, b"text"),
}
OBJECTS = tree_of(FILES)
OID = commit_id(OBJECTS)


def good_pack() -> Pack:
    """Whole objects, and a delta of each kind to objects of the tree."""
    pack = Pack()
    for item in OBJECTS[:2]:
        pack.add(*item)
    offset = pack.length
    pack.add(*OBJECTS[2])
    base = OBJECTS[2][1]
    pack.ofs_delta(offset, delta(base, base + b"more"))
    for item in OBJECTS[3:]:
        pack.add(*item)
    pack.ref_delta(object_id(*OBJECTS[2]), delta(base, base + b"else"))
    return pack


GOOD = good_pack().data()


def test_the_pack_is_good_until_it_is_spoilt(tmp_path: Path) -> None:
    unpack(tmp_path, GOOD, OID)
    assert len(snapshot(tmp_path / "tree")) == 3


@pytest.mark.parametrize("part", range(8))
def test_cut_at_every_byte(tmp_path: Path, part: int) -> None:
    for end in range(part, len(GOOD), 8):
        with pytest.raises(DamagedPack, match="ends in the middle"):
            unpack(tmp_path / str(end), GOOD[:end], OID, 100)


@pytest.mark.parametrize("part", range(8))
def test_changed_at_every_byte(tmp_path: Path, part: int) -> None:
    source = random.Random(part)
    for place in range(part, len(GOOD), 8):
        data = bytearray(GOOD)
        data[place] ^= 1 << source.randrange(8)
        with pytest.raises(GitHelperError) as caught:
            unpack(tmp_path / str(place), bytes(data), OID, 100)
        assert isinstance(caught.value, DamagedPack | TooBig | NotFound)


@pytest.mark.parametrize("change", ["missing", "more", "twice the commit"])
def test_the_number_of_objects_must_be_right(tmp_path: Path, change: str) -> None:
    pack = good_pack()
    count = len(pack.entries)
    if change == "twice the commit":
        pack.add(*OBJECTS[0])
        unpack(tmp_path, pack.data(), OID)
        assert len(snapshot(tmp_path / "tree")) == 3
        return
    with pytest.raises(DamagedPack):
        unpack(tmp_path, pack.data(count + (1 if change == "more" else -1)), OID)


@pytest.mark.parametrize("step", [1 << 16, 1])
def test_nothing_may_follow(tmp_path: Path, step: int) -> None:
    with pytest.raises(DamagedPack, match="bytes follow"):
        unpack(tmp_path, GOOD + b"\0", OID, step)


@pytest.mark.parametrize("missing", range(1, len(OBJECTS)))
def test_every_object_of_the_commit_must_be_there(tmp_path: Path, missing: int) -> None:
    objects = [item for place, item in enumerate(OBJECTS) if place != missing]
    with pytest.raises(DamagedPack, match="1 objects of the commit are missing"):
        unpack(tmp_path, pack_of(objects), OID)


def test_the_commit_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=f"cannot find the commit '{OID.hex()}': the server did not send it"):
        unpack(tmp_path / "none", pack_of(OBJECTS[1:]), OID)
    with pytest.raises(NotFound, match="it is no commit"):
        unpack(tmp_path / "tree", pack_of(OBJECTS), object_id(*OBJECTS[1]))


@pytest.mark.parametrize("step", [1 << 16, 3])
@pytest.mark.parametrize("base", ["ofs", "ref"])
def test_a_thin_pack_is_refused(tmp_path: Path, base: str, step: int) -> None:
    pack = good_pack()
    if base == "ref":
        pack.ref_delta(b"\x77" * 20, delta(b"elsewhere", b"elsewhere!"))
    else:
        offset = pack.length
        pack.ref_delta(b"\x77" * 20, delta(b"elsewhere", b"elsewhere!"))
        pack.ofs_delta(offset, delta(b"elsewhere!", b"elsewhere!!"))
    with pytest.raises(DamagedPack, match="lacks its base"):
        unpack(tmp_path, pack.data(), OID, step)


ENTRIES = {
    "kind 0": entry_header(0, 1) + zlib.compress(b"a"),
    "kind 5": entry_header(5, 1) + zlib.compress(b"a"),
    "longer than it says": entry_header(BLOB, 3) + zlib.compress(b"a" * 4),
    "shorter than it says": entry_header(BLOB, 5) + zlib.compress(b"a" * 4),
    "a bomb that says it is small": entry_header(BLOB, 100) + zlib.compress(bytes(50 << 20)),
    "no zlib": entry_header(BLOB, 5) + b"hello world, this is not zlib",
    "a size without end": b"\xbf" + b"\xff" * 20 + b"\1",
    "a delta to the header": entry_header(6, 4) + b"\x7f" + zlib.compress(b"\0\0\0\0"),
    "a delta to itself": entry_header(6, 4) + b"\0" + zlib.compress(b"\0\0\0\0"),
    "a delta far before": entry_header(6, 4) + b"\xff" * 30 + b"\x7f" + zlib.compress(b"\0\0\0\0"),
    "a delta into the middle": entry_header(6, 4) + b"\x01" + zlib.compress(b"\0\0\0\0"),
}


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("step", [1 << 20, 11])
def test_entries_that_are_none(tmp_path: Path, entry: str, step: int) -> None:
    if step == 11 and "bomb" in entry:
        step = 5000
    pack = good_pack()
    pack.raw(ENTRIES[entry])
    with pytest.raises((DamagedPack, TooBig)):
        unpack(tmp_path, pack.data(), OID, step)


BASE = OBJECTS[2][1]
DELTAS = {
    "empty": b"",
    "no sizes": b"\xff" * 30,
    "another base": number(3) + number(3) + b"\3abc",
    "longer result": number(len(BASE)) + number(9) + b"\3abc",
    "shorter result": number(len(BASE)) + number(2) + b"\3abc",
    "gigantic result": number(len(BASE)) + number(1 << 30) + b"\3abc",
    "beyond any limit": number(len(BASE)) + number(1 << 60) + b"\3abc",
    "copy outside": number(len(BASE)) + number(3) + b"\x93\xff\xff\x03",
    "big copy outside": number(len(BASE)) + number(9 << 20) + b"\xf1\xff\xff\xff\xff",
    "reserved": number(len(BASE)) + number(3) + b"\0",
    "reserved in a big one": number(len(BASE)) + number(9 << 20) + b"\0",
    "cut copy": number(len(BASE)) + number(9 << 20) + b"\xff\0",
    "cut insert": number(len(BASE)) + number(9 << 20) + b"\x7fabc",
}


@pytest.mark.parametrize("instructions", DELTAS)
@pytest.mark.parametrize("waits", [False, True])
def test_deltas_that_are_none(tmp_path: Path, instructions: str, waits: bool) -> None:
    pack = Pack()
    if waits:
        pack.ref_delta(object_id(BLOB, BASE), DELTAS[instructions])
    for item in OBJECTS:
        pack.add(*item)
    if not waits:
        pack.ref_delta(object_id(BLOB, BASE), DELTAS[instructions])
    with pytest.raises((DamagedPack, TooBig)):
        unpack(tmp_path, pack.data(), OID)


def test_a_tree_that_is_a_blob(tmp_path: Path) -> None:
    text = b"no tree"
    for mode in (FOLDER, FILE):
        kind = BLOB if mode == FOLDER else TREE
        content = text if mode == FOLDER else b""
        root = tree((mode, b"a", object_id(kind, content)))
        objects = [(COMMIT, commit(object_id(TREE, root))), (TREE, root), (kind, content)]
        for turned in (objects, list(reversed(objects))):
            with pytest.raises(DamagedPack):
                unpack(tmp_path / f"{mode!r}{turned is objects}", pack_of(turned), commit_id(objects))


@pytest.mark.parametrize("content", [b"", b"tree ", b"tree " + b"z" * 40 + b"\n", b"parent " + b"1" * 40 + b"\n"])
def test_a_commit_that_is_none(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DamagedPack, match="is no commit"):
        unpack(tmp_path, pack_of([(COMMIT, content), *OBJECTS]), object_id(COMMIT, content))


def test_a_tag_of_a_tree(tmp_path: Path) -> None:
    tag = b"object %b\ntype tree\ntag v1\n\n" % object_id(*OBJECTS[1]).hex().encode()
    with pytest.raises(DamagedPack, match="is no commit"):
        unpack(tmp_path, pack_of([(TAG, tag), *OBJECTS]), object_id(TAG, tag))


def test_limits(tmp_path: Path) -> None:
    chain = good_pack()
    offset, content = chain.length, b"chain"
    chain.add(BLOB, content)
    for _ in range(5):
        following = chain.length
        chain.ofs_delta(offset, delta(content, content + b"!"))
        offset, content = following, content + b"!"
    limits = {
        "pack": Limits(pack=100),
        "objects": Limits(objects=5),
        "object": Limits(object_size=450),
        "written": Limits(written=600),
        "paths": Limits(paths=2),
        "chain": Limits(chain=4),
    }
    for name, limit in limits.items():
        with pytest.raises(TooBig, match="more than"):
            unpack(tmp_path / name, chain.data(), OID, limits=limit)
    unpack(tmp_path / "good", chain.data(), OID, limits=Limits(chain=5))
    assert len(snapshot(tmp_path / "good/tree")) == 3


def test_a_tree_that_multiplies(tmp_path: Path) -> None:
    """Ten folders with ten folders with ten …: 10 objects, 10^10 files (a "git bomb")."""
    objects: list[tuple[int, bytes]] = [(BLOB, b"boom")]
    mode, below = FILE, object_id(BLOB, b"boom")
    for _ in range(10):
        content = tree(*[(mode, b"d%d" % place, below) for place in range(10)])
        objects.append((TREE, content))
        mode, below = FOLDER, object_id(TREE, content)
    objects.append((COMMIT, commit(below)))
    with pytest.raises(TooBig, match="number of files and folders"):
        unpack(tmp_path / "down", pack_of(objects[::-1]), commit_id(objects), limits=Limits(paths=5000))
    with pytest.raises(TooBig, match="number of files and folders"):
        unpack(tmp_path / "up", pack_of(objects), commit_id(objects), limits=Limits(paths=5000))


def test_too_deep_and_too_long(tmp_path: Path) -> None:
    below = tree((FILE, b"f", object_id(BLOB, b"")))
    objects = [(BLOB, b""), (TREE, below)]
    for _ in range(30):
        below = tree((FOLDER, b"n" * 200, object_id(TREE, below)))
        objects.append((TREE, below))
    objects.append((COMMIT, commit(object_id(TREE, below))))
    with pytest.raises(UnsafeTree, match="longer than 4096 bytes"):
        unpack(tmp_path / "long", pack_of(objects), commit_id(objects))
    with pytest.raises(TooBig, match="depth"):
        unpack(tmp_path / "deep", pack_of(objects), commit_id(objects), limits=Limits(depth=10))
