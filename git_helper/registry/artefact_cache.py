"""Artefacts by their digest: what has been fetched and verified once is not fetched again.

`files-v1/sha256/<digest>` and links to it under other strong digests' names; `files-v1/partial/<key>` is what has arrived of
a file so far, the key a hash of its URL. All below a folder of mode 0700, as for Git trees; nothing of a URL is kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from typing import TYPE_CHECKING

from git_helper.errors import StoreError, Timeout, reason
from git_helper.frozen import frozen
from git_helper.registry.hashing import digests_of
from git_helper.registry.partial_file import PartialFile
from git_helper.system import files
from git_helper.system.places import make_private

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from git_helper.core.digests import Digests

VERSION = "files-v1"
_PARTIAL = "partial"
_WAIT_SECONDS = 600.0


@frozen
class Freed:
    """What was removed: files, and their bytes."""

    files: int = 0
    size: int = 0


@frozen
class Kept:
    """A verified file in the cache: its path, and digests by algorithm."""

    path: str
    digests: Mapping[str, str]


class ArtefactCache:
    """The cache below `folder`, which is made when something is put there. Safe for several processes."""

    def __init__(self, folder: str) -> None:
        self.folder = os.path.join(folder, VERSION)

    def find(self, digests: Digests) -> Kept | None:
        """A file that has one of the strong digests and meets all others; its bytes are checked anew."""
        for name, value in digests.strong:
            path = self._place(name, value)
            try:
                found = digests_of(path, digests.algorithms)
            except OSError:
                continue
            if digests.are_met(found):
                with contextlib.suppress(OSError):
                    os.utime(path)
                return Kept(path, found)
            with contextlib.suppress(OSError):
                os.unlink(path)  # the disk has changed it
        return None

    @contextlib.contextmanager
    def partial(self, url: str) -> Iterator[PartialFile]:
        """What has arrived from `url` so far, for nobody else meanwhile. Raises Timeout, StoreError."""
        self._made(_PARTIAL)
        path = os.path.join(self.folder, _PARTIAL, hashlib.sha256(url.encode("utf-8", "surrogateescape")).hexdigest())
        with files.locked(path, _WAIT_SECONDS):
            yield PartialFile(path)

    def keep(self, partial: PartialFile, found: Mapping[str, str]) -> Kept:
        """Moves what is whole and verified to its place, and returns that. Raises StoreError."""
        path = self._place("sha256", found["sha256"])
        try:
            self._made("sha256")
            partial.move(path)
            for name, value in found.items():
                if name in ("sha384", "sha512"):
                    self._made(name)
                    with contextlib.suppress(FileExistsError):
                        os.link(path, self._place(name, value))
        except OSError as error:
            raise StoreError(f"cannot write to the cache '{self.folder}': {reason(error)}") from error
        return Kept(path, found)

    def prune(self, seconds: float) -> Freed:
        """Removes what was not used for so long."""
        return self._remove(time.time() - seconds)

    def clean(self) -> Freed:
        """Removes everything."""
        freed = self._remove(None)
        for folder, _, _ in os.walk(self.folder, topdown=False):
            with contextlib.suppress(OSError):  # a partial file in use stays, and its folder
                os.rmdir(folder)
        return freed

    def _remove(self, before: float | None) -> Freed:
        count = size = 0
        for folder, _, names in os.walk(self.folder):
            if os.path.basename(folder) == _PARTIAL:
                removed = [
                    self._remove_partial(os.path.join(folder, key), before) for key in {name[:64] for name in names}
                ]
            else:
                removed = [_remove_file(os.path.join(folder, name), before) for name in names]
            found = [one for one in removed if one is not None]
            count, size = count + len(found), size + sum(found)
        return Freed(count, size)

    def _remove_partial(self, path: str, before: float | None) -> int | None:
        """As `_remove_file`, with what lies beside it; nothing while somebody is at it."""
        with contextlib.suppress(Timeout), files.locked(path, 0):
            freed = _remove_file(path, before)
            if not os.path.exists(path):
                PartialFile(path).forget()
                with contextlib.suppress(OSError):  # Windows removes no open file
                    os.unlink(path + ".lock")
            return freed
        return None

    def _place(self, name: str, value: str) -> str:
        return os.path.join(self.folder, name, value)

    def _made(self, name: str) -> None:
        """Sees to it that there is this folder."""
        if os.path.isdir(os.path.join(self.folder, name)):
            return
        try:
            make_private(os.path.join(self.folder, name))  # `--cache-dir` may name a folder that others can read
        except OSError as error:
            hint = "name another: --cache-dir DIR"
            raise StoreError(f"cannot make the cache '{self.folder}': {reason(error)}", hint) from error


def _remove_file(path: str, before: float | None) -> int | None:
    """The bytes that are free now; None if the file stays, or is gone."""
    with contextlib.suppress(OSError):
        status = os.stat(path)
        if before is None or status.st_mtime < before:
            os.unlink(path)
            return status.st_size // status.st_nlink
    return None
