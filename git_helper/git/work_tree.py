"""The files of a commit from a pack on disk, byte for byte, without filters; each path is checked before any is written."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git_helper.git.index_file import IndexEntry
from git_helper.git.lfs_pointer import LfsPointer, read_pointer
from git_helper.git.pack_entries import BLOB, COMMIT, TREE
from git_helper.git.pack_errors import DamagedPack
from git_helper.git.tree_entries import EXECUTABLE, FOLDER, SUBMODULE, SYMLINK, TreeReader
from git_helper.git.tree_writer import TreeWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from git_helper.git.pack_errors import Limits
    from git_helper.git.stored_objects import StoredObjects

_MODES = (0o100644, 0o100755, 0o120000)
_SUBMODULE_MODE = 0o160000
_COMMIT = re.compile(rb"tree ([0-9a-f]{40})\n")
_EMPTY_TREE = bytes.fromhex("4b825dc642cb6eb9a060e54bf8d69288fbee4904")
_EVERY = 256


@dataclass
class CheckedOut:
    """What was written, and what is still to come: paths are relative, as bytes."""

    entries: list[IndexEntry] = field(default_factory=list)
    submodules: list[tuple[bytes, bytes]] = field(default_factory=list)
    """Path and commit (20 bytes) of each."""
    pointers: list[tuple[bytes, LfsPointer]] = field(default_factory=list)


class WorkTree:
    """Writes below `folder`, which exists and holds nothing but `.git`.

    `fold`: whether the file system takes names for one that differ in case. Raises DamagedPack, UnsafeTree, TooBig, OSError.
    """

    def __init__(self, objects: StoredObjects, folder: bytes, limits: Limits, *, fold: bool) -> None:
        self._objects = objects
        self._writer = TreeWriter(folder, limits)
        self._reader = TreeReader(limits, fold=fold)
        self._folders: list[bytes] = []
        self._files: dict[int, list[tuple[bytes, int]]] = {}  # number of the blob: paths and kinds
        self._links: list[tuple[bytes, int]] = []
        self._done = CheckedOut()

    def write(self, commit: bytes, progress: Callable[[int, int], None] | None = None) -> CheckedOut:
        """Writes the files of `commit` (20 bytes); `progress` gets how many of how many are done."""
        self._plan(commit)
        writer = self._writer
        for folder in self._folders:
            writer.make_folder(writer.prefix + folder)
        for done, number in enumerate(sorted(self._files)):
            self._write(number, self._files[number])
            if progress is not None and done % _EVERY == 0:
                progress(done, len(self._files))
        # Nothing can be written through a link that is not there yet.
        for path, number in self._links:
            writer.link(writer.prefix + path, self._load(number, BLOB))
            self._note(path, SYMLINK, number)
        return self._done

    def _plan(self, commit: bytes) -> None:
        match = _COMMIT.match(self._load(self._number(commit), COMMIT))
        if match is None:
            raise DamagedPack("a commit cannot be read")
        todo = [(bytes.fromhex(match[1].decode()), b"", 0)]
        while todo:
            oid, folder, depth = todo.pop()
            if oid != _EMPTY_TREE:
                content = self._load(self._number(oid), TREE)
                todo += self._sort(self._reader.read(content, folder, depth), folder, depth)

    def _sort(
        self, entries: list[tuple[int, bytes, bytes]], folder: bytes, depth: int
    ) -> Iterator[tuple[bytes, bytes, int]]:
        """Plans the entries of one tree; gives the trees in it."""
        has_files = False
        for kind, name, oid in entries:
            path = folder + name
            if kind == FOLDER:
                yield oid, path + b"/", depth + 1
                continue
            has_files = True
            if kind <= EXECUTABLE:
                self._files.setdefault(self._number(oid), []).append((path, kind))
            elif kind == SYMLINK:
                self._links.append((path, self._number(oid)))
            elif kind == SUBMODULE:
                self._folders.append(path + b"/")
                self._done.submodules.append((path, oid))
                self._done.entries.append(IndexEntry(path, _SUBMODULE_MODE, oid, None))
        if has_files and folder:
            self._folders.append(folder)  # git knows no empty folders

    def _write(self, number: int, spots: list[tuple[bytes, int]]) -> None:
        """One blob to all its paths."""
        writer = self._writer
        prefix = writer.prefix
        if self._objects.is_big(number) and self._objects.kinds[number] == BLOB:
            (first, kind), *others = spots
            writer.move(os.fsencode(self._objects.take(number)), prefix + first, kind)
            for path, other in others:
                writer.copy(prefix + first, prefix + path, other)
            pointer = None
        else:
            content = self._load(number, BLOB)
            pointer = read_pointer(content)
            for path, kind in spots:
                writer.write(prefix + path, content, kind)
        for path, kind in spots:
            self._note(path, kind, number)
            if pointer is not None:
                self._done.pointers.append((path, pointer))

    def _note(self, path: bytes, kind: int, number: int) -> None:
        status = os.lstat(self._writer.prefix + path)
        self._done.entries.append(IndexEntry(path, _MODES[kind], self._objects.names[number], status))

    def _number(self, oid: bytes) -> int:
        number = self._objects.numbers.get(oid)
        if number is None:
            raise DamagedPack(f"the object '{oid.hex()}' is missing")
        return number

    def _load(self, number: int, kind: int) -> bytes:
        found, content = self._objects.load(number)
        if found != kind:
            raise DamagedPack("an object is of another kind than its tree says")
        return content
