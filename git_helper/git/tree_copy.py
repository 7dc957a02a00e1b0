"""A folder's files, modes and symbolic links once more: from the cache to where they are wanted."""

from __future__ import annotations

import os
import shutil
import stat
import sys

BLOCK = 1 << 24  # bytes


def copy_tree(source: str, destination: str) -> None:
    """Copies what is in `source` into `destination`, an empty folder. Times are not kept: the copy is new.

    Never a hard link: whoever edits the copy must not edit the cache. Raises OSError.
    """
    folders = [(os.fsencode(source), os.fsencode(destination))]
    for old, new in folders:  # grows on the way
        with os.scandir(old) as entries:
            for entry in entries:
                target = os.path.join(new, entry.name)
                if entry.is_symlink():
                    os.symlink(os.readlink(entry.path), target)
                elif entry.is_dir(follow_symlinks=False):
                    os.mkdir(target)
                    folders.append((entry.path, target))
                else:
                    copy_file(entry.path, target, executable=bool(entry.stat().st_mode & stat.S_IXUSR))


def copy_file(source: bytes, target: bytes, *, executable: bool) -> None:
    """A new file with the content of `source`, its mode as git gives it under the umask. Raises OSError."""
    reader = os.open(source, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        mode = 0o777 if executable else 0o666
        writer = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
        try:
            _copy_content(reader, writer, source, target)
        finally:
            os.close(writer)
    finally:
        os.close(reader)


def _copy_content(reader: int, writer: int, source: bytes, target: bytes) -> None:
    """By the kernel where it can (shared blocks on some file systems); copy_file_range(2) fails at once where not."""
    if sys.platform == "linux":
        try:
            while os.copy_file_range(reader, writer, BLOCK):
                pass
        except OSError:
            pass
        else:
            return
    shutil.copyfile(source, target)
