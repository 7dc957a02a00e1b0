"""A commit's tree in one file, for the cache: the contents one behind the other, then a list of what they are, a checksum.

One file is written and read faster than a tree is copied, and nobody edits it: a hard link to a file of the cache would let
every editor change the cache. The checksum is for what a power cut or a disk does; the file is only its owner's.
"""

from __future__ import annotations

import contextlib
import json
import os
import struct
import threading
import zlib
from queue import Queue
from typing import TYPE_CHECKING, Any, Self

from git_helper.errors import StoreError, reason
from git_helper.git.pack_errors import Limits
from git_helper.git.tree_entries import SYMLINK
from git_helper.git.tree_rest import TEXT, Rest
from git_helper.git.tree_writer import CREATE, MODES, TreeWriter, write_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

_MAGIC = b"tree\2"
_TAIL = struct.Struct(">QII5s")
"""Length of the list, CRC-32 of the contents, CRC-32 of the list, _MAGIC."""
_BLOCK = 1 << 20
_BUFFER = 1 << 13
_MOST_BLOCKS = 8
"""Read and not yet checked."""


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
        self._entries.append((path.decode(*TEXT), kind, len(content)))
        self._write(content)

    def add_file(self, path: bytes, kind: int, source: bytes) -> None:
        """A file with the content of `source`. Raises OSError if that cannot be read."""
        size = 0
        with open(source, "rb", buffering=0) as file:
            while block := file.read(_BLOCK):
                size += len(block)
                self._write(block)
        self._entries.append((path.decode(*TEXT), kind, size))

    def finish(self, rest: Rest) -> None:
        """Everything was added."""
        found = json.dumps({"entries": self._entries, "rest": rest.described()}).encode("ascii")
        contents = self._checksum
        self._write(found)
        try:
            self._file.write(_TAIL.pack(len(found), contents, zlib.crc32(found), _MAGIC))
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
    """The file `path`; a context manager. What it lists is unchanged, of the contents `write` finds out.

    Raises FileNotFoundError, DamagedTree, OSError.
    """

    def __init__(self, path: str) -> None:
        self._file: BinaryIO = open(path, "rb", buffering=_BUFFER)  # noqa: SIM115
        try:
            listed = self._listed()
        except BaseException:
            self._file.close()
            raise
        self._entries: list[tuple[str, int, int]] = listed["entries"]
        self.rest = Rest.of_described(listed["rest"])

    def write(self, folder: str) -> None:
        """Writes the tree into `folder`, which exists and is empty.

        Raises DamagedTree when it ought not to have been written, and OSError.
        """
        self._file.seek(0)
        with _Contents(self._file, self._length, self._checksum) as contents:
            self._write(folder, contents)
            contents.finish()

    def _write(self, folder: str, contents: _Contents) -> None:
        writer = TreeWriter(os.fsencode(folder), Limits())
        top, above = writer.prefix, b""
        for text, kind, size in self._entries:
            name = text.encode(*TEXT)
            path = top + name
            parent = name[: name.rfind(b"/") + 1]
            if parent != above:
                writer.make_folder(top + parent)
                above = parent
            if kind == SYMLINK:
                writer.link(path, b"".join(contents.pieces(size)))
                continue
            descriptor = os.open(path, CREATE, MODES[kind])
            try:
                for piece in contents.pieces(size):
                    write_all(descriptor, piece)
            finally:
                os.close(descriptor)
        for submodule, _ in self.rest.submodules:
            writer.make_folder(writer.prefix + submodule + b"/")

    def _listed(self) -> Any:
        """What is listed, when its checksum is right."""
        file = self._file
        left = file.seek(0, os.SEEK_END) - _TAIL.size
        if left < 0:
            raise DamagedTree
        file.seek(left)
        length, self._checksum, checksum, magic = _TAIL.unpack(file.read(_TAIL.size))
        self._length = left - length
        if magic != _MAGIC or self._length < 0:
            raise DamagedTree
        file.seek(self._length)
        listed = file.read(length)
        if zlib.crc32(listed) != checksum:
            raise DamagedTree
        return json.loads(listed)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


class _Contents:
    """Reads the contents once, from `file` where it stands; a context manager. Raises DamagedTree.

    When there is more than a block, a thread takes the checksum while the caller writes: zlib needs no interpreter lock.
    """

    def __init__(self, file: BinaryIO, length: int, checksum: int) -> None:
        self._file = file
        self._left = length
        self._expected = checksum
        self._found = 0
        self._block = memoryview(b"")
        self._at = 0
        self._unchecked: Queue[bytes] | None = Queue(_MOST_BLOCKS) if length > _BLOCK else None
        if 0 < length <= _BLOCK:
            self._next()
            self.finish()

    def pieces(self, size: int) -> Iterable[memoryview]:
        """The next `size` bytes, mostly in one piece."""
        start = self._at
        self._at += size
        return (self._block[start : self._at],) if self._at <= len(self._block) else self._across(start)

    def _across(self, start: int) -> Iterator[memoryview]:
        """From `start` of this block to the place in a later one that is so far behind."""
        while self._at > len(self._block):
            yield self._block[start:]
            start = 0
            self._at -= len(self._block)
            self._next()
        yield self._block[: self._at]

    def _next(self) -> None:
        try:
            block = self._file.read(min(self._left, _BLOCK))
        except OSError as error:
            raise DamagedTree from error
        if not block:
            raise DamagedTree
        self._left -= len(block)
        self._block = memoryview(block)
        if self._unchecked is None:
            self._found = zlib.crc32(block, self._found)
        else:
            self._unchecked.put(block)

    def _check(self, blocks: Queue[bytes]) -> None:
        while block := blocks.get():
            self._found = zlib.crc32(block, self._found)

    def finish(self) -> None:
        """Everything was read."""
        self._end()
        if self._left or self._found != self._expected:
            raise DamagedTree

    def _end(self) -> None:
        if self._unchecked is not None:
            self._unchecked.put(b"")
            self._thread.join()
            self._unchecked = None

    def __enter__(self) -> Self:
        if self._unchecked is not None:
            self._thread = threading.Thread(target=self._check, args=(self._unchecked,), daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
