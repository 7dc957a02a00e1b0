"""A folder that appears whole or not at all: a lock, a temporary sibling, one rename (6-ssh-and-clone §6).

Files are not fsynced, as git does not for work trees: a tree that a power cut harms can be fetched again, and thousands
of fsyncs would cost more than the download.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import os
import re
import secrets
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, NoReturn

from git_helper.errors import GitHelperError, Timeout, UsageError
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _try_lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


WAIT_SECONDS = 600.0
_LONGEST_NAME = 200
_TEMPORARY = r"\.tmp-[0-9a-f]{12}"
_HELD = (errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK)


class Staging:
    """The temporary sibling `folder` (mode 0700) of one destination, while its lock is held."""

    def __init__(self, destination: str, folder: str) -> None:
        self.folder = folder
        self._destination = destination

    def make(self, name: str, mode: int) -> str:
        """A new folder in it; the umask applies."""
        path = os.path.join(self.folder, name)
        os.mkdir(path, mode)
        return path

    def publish(self, folder: str) -> None:
        """Puts `folder` at the destination, in one step."""
        with contextlib.suppress(FileNotFoundError):
            os.rmdir(self._destination)  # an empty one may be there, and Windows renames onto nothing
        os.rename(folder, self._destination)


@contextlib.contextmanager
def staged(destination: str, seconds: float = WAIT_SECONDS) -> Iterator[Staging | None]:
    """Holds the lock of `destination`, an absolute path; None when it is there already and not empty.

    Left-overs of runs that were killed are removed, and on the way out all that was not published. Raises Timeout when
    another process holds the lock for `seconds`, UsageError when a file is in the way, GitHelperError for the disk's errors.
    """
    parent, name = os.path.split(destination)
    prefix = "." + os.fsdecode(os.fsencode(name)[:_LONGEST_NAME])
    made = None
    with _disk_errors(destination):
        made = _make_parents(parent)
        lock = _acquire(os.path.join(parent, prefix + ".lock"), destination, seconds)
    folder = os.path.join(parent, f"{prefix}.tmp-{secrets.token_hex(6)}")
    unfinished = (folder, os.path.join(parent, prefix + ".lock"), made)
    _unfinished.add(unfinished)
    published = False
    try:
        with _disk_errors(destination):
            _sweep(parent, prefix)
            if _is_there(destination):
                published = True
                yield None
                return
            os.mkdir(folder, 0o700)
            try:
                yield Staging(destination, folder)
                published = True
            finally:
                remove_tree(folder)
    finally:
        _release(lock, os.path.join(parent, prefix + ".lock"))
        _unfinished.discard(unfinished)
        if not published:
            _remove_parents(parent, made)


_unfinished: set[tuple[str, str, str | None]] = set()
"""Temporary folder, lock and topmost new parent of what is under way: threads may not live to remove them."""


@atexit.register
def _remove_unfinished() -> None:
    for folder, lock, made in tuple(_unfinished):
        # A thread that still writes there loses its way, and the next run sweeps this name, too.
        gone = f"{folder.rpartition('-')[0]}-{secrets.token_hex(6)}"
        with contextlib.suppress(OSError):
            os.rename(folder, gone)
            remove_tree(gone)
        if sys.platform != "win32":
            with contextlib.suppress(OSError):
                os.unlink(lock)
        _remove_parents(os.path.dirname(folder), made)


@contextlib.contextmanager
def ending_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end what runs inside in order, by SystemExit. Only in the main thread, elsewhere nothing happens."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {}
    for number in (getattr(signal, name) for name in names):
        if signal.getsignal(number) == signal.SIG_DFL:
            before[number] = signal.signal(number, _end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def remove_tree(path: str | bytes) -> None:
    """Removes a folder of ours with all that is in it, however deep; links are removed, not followed."""
    folders: list[bytes] = [os.fsencode(path)]
    for folder in folders:  # grows on the way
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    else:
                        os.unlink(entry.path)
        except FileNotFoundError:
            continue
    for folder in reversed(folders):
        with contextlib.suppress(FileNotFoundError):
            os.rmdir(folder)


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)  # a second one would interrupt the cleaning
    raise SystemExit(128 + number)


@contextlib.contextmanager
def _disk_errors(destination: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise GitHelperError(f"cannot write '{visible(destination)}': {reason.lower()}") from error


def _is_there(destination: str) -> bool:
    if not os.path.lexists(destination):
        return False
    if not os.path.isdir(destination) or os.path.islink(destination):
        raise UsageError(f"cannot write '{visible(destination)}': a file of this name is there")
    with os.scandir(destination) as entries:
        return next(entries, None) is not None


def _sweep(parent: str, prefix: str) -> None:
    """Under the lock nobody else uses these."""
    with os.scandir(parent) as entries:
        pattern = re.compile(re.escape(prefix) + _TEMPORARY)
        stale = [entry.path for entry in entries if pattern.fullmatch(entry.name)]
    for path in stale:
        remove_tree(path)


def _make_parents(parent: str) -> str | None:
    """Makes the folder and those above it; the topmost one that was not there."""
    topmost, path = None, parent
    while not os.path.isdir(path) and os.path.dirname(path) != path:
        topmost, path = path, os.path.dirname(path)
    os.makedirs(parent, exist_ok=True)
    return topmost


def _remove_parents(parent: str, topmost: str | None) -> None:
    path = parent
    with contextlib.suppress(OSError):  # somebody may have put something there
        while topmost is not None and len(path) >= len(topmost):
            os.rmdir(path)
            path = os.path.dirname(path)


def _acquire(path: str, destination: str, seconds: float) -> int:
    """A descriptor with the lock. The file goes with the lock, so it may be another one by the time the lock is ours."""
    deadline = time.monotonic() + seconds
    pause = 0.001
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        try:
            _try_lock(descriptor)
            if _is_same(descriptor, path):
                return descriptor
        except OSError as error:
            if error.errno not in _HELD or time.monotonic() >= deadline:
                os.close(descriptor)
                if error.errno not in _HELD:
                    raise
                message = (
                    f"cannot write '{visible(destination)}': another process has been at it for {seconds:g} seconds"
                )
                raise Timeout(message) from error
        os.close(descriptor)
        time.sleep(pause)
        pause = min(pause * 2, 0.05)


def _release(descriptor: int, path: str) -> None:
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            os.unlink(path)
    os.close(descriptor)


def _is_same(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False
