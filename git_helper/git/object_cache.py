"""The cache of commits' trees, by repository and commit: a commit's tree never changes, so it is fetched once.

`git-v1/<repository>/<commit>.tree`, the repository as a hash of its canonical identity (no user, no secret). All below a
folder of mode 0700: what needed a credential to be fetched is for the same person only.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from typing import TYPE_CHECKING

from git_helper.errors import StoreError, reason
from git_helper.frozen import frozen
from git_helper.git import lfs_objects, stored_tree
from git_helper.git.staging import remove_tree, staged, unused
from git_helper.system.places import make_private

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_helper.core.giturl import GitUrl
    from git_helper.core.reference import Oid
    from git_helper.git.stored_tree import StoredTree, StoredTreeWriter

VERSION = "git-v1"
_TREE = ".tree"
_LOCK = _TREE + ".lock"
_LFS = "lfs"
_MOMENT = 60.0  # seconds


@frozen
class Freed:
    """What was removed; `size` in bytes."""

    commits: int
    size: int


class ObjectCache:
    """The cache below `folder`, which is made when something is put there."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def place(self, url: GitUrl, commit: Oid) -> str:
        """Where the tree of the commit is or will be, an absolute path."""
        return os.path.join(self._repository(url), commit.hex + _TREE)

    def has(self, url: GitUrl, commit: Oid) -> bool:
        """Whether the whole tree is there: it appears in one step."""
        return os.path.isfile(self.place(url, commit))

    def open(self, url: GitUrl, commit: Oid) -> StoredTree | None:
        """The tree, which counts as used now; None when it is not there, or damaged: then it is gone.

        Its `write` may still find it damaged: then `forget` is the caller's to call.
        """
        place = self.place(url, commit)
        try:
            tree = stored_tree.StoredTree(place)
        except FileNotFoundError:
            return None
        except (stored_tree.DamagedTree, OSError):
            self.forget(url, commit)
            return None
        with contextlib.suppress(OSError):
            os.utime(place)
        return tree

    def forget(self, url: GitUrl, commit: Oid) -> None:
        """Removes the tree, so that it is fetched again."""
        with contextlib.suppress(OSError):
            os.unlink(self.place(url, commit))

    @contextlib.contextmanager
    def adding(self, url: GitUrl, commit: Oid) -> Iterator[StoredTreeWriter | None]:
        """What takes the tree, to be finished by the caller; None when it is there now. Others wait. Raises StoreError."""
        self._make(os.path.join(self.folder, VERSION))
        with staged(self.place(url, commit), file=True, mode=0o700) as staging:
            if staging is None:
                yield None
                return
            path = os.path.join(staging.folder, "tree")
            with stored_tree.StoredTreeWriter(path) as writer:
                yield writer
            staging.publish(path)

    def lfs_folder(self, url: GitUrl) -> str:
        """Where objects of Git LFS of the repository are."""
        return os.path.join(self._repository(url), _LFS)

    def make_lfs_folder(self, url: GitUrl) -> str:
        """The same, made unless it is there. Raises StoreError."""
        folder = self.lfs_folder(url)
        self._make(folder)
        return folder

    def prune(self, seconds: float) -> Freed:
        """Removes commits that were not used for so long, and what killed runs left."""
        return self._remove(time.time() - seconds)

    def clean(self) -> Freed:
        """Removes everything but what is being fetched just now."""
        return self._remove(float("inf"))

    def _make(self, folder: str) -> None:
        """For its owner only: `--cache-dir` may name one that others can read."""
        try:
            make_private(folder)
        except OSError as error:
            raise StoreError(
                f"cannot make the cache '{self.folder}': {reason(error)}",
                "name another: --cache-dir DIR",
            ) from error

    def _repository(self, url: GitUrl) -> str:
        key = hashlib.sha256(url.identity().encode()).hexdigest()[:32]
        return os.path.join(self.folder, VERSION, key)

    def _remove(self, before: float) -> Freed:
        """What was used last before that moment."""
        commits = size = 0
        top = os.path.join(self.folder, VERSION)
        for repository in _names(top):
            folder = os.path.join(top, repository)
            known = commits
            for name in _names(folder):
                path = os.path.join(folder, name)
                if name.endswith(_LOCK):
                    with unused(os.path.join(folder, name[1 : -len(".lock")])):
                        pass  # what a killed run left is removed by that
                elif name.endswith(_TREE):
                    freed = _remove_old(path, before)
                    commits, size = commits + (freed is not None), size + (freed or 0)
            lfs_objects.sweep(os.path.join(folder, _LFS))
            left = _names(folder)
            if left == [_LFS] or (not left and (commits > known or _is_left(folder))):
                size += _size(os.path.join(folder, _LFS))
                with contextlib.suppress(OSError):  # another process may begin just now
                    remove_tree(os.path.join(folder, _LFS))
                    os.rmdir(folder)
        if commits or _is_left(top):
            with contextlib.suppress(OSError):
                os.rmdir(top)
        return Freed(commits, size)


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _is_left(folder: str) -> bool:
    """Whether nobody made this folder just now, to put something there: to take it away again and again would be a race."""
    try:
        return os.stat(folder).st_mtime < time.time() - _MOMENT
    except OSError:
        return False


def _remove_old(path: str, before: float) -> int | None:
    """Its size, unless it is younger or cannot be removed: whoever reads it on Windows holds it."""
    try:
        status = os.stat(path)
        if status.st_mtime >= before:
            return None
        os.unlink(path)
    except OSError:
        return None
    return status.st_size


def _size(folder: str) -> int:
    size = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):  # another process may be removing it, too
                size += os.lstat(os.path.join(path, name)).st_size
    return size
