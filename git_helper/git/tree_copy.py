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
                if entry.is_file(follow_symlinks=False):
                    copy_file(entry.path, target)
                elif entry.is_symlink():
                    os.symlink(os.readlink(entry.path), target)
                else:
                    os.mkdir(target)
                    folders.append((entry.path, target))


def copy_file(source: bytes, target: bytes, *, executable: bool | None = None) -> None:
    """A new file with the content of `source`, its mode as git gives it under the umask. Raises OSError.

    executable: None for as `source` is.
    """
    reader = os.open(source, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        status = os.fstat(reader)
        mode = 0o777 if (status.st_mode & stat.S_IXUSR if executable is None else executable) else 0o666
        writer = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
        try:
            if not _copy_by_kernel(reader, writer, status.st_size):
                shutil.copyfile(source, target)
        finally:
            os.close(writer)
    finally:
        os.close(reader)


def _copy_by_kernel(reader: int, writer: int, size: int) -> bool:
    """Whether all was copied; shared blocks on some file systems. copy_file_range(2) fails at once where it cannot."""
    if sys.platform != "linux":
        return False
    try:
        # Its size is known, so that a small file needs one call.
        while size and (done := os.copy_file_range(reader, writer, min(size, BLOCK))):
            size -= done
    except OSError:
        return False
    return not size
