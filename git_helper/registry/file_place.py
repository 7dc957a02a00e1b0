"""A file in a folder of the person's: a name that is safe on every system, and contents that are whole or not there."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import time

from git_helper.errors import GitHelperError, UsageError, reason
from git_helper.secret import visible
from git_helper.system import unfinished

_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')
# Names that Windows gives to devices, with any ending.
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
_MOST_BYTES = 200
_STALE_SECONDS = 24 * 3600.0
_TEMPORARY = re.compile(r"\..+\.git-helper-[0-9a-f]{12}")
_swept: set[str] = set()


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
    path = os.path.join(folder, f".{name}.git-helper-{secrets.token_hex(6)}")
    try:
        _prepare(folder)
        with unfinished.temporary(path):
            shutil.copyfile(source, path)
            os.replace(path, place)
    except OSError as error:
        raise GitHelperError(f"cannot write '{visible(place)}': {reason(error)}") from error
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
