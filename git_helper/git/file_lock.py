"""A lock that is a file: who holds it, holds what it stands for; who is killed leaves it, and that is noticed.

The kernel frees the lock itself when its holder dies. The file goes with the lock, so one that is there already was left.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys

from git_helper.system import files

if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _try_lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


HELD = (errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK)
"""The errors that say that another process, or thread, has the lock."""


def acquire(path: str) -> tuple[int, bool]:
    """A descriptor with the lock, and whether its file was there. Does not wait. Raises OSError, one of HELD among them."""
    # Its folder may be for everybody, so a link there may be somebody else's.
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
    was_there = False
    try:
        descriptor = os.open(path, flags | os.O_EXCL, 0o600)
    except FileExistsError:
        was_there = True
        descriptor = os.open(path, flags, 0o600)
    try:
        _try_lock(descriptor)
        # The file goes with the lock, so it may be another one by the time the lock is ours.
        if not files.is_same(descriptor, path):
            raise BlockingIOError(errno.EWOULDBLOCK, os.strerror(errno.EWOULDBLOCK))
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor, was_there


def release(descriptor: int, path: str) -> None:
    """Removes the file and frees the lock."""
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            if files.is_same(descriptor, path):  # else it is somebody else's by now (staging, at exit)
                os.unlink(path)
    os.close(descriptor)
