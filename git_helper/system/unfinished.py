"""Files that get their names when they are whole; none stays behind, also when the thread that writes it is cut off."""

from __future__ import annotations

import atexit
import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_paths: set[str] = set()
"""What is under way: threads may not live to remove it, but the process does."""


@contextlib.contextmanager
def temporary(path: str) -> Iterator[None]:
    """The file `path`, which is renamed in the block, or removed when that ends with an error."""
    _paths.add(path)
    try:
        yield
    except BaseException:
        _remove(path)
        raise
    finally:
        _paths.discard(path)


@atexit.register
def _remove_all() -> None:
    for path in tuple(_paths):
        _remove(path)


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)
