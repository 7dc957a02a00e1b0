"""Objects and packs made by hand, also such as no git would make; and what a folder holds, to compare."""

from __future__ import annotations

import hashlib
import os
import stat
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from git_helper.core.reference import Oid
from git_helper.git.pack_errors import Limits
from git_helper.git.tree_rest import Rest
from git_helper.git.unpack import Unpack
from tests.servers.isolated import environment, git

COMMIT, TREE, BLOB, TAG = 1, 2, 3, 4
FILE, EXECUTABLE, SYMLINK, FOLDER, SUBMODULE = b"100644", b"100755", b"120000", b"40000", b"160000"
_NAMES = {COMMIT: b"commit", TREE: b"tree", BLOB: b"blob", TAG: b"tag"}

Snapshot = dict[bytes, tuple[str, int, bytes]]


def object_id(kind: int, content: bytes) -> bytes:
    return hashlib.sha1(b"%b %d\0%b" % (_NAMES[kind], len(content), content), usedforsecurity=False).digest()


def tree(*entries: tuple[bytes, bytes, bytes]) -> bytes:
    """A tree of (mode, name, id), in the order given."""
    return b"".join(b"%b %b\0%b" % entry for entry in entries)


def commit(tree_id: bytes, parents: Iterable[bytes] = ()) -> bytes:
    lines = b"".join(b"parent %b\n" % parent.hex().encode() for parent in parents)
    person = b"Ada Example <ada@good.example> 1700000000 +0000"
    return b"tree %b\n%bauthor %b\ncommitter %b\n\nmade by hand\n" % (tree_id.hex().encode(), lines, person, person)


def number(size: int) -> bytes:
    """A size as deltas write it."""
    digits = b""
    while True:
        size, low = size >> 7, size & 0x7F
        digits += bytes([low | 0x80 if size else low])
        if not size:
            return digits


def delta(base: bytes, result: bytes) -> bytes:
    """A delta that copies what the two have in common at the front, and brings the rest."""
    common, above = 0, min(len(base), len(result)) + 1
    while above - common > 1:
        middle = (common + above) // 2
        if base[common:middle] == result[common:middle]:
            common = middle
        else:
            above = middle
    parts = [number(len(base)), number(len(result))]
    for start in range(0, common, 0xFFFF):
        size = min(0xFFFF, common - start)
        parts.append(b"\xbf" + start.to_bytes(4, "little") + size.to_bytes(2, "little"))
    for start in range(common, len(result), 127):
        insert = result[start : start + 127]
        parts.append(bytes([len(insert)]) + insert)
    return b"".join(parts)


def entry_header(kind: int, size: int) -> bytes:
    byte, size = kind << 4 | size & 15, size >> 4
    header = b""
    while size:
        header += bytes([byte | 0x80])
        byte, size = size & 0x7F, size >> 7
    return header + bytes([byte])


class Pack:
    """Entries one after another; `data()` is the pack."""

    def __init__(self) -> None:
        self.entries: list[bytes] = []
        self.length = 12

    def add(self, kind: int, content: bytes, level: int = 6) -> bytes:
        """A whole object; its id."""
        self.raw(entry_header(kind, len(content)) + zlib.compress(content, level))
        return object_id(kind, content)

    def ofs_delta(self, base_offset: int, instructions: bytes) -> None:
        distance = self.length - base_offset
        digits = bytes([distance & 0x7F])
        while distance := distance >> 7:
            distance -= 1
            digits = bytes([0x80 | distance & 0x7F]) + digits
        self.raw(entry_header(6, len(instructions)) + digits + zlib.compress(instructions))

    def ref_delta(self, base: bytes, instructions: bytes) -> None:
        self.raw(entry_header(7, len(instructions)) + base + zlib.compress(instructions))

    def raw(self, entry: bytes) -> None:
        self.entries.append(entry)
        self.length += len(entry)

    def data(self, count: int | None = None) -> bytes:
        number_of = len(self.entries) if count is None else count
        body = b"PACK\0\0\0\2" + number_of.to_bytes(4, "big") + b"".join(self.entries)
        return body + hashlib.sha1(body, usedforsecurity=False).digest()


def pack_of(objects: Sequence[tuple[int, bytes]]) -> bytes:
    pack = Pack()
    for kind, content in objects:
        pack.add(kind, content)
    return pack.data()


def tree_of(files: dict[bytes, tuple[bytes, bytes]]) -> list[tuple[int, bytes]]:
    """Objects of a commit with a flat tree: name to (mode, content). Commit first, as from a server."""
    blobs = {content: object_id(BLOB, content) for _, content in files.values()}
    root = tree(*[(mode, name, blobs[content]) for name, (mode, content) in sorted(files.items())])
    return [(COMMIT, commit(object_id(TREE, root))), (TREE, root), *[(BLOB, content) for content in blobs]]


def folders(place: Path) -> tuple[Path, Path]:
    """Two new folders in `place`: for the tree, and scratch."""
    place.mkdir(parents=True, exist_ok=True)
    (place / "tree").mkdir()
    (place / "scratch").mkdir()
    return place / "tree", place / "scratch"


def unpack(place: Path, data: bytes, oid: bytes, step: int = 1 << 16, limits: Limits | None = None) -> Rest:
    """Unpacks into `place`/tree, fed in portions of `step` bytes; what that lacks."""
    folder, scratch = folders(place)
    with Unpack(str(folder), str(scratch), Oid(oid.hex()), limits) as unpacking:
        for start in range(0, len(data), step):
            unpacking.feed(data[start : start + step])
        return unpacking.finish()


def commit_id(objects: Sequence[tuple[int, bytes]]) -> bytes:
    return object_id(*next(item for item in objects if item[0] == COMMIT))


def snapshot(folder: Path) -> Snapshot:
    """Everything below `folder`: kind, permissions, content or target."""
    found: Snapshot = {}
    todo = [os.fsencode(folder)]
    root = len(todo[0]) + 1
    while todo:
        for item in os.scandir(todo.pop()):
            status = item.stat(follow_symlinks=False)
            if item.is_symlink():
                found[item.path[root:]] = ("link", 0, os.readlink(item.path))
            elif item.is_dir():
                found[item.path[root:]] = ("folder", stat.S_IMODE(status.st_mode), b"")
                todo.append(item.path)
            else:
                found[item.path[root:]] = (
                    "file",
                    stat.S_IMODE(status.st_mode),
                    Path(os.fsdecode(item.path)).read_bytes(),
                )
    return found


def checked_out(repository: Path, revision: str, place: Path) -> Snapshot:
    """What git writes for `revision` into `place`."""
    place.mkdir(parents=True)
    env = environment(place.parent, GIT_INDEX_FILE=str(place.parent / f"{place.name}.index"))
    git(f"--git-dir={repository}", f"--work-tree={place}", "read-tree", revision, env=env)
    # In another folder with attributes of its own git would convert line ends and more; .gitattributes stay out of this.
    attributes = ("-c", "core.attributesFile=/dev/null", "-c", "core.autocrlf=false")
    git(f"--git-dir={repository}", f"--work-tree={place}", *attributes, "checkout-index", "-af", env=env)
    return snapshot(place)


def packed(repository: Path, revision: str, *options: str) -> tuple[bytes, bytes]:
    """The pack of one commit without history, as a server makes it, and the commit's id."""
    env = environment(repository.parent)
    oid = git("-C", repository, "rev-parse", f"{revision}^{{commit}}", env=env).stdout.strip()
    wanted = b"--shallow %b\n%b\n" % (oid, git("-C", repository, "rev-parse", revision, env=env).stdout.strip())
    arguments = ("pack-objects", "--revs", "--stdout", "--shallow", "-q", "--delta-base-offset", *options)
    return git("-C", repository, *arguments, env=env, stdin=wanted).stdout, bytes.fromhex(oid.decode())
