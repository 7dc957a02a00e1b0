"""A file in a folder of the person's: a name that is safe on every system, and contents that are whole or not there."""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import secrets
import shutil
import time

from git_helper.errors import GitHelperError, UsageError, reason
from git_helper.secret import visible

_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')
# Names that Windows gives to devices, with any ending.
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
_MOST_BYTES = 200
_STALE_SECONDS = 24 * 3600.0
_TEMPORARY = re.compile(r"\..+\.git-helper-[0-9a-f]{12}")
_swept: set[str] = set()
_unfinished: set[str] = set()
"""Temporary files under way: the threads that write them may not live to remove them."""


def safe_filename(name: str, shown: str) -> str:
    """`name` as it is when it is one plain file name everywhere. Raises UsageError; `shown`: where it comes from."""
    if not name:
        raise UsageError(f"cannot download '{shown}': its path names no file")
    hidden = name.startswith(".") or name != name.rstrip(". ")
    if hidden or _UNSAFE.search(name) or _DEVICE.fullmatch(name) or len(os.fsencode(name)) > _MOST_BYTES:
        raise UsageError(f"cannot download '{shown}': '{visible(name)}' is no safe file name")
    return name


def put(source: str, place: str) -> str:
    """Copies `source` to `place` (an absolute path), which shows all of it or what was there before; returns `place`.

    A copy, not a link: whoever edits it must not change the cache. Raises GitHelperError for the disk's errors.
    """
    folder, name = os.path.split(place)
    temporary = os.path.join(folder, f".{name}.git-helper-{secrets.token_hex(6)}")
    _unfinished.add(temporary)
    try:
        _prepare(folder)
        shutil.copyfile(source, temporary)
        os.replace(temporary, place)
        _unfinished.discard(temporary)
    except OSError as error:
        raise GitHelperError(f"cannot write '{visible(place)}': {reason(error)}") from error
    finally:
        if temporary in _unfinished:
            _remove(temporary)
            _unfinished.discard(temporary)
    return place


def _prepare(folder: str) -> None:
    """Makes the folder, and removes what killed runs left behind a day ago; once for each folder."""
    if folder in _swept and os.path.isdir(folder):
        return
    os.makedirs(folder, exist_ok=True)
    _swept.add(folder)
    with os.scandir(folder) as entries:
        found = [entry for entry in entries if _TEMPORARY.fullmatch(entry.name)]
    for entry in found:
        with contextlib.suppress(OSError):
            if entry.stat().st_mtime < time.time() - _STALE_SECONDS:
                os.unlink(entry.path)


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)


@atexit.register
def _remove_unfinished() -> None:
    for path in tuple(_unfinished):
        _remove(path)
