"""A commit's tree in one file, for the cache: the contents one behind the other, then a list of what they are, a checksum.

One file is written and read faster than a tree is copied, and nobody edits it: a hard link to a file of the cache would let
every editor change the cache. The checksum is for what a power cut or a disk does; the file is only its owner's.
"""

from __future__ import annotations

import contextlib
import json
import os
import struct
import zlib
from typing import Any, BinaryIO, Self

from git_helper.errors import StoreError, reason
from git_helper.git.pack_errors import Limits
from git_helper.git.tree_entries import SYMLINK
from git_helper.git.tree_rest import Rest
from git_helper.git.tree_writer import TreeWriter

_MAGIC = b"tree\1"
_TAIL = struct.Struct(">QI5s")
"""Length of the list, CRC-32 of everything before, _MAGIC."""
_BLOCK = 1 << 20


class DamagedTree(Exception):
    """The file is not what was written."""


class StoredTreeWriter:
    """Makes the file `path`, which is the caller's to remove. Raises StoreError; a context manager.

    Paths are relative, as bytes; kinds are those of tree_entries: FILE, EXECUTABLE, SYMLINK.
    """

    def __init__(self, path: str) -> None:
        self._entries: list[tuple[str, int, int]] = []
        self._checksum = 0
        self._path = path
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
            self._file = open(descriptor, "wb", buffering=_BLOCK)  # noqa: SIM115
        except OSError as error:
            raise self._failure(error) from error

    def add(self, path: bytes, kind: int, content: bytes) -> None:
        """A file, or a link and what it leads to."""
        self._entries.append((os.fsdecode(path), kind, len(content)))
        self._write(content)

    def add_file(self, path: bytes, kind: int, source: bytes) -> None:
        """A file with the content of `source`. Raises OSError if that cannot be read."""
        size = 0
        with open(source, "rb", buffering=0) as file:
            while block := file.read(_BLOCK):
                size += len(block)
                self._write(block)
        self._entries.append((os.fsdecode(path), kind, size))

    def finish(self, rest: Rest) -> None:
        """Everything was added."""
        found = json.dumps({"entries": self._entries, "rest": rest.described()}).encode("ascii")
        self._write(found)
        try:
            self._file.write(_TAIL.pack(len(found), self._checksum, _MAGIC))
            self._file.close()
        except OSError as error:
            raise self._failure(error) from error

    def _write(self, block: bytes) -> None:
        self._checksum = zlib.crc32(block, self._checksum)
        try:
            self._file.write(block)
        except OSError as error:
            raise self._failure(error) from error

    def _failure(self, error: OSError) -> StoreError:
        hint = "name another folder for the cache: --cache-dir DIR"
        return StoreError(f"cannot write '{self._path}': {reason(error)}", hint)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):  # a full disk lets it fail once more
            self._file.close()


class StoredTree:
    """The file `path`, whole and unchanged; a context manager. Raises FileNotFoundError, DamagedTree, OSError."""

    def __init__(self, path: str) -> None:
        self._file: BinaryIO = open(path, "rb", buffering=0)  # noqa: SIM115
        try:
            listed = self._verified()
        except BaseException:
            self._file.close()
            raise
        self._entries: list[tuple[str, int, int]] = listed["entries"]
        self.rest = Rest.of_described(listed["rest"])

    def write(self, folder: str) -> None:
        """Writes the tree into `folder`, which exists and is empty. Raises OSError."""
        writer = TreeWriter(os.fsencode(folder), Limits())
        self._file.seek(0)
        with open(self._file.fileno(), "rb", buffering=_BLOCK, closefd=False) as file:
            for name, kind, size in self._entries:
                path = writer.prefix + os.fsencode(name)
                writer.make_folder(path[: path.rindex(b"/") + 1])
                if kind == SYMLINK:
                    writer.link(path, file.read(size))
                elif size <= _BLOCK:
                    writer.write(path, file.read(size), kind)
                else:
                    writer.write_from(path, file, size, kind)
        for path, _ in self.rest.submodules:
            writer.make_folder(writer.prefix + path + b"/")

    def _verified(self) -> Any:
        """What is listed, when the checksum is right."""
        file = self._file
        left = file.seek(0, os.SEEK_END) - _TAIL.size
        if left < 0:
            raise DamagedTree
        file.seek(left)
        length, checksum, magic = _TAIL.unpack(file.read(_TAIL.size))
        left -= length
        if magic != _MAGIC or left < 0:
            raise DamagedTree
        file.seek(0)
        found = 0
        while left and (block := file.read(min(left, _BLOCK))):
            found = zlib.crc32(block, found)
            left -= len(block)
        listed = file.read(length)
        if zlib.crc32(listed, found) != checksum:
            raise DamagedTree
        return json.loads(listed)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
