"""Files, links and folders of a tree, written as git does: modes by the umask, nothing ever replaced or followed."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, BinaryIO, Protocol

from git_helper.git.pack_errors import Limits, TooBig, UnsafeTree
from git_helper.git.tree_entries import SYMLINK

if TYPE_CHECKING:
    from io import FileIO

CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL
CREATE |= getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
MODES = (0o666, 0o777)
_BLOCK = 1 << 20
_LONGEST_LINK = 4096
_NO_RIGHT_TO_LINK = 1314  # ERROR_PRIVILEGE_NOT_HELD


class Kept(Protocol):
    """Keeps what is written; StoredTreeWriter does."""

    def add(self, path: bytes, kind: int, content: bytes) -> None:
        """A file or a link, at a relative path."""

    def add_file(self, path: bytes, kind: int, source: bytes) -> None:
        """A file with the content of `source`."""


class TreeWriter:
    """Writes below `folder`, which exists and is empty; `kept` hears of it.

    Paths are absolute bytes, prefixes end in `/`. Raises OSError.
    """

    def __init__(self, folder: bytes, limits: Limits, kept: Kept | None = None) -> None:
        self.prefix = folder + b"/"
        self.written = 0
        """Bytes of the files."""
        self._limits = limits
        self._kept = kept
        self._made = {self.prefix}

    def make_folder(self, prefix: bytes) -> None:
        """Makes the folder and those above it."""
        missing: list[bytes] = []
        while prefix not in self._made:
            missing.append(prefix)
            prefix = prefix[: prefix.rindex(b"/", 0, -1) + 1]
        for prefix in reversed(missing):
            os.mkdir(prefix)
            self._made.add(prefix)

    def write(self, path: bytes, content: bytes, executable: int) -> None:
        """A file in a folder that was made."""
        if self._kept is not None:
            self._kept.add(path[len(self.prefix) :], executable, content)
        self._write(path, content, executable)

    def _write(self, path: bytes, content: bytes, executable: int) -> None:
        self._count(len(content))
        descriptor = os.open(path, CREATE, MODES[executable])
        try:
            write_all(descriptor, content)
        finally:
            os.close(descriptor)

    def copy(self, source: bytes, path: bytes, executable: int) -> None:
        """A file with the content of another one."""
        with open(source, "rb", buffering=0) as before:
            self.write_from(path, before, os.fstat(before.fileno()).st_size, executable)

    def write_from(self, path: bytes, source: FileIO | BinaryIO, size: int, executable: int) -> None:
        """A file with the next `size` bytes of `source`."""
        self._count(size)
        with open(os.open(path, CREATE, MODES[executable]), "wb", buffering=0) as file:
            while size and (block := source.read(min(size, _BLOCK))):
                write_all(file.fileno(), block)
                size -= len(block)
        self._keep_file(path, executable)

    def move(self, source: bytes, path: bytes, executable: int) -> None:
        """Puts a file there that was made by open(), so that the umask has had its say but for execution."""
        status = os.stat(source)
        self._count(status.st_size)
        if executable:
            os.chmod(source, status.st_mode & 0o777 | (status.st_mode & 0o444) >> 2)
        if os.path.lexists(path):
            raise FileExistsError(f"'{os.fsdecode(path)}' exists")
        os.rename(source, path)
        self._keep_file(path, executable)

    def link(self, path: bytes, target: bytes) -> None:
        """A symbolic link; where Windows does not let us, a file with its target, as git does (core.symlinks)."""
        if not target or b"\0" in target or len(target) > _LONGEST_LINK:
            raise UnsafeTree(path[len(self.prefix) :], "no file system can have this symbolic link")
        if self._kept is not None:
            self._kept.add(path[len(self.prefix) :], SYMLINK, target)
        self._count(0)
        if sys.platform == "win32":
            try:
                os.symlink(os.fsdecode(target), os.fsdecode(path))
            except OSError as error:
                if error.winerror != _NO_RIGHT_TO_LINK:
                    raise
                self._write(path, target, 0)
        else:
            os.symlink(target, path)

    def _keep_file(self, path: bytes, executable: int) -> None:
        if self._kept is not None:
            self._kept.add_file(path[len(self.prefix) :], executable, path)

    def _count(self, size: int) -> None:
        self.written += size
        if self.written > self._limits.written:
            raise TooBig("the size of all files is", self.written, self._limits.written)


def write_all(descriptor: int, content: bytes | memoryview) -> None:
    """All of it, also where one call takes only a part (signals, a disk that is nearly full)."""
    written = os.write(descriptor, content) if content else 0
    while written < len(content):
        written += os.write(descriptor, memoryview(content)[written:])
