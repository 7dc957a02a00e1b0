"""A folder or file that appears whole or not at all: a lock, a temporary sibling, one rename (6-ssh-and-clone §6).

Files are not fsynced, as git does not for work trees: a tree that a power cut harms can be fetched again, and thousands
of fsyncs would cost more than the download.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import os
import re
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, NoReturn

from git_helper.errors import GitHelperError, Timeout, UsageError, reason
from git_helper.git import file_lock
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

WAIT_SECONDS = 600.0
_LONGEST_NAME = 200
_TEMPORARY = r"\.tmp-[0-9a-f]{12}"
_MOST_VANISHED = 10


class Staging:
    """The temporary sibling `folder` (mode 0700) of one destination, while its lock is held."""

    def __init__(self, destination: str, folder: str) -> None:
        self.folder = folder
        self.destination = destination
        self._scratches = 0

    def make(self, name: str, mode: int) -> str:
        """A new folder in it; the umask applies."""
        path = os.path.join(self.folder, name)
        os.mkdir(path, mode)
        return path

    def make_scratch(self) -> str:
        """A new folder for what is needed meanwhile."""
        self._scratches += 1
        return self.make(f"scratch{self._scratches}", 0o700)

    def publish(self, path: str) -> None:
        """Puts what is at `path` at the destination, in one step."""
        with contextlib.suppress(FileNotFoundError):
            os.rmdir(self.destination)  # an empty one may be there, and Windows renames onto nothing
        os.rename(path, self.destination)


@contextlib.contextmanager
def staged(
    destination: str, seconds: float = WAIT_SECONDS, *, file: bool = False, mode: int = 0o777
) -> Iterator[Staging | None]:
    """Holds the lock of `destination`, an absolute path; None when it is there already and, unless it is a `file`, not empty.

    Folders above it that are missing get `mode`. Left-overs of runs that were killed are removed, and on the way out all that
    was not published. Raises Timeout when another process holds the lock for `seconds`, UsageError when a file is in the
    way, GitHelperError for the disk's errors.
    """
    parent, prefix = _split(destination)
    lock_path = os.path.join(parent, prefix + ".lock")
    with disk_errors(destination):
        lock, was_there, made = _lock(lock_path, destination, seconds, mode)
    folder = os.path.join(parent, f"{prefix}.tmp-{os.urandom(6).hex()}")
    unfinished = (folder, lock_path, made)
    _unfinished.add(unfinished)
    published = False
    try:
        with disk_errors(destination):
            if was_there:
                _sweep(parent, prefix)
            if os.path.lexists(destination) if file else _is_there(destination):
                published = True
                yield None
                return
            os.mkdir(folder, 0o700)
            try:
                yield Staging(destination, folder)
                published = True
            finally:
                try:
                    os.rmdir(folder)  # mostly all was published
                except OSError:
                    remove_tree(folder)
    finally:
        file_lock.release(lock, lock_path)
        _unfinished.discard(unfinished)
        if not published:
            _remove_parents(parent, made)


@contextlib.contextmanager
def unused(destination: str) -> Iterator[bool]:
    """Holds the lock of `destination` unless another one does: then False. What killed runs left there is removed."""
    parent, prefix = _split(destination)
    lock_path = os.path.join(parent, prefix + ".lock")
    try:
        lock, was_there = file_lock.acquire(lock_path)
    except OSError:
        yield False
        return
    try:
        if was_there:
            _sweep(parent, prefix)
        yield True
    finally:
        file_lock.release(lock, lock_path)


_unfinished: set[tuple[str, str, str | None]] = set()
"""Temporary folder, lock and topmost new parent of what is under way: threads may not live to remove them."""


@atexit.register
def _remove_unfinished() -> None:
    for folder, lock, made in tuple(_unfinished):
        # A thread that still writes there loses its way, and the next run sweeps this name, too.
        gone = f"{folder.rpartition('-')[0]}-{os.urandom(6).hex()}"
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
def disk_errors(destination: str) -> Iterator[None]:
    """Says of OSError that `destination` cannot be written. Raises GitHelperError."""
    try:
        yield
    except OSError as error:
        raise GitHelperError(f"cannot write '{visible(destination)}': {reason(error)}") from error


def _is_there(destination: str) -> bool:
    if not os.path.lexists(destination):
        return False
    if not os.path.isdir(destination) or os.path.islink(destination):
        raise UsageError(f"cannot write '{visible(destination)}': a file of this name is there")
    with os.scandir(destination) as entries:
        return next(entries, None) is not None


def _split(destination: str) -> tuple[str, str]:
    """The folder above, and how the names begin that are ours there."""
    parent, name = os.path.split(destination)
    return parent, "." + os.fsdecode(os.fsencode(name)[:_LONGEST_NAME])


def _sweep(parent: str, prefix: str) -> None:
    """Removes what killed runs left in `parent`. Nobody else uses it while the lock is held.

    Only what is our own: in a folder for everybody others can leave things of this name, too, and links.
    """
    pattern = re.compile(re.escape(prefix) + _TEMPORARY)
    with os.scandir(parent) as entries:
        stale = [entry.path for entry in entries if pattern.fullmatch(entry.name) and _is_our_folder(entry)]
    for path in stale:
        remove_tree(path)


def _is_our_folder(entry: os.DirEntry[str]) -> bool:
    if not entry.is_dir(follow_symlinks=False):
        return False
    return sys.platform == "win32" or entry.stat(follow_symlinks=False).st_uid == os.geteuid()


def _make_parents(parent: str, mode: int) -> str | None:
    """Makes the folder and those above it; the topmost one that was not there."""
    missing, path = [], parent
    while not os.path.isdir(path) and os.path.dirname(path) != path:
        missing.append(path)
        path = os.path.dirname(path)
    for path in reversed(missing):
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, mode)
    return missing[-1] if missing else None


def _remove_parents(parent: str, topmost: str | None) -> None:
    path = parent
    with contextlib.suppress(OSError):  # somebody may have put something there
        while topmost is not None and len(path) >= len(topmost):
            os.rmdir(path)
            path = os.path.dirname(path)


def _lock(path: str, destination: str, seconds: float, mode: int) -> tuple[int, bool, str | None]:
    """A descriptor with the lock, whether its file was there (who is killed leaves it), the topmost folder made for it."""
    deadline = time.monotonic() + seconds
    pause, vanished, made = 0.001, 0, None
    while True:
        try:
            made = _make_parents(os.path.dirname(path), mode) or made
            return *file_lock.acquire(path), made
        except OSError as error:
            # Who ends removes the folder, too, when it is empty then.
            vanished += error.errno == errno.ENOENT
            if error.errno not in (*file_lock.HELD, errno.ENOENT) or vanished > _MOST_VANISHED:
                raise
            if time.monotonic() >= deadline:
                message = (
                    f"cannot write '{visible(destination)}': another process has been at it for {seconds:g} seconds"
                )
                raise Timeout(message) from error
        time.sleep(pause)
        pause = min(pause * 2, 0.05)
