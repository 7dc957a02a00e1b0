"""The folder of objects of Git LFS, as git-lfs has it: `aa/bb/<oid>`, each whole or not there.

What is still coming is a file `.new-…` beside, locked by who writes it: the kernel frees the lock of whoever is killed, and
the next run, or `cache prune`, removes what it left.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import sys
from typing import TYPE_CHECKING

from git_helper.git import file_lock
from git_helper.system import unfinished

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

_NEW = re.compile(r"\.new-[0-9a-z_]+")


def object_path(folder: str, oid: str) -> str:
    """Where an object is below `folder`."""
    return os.path.join(folder, oid[:2], oid[2:4], oid)


@contextlib.contextmanager
def arriving(path: str) -> Iterator[BinaryIO]:
    """A file for what will be at `path`, which gets that name when the block ends without an error. Raises OSError."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    temporary = os.path.join(os.path.dirname(path), f".new-{secrets.token_hex(8)}")
    with unfinished.temporary(temporary):
        descriptor, _ = file_lock.acquire(temporary)
        with open(descriptor, "wb") as file:
            yield file
            file.flush()
            if sys.platform != "win32":  # while nobody else can take it for a left-over
                os.replace(temporary, path)
        if sys.platform == "win32":  # where no open file can be renamed
            os.replace(temporary, path)


def sweep(folder: str) -> None:
    """Removes what runs that were killed left below `folder`. What others are writing stays."""
    for path, _, names in os.walk(folder):
        for name in names:
            if _NEW.fullmatch(name):
                _remove_left(os.path.join(path, name))


def _remove_left(path: str) -> None:
    with contextlib.suppress(OSError):  # somebody has the lock; on Windows an open file stays anyway
        if sys.platform == "win32":
            os.unlink(path)
        else:
            descriptor, _ = file_lock.acquire(path)
            file_lock.release(descriptor, path)
