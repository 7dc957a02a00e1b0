"""From a commit to its files: each tree that arrives says where blobs go, each blob is written when it arrives.

Packs bring commit, trees, blobs in this order; any other order works too, by way of `Places`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from git_helper.errors import NotFound
from git_helper.git.lfs_pointer import LONGEST_POINTER, LfsPointer, read_pointer
from git_helper.git.pack_entries import BLOB, COMMIT, TAG, TREE
from git_helper.git.pack_errors import DamagedPack
from git_helper.git.tree_entries import EXECUTABLE, FOLDER, SUBMODULE, SYMLINK, TreeReader

if TYPE_CHECKING:
    from git_helper.git.object_places import Places
    from git_helper.git.pack_errors import Limits
    from git_helper.git.tree_writer import TreeWriter

Spot = tuple[bytes, int]
"""A path, and FILE or EXECUTABLE."""

# git has it without an object.
EMPTY_TREE = bytes.fromhex("4b825dc642cb6eb9a060e54bf8d69288fbee4904")
_COMMIT = re.compile(rb"tree ([0-9a-f]{40})\n")
_TAG = re.compile(rb"object ([0-9a-f]{40})\ntype (commit|tag)\n")


class TreePlan:
    """Takes the objects of a pack and writes the tree of the commit `wanted`, or of the commit of the tag `wanted`.

    `fold`: whether the file system takes names for one that differ in case. Raises DamagedPack, UnsafeTree, TooBig, OSError.
    """

    def __init__(self, wanted: bytes, places: Places, writer: TreeWriter, limits: Limits, *, fold: bool) -> None:
        self.submodules: list[tuple[bytes, bytes]] = []
        """Path and commit of each."""
        self.pointers: list[tuple[bytes, LfsPointer]] = []
        """Path and content of each file that only stands for one of Git LFS."""
        self._wanted = wanted
        self._has_commit = False
        self._places = places
        self._writer = writer
        self._reader = TreeReader(limits, fold=fold)
        self._root = len(writer.prefix)
        self._trees: dict[bytes, list[tuple[bytes, int]]] = {}  # to come: prefixes and depths
        self._blobs: dict[bytes, Spot | list[Spot]] = {}  # to come: paths and kinds
        self._links: list[tuple[bytes, bytes]] = []
        self._known_pointers: dict[bytes, LfsPointer] = {}

    # ------------------------------------------------------------------ what PackObjects gives

    def take(self, oid: bytes, kind: int, content: bytes) -> bytes | None:
        """See Consumer."""
        if kind == BLOB:
            spots = self._blobs.pop(oid, None)
            if spots is None:
                return None
            if isinstance(spots, tuple):
                spots = [spots]
            return self._write(oid, content, spots)
        if kind == TREE:
            for prefix, depth in self._trees.pop(oid, ()):
                self._expand(oid, content, prefix, depth)
        elif oid == self._wanted and not self._has_commit:
            self._follow(kind, content)
        return None

    def take_file(self, oid: bytes, path: bytes) -> bytes | None:
        """See Consumer."""
        spots = self._blobs.pop(oid, None)
        if spots is None:
            return None
        (first, kind), *others = [spots] if isinstance(spots, tuple) else spots
        self._writer.move(path, first, kind)
        for other, kind in others:
            self._writer.copy(first, other, kind)
        return first

    def finish(self) -> None:
        """Everything has been given. Makes the links: nothing can be written through one that is not there yet."""
        if not self._has_commit:
            reason = "it is no commit" if self._wanted in self._places else "the server did not send it"
            raise NotFound(f"cannot find the commit '{self._wanted.hex()}': {reason}")
        missing = len(self._trees) + len(self._blobs) + sum(oid not in self._places for _, oid in self._links)
        if missing:
            raise DamagedPack(f"{missing} objects of the commit are missing")
        for path, oid in self._links:
            self._writer.link(path, self._load(oid, BLOB))

    # ------------------------------------------------------------------ from the commit down

    def _follow(self, kind: int, content: bytes) -> None:
        """The wanted object: a commit leads to its tree, a tag to its commit (or to another tag)."""
        while True:
            match = (_COMMIT if kind == COMMIT else _TAG).match(content)
            if match is None or kind not in (COMMIT, TAG):
                raise DamagedPack(f"'{self._wanted.hex()}' is no commit")
            found = bytes.fromhex(match[1].decode())
            if kind == COMMIT:
                self._has_commit = True
                self._want_tree(found, self._writer.prefix, 0)
                return
            self._wanted = found
            if found not in self._places:
                return
            kind, content = self._places.load(found)

    def _want_tree(self, oid: bytes, prefix: bytes, depth: int) -> None:
        if oid in self._places:
            self._expand(oid, self._load(oid, TREE), prefix, depth)
        elif oid != EMPTY_TREE:
            self._trees.setdefault(oid, []).append((prefix, depth))

    def _expand(self, oid: bytes, content: bytes, prefix: bytes, depth: int) -> None:
        """Plans the tree at `prefix`, and those below it that are there already."""
        ready = self._plan(content, prefix, depth)
        while ready:
            oid, prefix, depth = ready.pop()
            ready += self._plan(self._load(oid, TREE), prefix, depth)

    def _plan(self, content: bytes, prefix: bytes, depth: int) -> list[tuple[bytes, bytes, int]]:
        """Plans one tree; the trees in it that are there already, for the caller to go on with."""
        entries = self._reader.read(content, prefix[self._root :], depth)
        if any(kind != FOLDER for kind, _, _ in entries):
            self._writer.make_folder(prefix)  # git knows no empty folders
        ready: list[tuple[bytes, bytes, int]] = []
        blobs, places = self._blobs, self._places
        for kind, name, oid in entries:
            path = prefix + name
            if kind <= EXECUTABLE:
                if oid in places:
                    self._place(oid, path, kind)
                elif oid not in blobs:
                    blobs[oid] = (
                        path,
                        kind,
                    )  # of nearly all there is one, and tuples are nothing to the garbage collector
                else:
                    self._plan_again(oid, (path, kind))
            elif kind == FOLDER:
                path += b"/"
                if oid in places:
                    ready.append((oid, path, depth + 1))
                elif oid != EMPTY_TREE:
                    self._trees.setdefault(oid, []).append((path, depth + 1))
            elif kind == SYMLINK:
                self._links.append((path, oid))
            elif kind == SUBMODULE:
                self._writer.make_folder(path + b"/")
                self.submodules.append((path[self._root :], oid))
        return ready

    def _plan_again(self, oid: bytes, spot: Spot) -> None:
        found = self._blobs[oid]
        if isinstance(found, tuple):
            self._blobs[oid] = [found, spot]
        else:
            found.append(spot)

    # ------------------------------------------------------------------ blobs

    def _write(self, oid: bytes, content: bytes, spots: list[Spot]) -> bytes:
        """Writes a blob to all its paths; the first of them."""
        pointer = read_pointer(content) if len(content) < LONGEST_POINTER else None
        if pointer is not None:
            self._known_pointers[oid] = pointer
        for path, kind in spots:
            self._writer.write(path, content, kind)
            if pointer is not None:
                self.pointers.append((path[self._root :], pointer))
        return spots[0][0]

    def _place(self, oid: bytes, path: bytes, kind: int) -> None:
        """Writes a blob that came before its tree, or whose content is in another file already."""
        source = self._places.path(oid)
        if source is None:
            self._places.put(oid, self._write(oid, self._load(oid, BLOB), [(path, kind)]))
        elif source.startswith(self._writer.prefix):
            self._writer.copy(source, path, kind)
            if oid in self._known_pointers:
                self.pointers.append((path[self._root :], self._known_pointers[oid]))
        else:
            self._writer.move(source, path, kind)
            self._places.put(oid, path)

    def _load(self, oid: bytes, kind: int) -> bytes:
        found, content = self._places.load(oid)
        if found != kind:
            raise DamagedPack("an object is of another kind than its tree says")
        return content
