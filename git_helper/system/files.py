"""Files that appear whole or not at all: folders of our own, locks, atomic replacement.

Only what writes loads this module; a `get` reads without it (see `places.py`).
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from typing import TYPE_CHECKING

from git_helper.errors import StoreError, Timeout, reason
from git_helper.system.places import make_private

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOCK_SECONDS = 10.0

if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _try_lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def private_folder(path: str) -> None:
    """Makes the folder and what is missing above it, for their owner only (mode 0700). Raises StoreError."""
    try:
        make_private(path)
    except OSError as error:
        raise StoreError(f"cannot make the folder '{path}': {reason(error)}") from error


@contextlib.contextmanager
def locked(path: str, seconds: float = LOCK_SECONDS) -> Iterator[None]:
    """Holds the lock beside `path` (`path`.lock). The kernel frees it when its holder dies, so it cannot go stale.

    Whoever holds it may remove the lock's file: that says there is nothing more to lock. Raises Timeout after `seconds`.
    """
    deadline = time.monotonic() + seconds
    descriptor = _locked_once(path, deadline)
    while not is_same(descriptor, path + ".lock"):  # it was removed while we waited
        os.close(descriptor)
        descriptor = _locked_once(path, deadline)
    try:
        yield
    finally:
        os.close(descriptor)


def is_same(descriptor: int, path: str) -> bool:
    """Whether the open file is (still) the one at `path`."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _locked_once(path: str, deadline: float) -> int:
    try:
        descriptor = _opened(path + ".lock")
    except OSError as error:
        raise StoreError(f"cannot lock '{path}': {reason(error)}") from error
    try:
        _wait_for(descriptor, path, deadline)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _opened(path: str) -> int:
    """Makes the folder only when there is none: most often there is one. Raises OSError, StoreError."""
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
    try:
        return os.open(path, flags, 0o600)
    except FileNotFoundError:
        private_folder(os.path.dirname(path))
        return os.open(path, flags, 0o600)


def _wait_for(descriptor: int, path: str, deadline: float) -> None:
    pause = 0.001
    while True:
        try:
            _try_lock(descriptor)
            return
        except OSError as error:
            if time.monotonic() >= deadline:
                raise Timeout(f"cannot lock '{path}': another process holds it") from error
        time.sleep(pause)
        pause = min(pause * 2, 0.05)


def replace(path: str, content: bytes) -> None:
    """Puts `content` in place of `path` (mode 0600) in one step, on disk before it is visible.

    A symbolic link stays; the file that it names is replaced. For files that nobody else writes at the same time, or
    under the lock: the temporary sibling has one name, so that no killed process leaves more than one, for the next to
    overwrite. Raises StoreError; then `path` is as it was.
    """
    target = os.path.realpath(path)
    private_folder(os.path.dirname(target))
    temporary = target + ".new"
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise StoreError(f"cannot write '{path}': {reason(error)}") from error


def edit(path: str, change: Callable[[bytes | None], bytes | None]) -> None:
    """Under its lock, `path` becomes what `change` makes of its content (None: there is no file, or leave it as it is)."""
    with locked(path):
        after = change(read(path))
        if after is not None:
            replace(path, after)


def read(path: str, most: int = -1) -> bytes | None:
    """The file's bytes; None when there is no such file. Raises StoreError, also when there are more than `most`."""
    try:
        with open(path, "rb") as file:
            content = file.read(-1 if most < 0 else most + 1)
            if 0 <= most < len(content):
                raise StoreError(f"cannot read '{path}': it has more than {most} bytes")
            return content
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"cannot read '{path}': {reason(error)}") from error


def keep_aside(path: str, content: bytes) -> str:
    """Writes a damaged file's bytes beside it under a name of its own and returns that name; nothing is lost."""
    aside = f"{path}.damaged-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    replace(aside, content)
    return aside
