"""The cache of checked-out commits, by repository and commit: a commit's tree never changes, so it is fetched once.

`git-v1/<repository>/<commit>/tree`, the repository as a hash of its canonical identity (no user, no secret). All below a
folder of mode 0700: what needed a credential to be fetched is for the same person only.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from git_helper.errors import StoreError
from git_helper.git.staging import remove_tree
from git_helper.git.tree_rest import Rest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_helper.core.giturl import GitUrl
    from git_helper.core.reference import Oid

VERSION = "git-v1"
_USED = "used"
_LFS = "lfs"


@dataclass(frozen=True)
class Freed:
    """What was removed."""

    commits: int
    size: int


class ObjectCache:
    """The cache below `folder`, which is made when something is put there."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def place(self, url: GitUrl, commit: Oid) -> str:
        """Where the tree of the commit is or will be, an absolute path."""
        return os.path.join(self._repository(url), commit.hex, "tree")

    def has(self, url: GitUrl, commit: Oid) -> bool:
        """Whether the whole tree is there: it appears in one step."""
        return os.path.isdir(self.place(url, commit))

    def prepare(self, url: GitUrl, commit: Oid) -> str:
        """Makes the folders for `place`, for this person only, and returns it. Raises StoreError."""
        place = self.place(url, commit)
        try:
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            # `--cache-dir` may name a folder that others can read.
            os.makedirs(os.path.join(self.folder, VERSION), mode=0o700, exist_ok=True)
            os.makedirs(os.path.dirname(place), mode=0o700, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"cannot make the cache '{self.folder}': {(error.strerror or '').lower()}",
                "name another: --cache-dir DIR",
            ) from error
        return place

    def lfs_folder(self, url: GitUrl) -> str:
        """Where objects of Git LFS of the repository are."""
        return os.path.join(self._repository(url), _LFS)

    def note(self, url: GitUrl, commit: Oid, rest: Rest) -> None:
        """Keeps what the tree alone does not tell; before the tree appears. Raises OSError."""
        path = self._rest(url, commit)
        if rest == Rest():
            return
        with open(path + ".new", "wb") as file:
            file.write(rest.dump())
        os.replace(path + ".new", path)

    def rest(self, url: GitUrl, commit: Oid) -> Rest:
        """What `note` kept, nothing if it kept nothing."""
        try:
            with open(self._rest(url, commit), "rb") as file:
                return Rest.load(file.read())
        except FileNotFoundError:
            return Rest()

    def _rest(self, url: GitUrl, commit: Oid) -> str:
        return os.path.join(os.path.dirname(self.place(url, commit)), "rest.json")

    def touch(self, url: GitUrl, commit: Oid) -> None:
        """Notes that the commit was used now, for `prune`."""
        mark = os.path.join(os.path.dirname(self.place(url, commit)), _USED)
        with contextlib.suppress(OSError), open(mark, "wb"):
            pass

    def prune(self, seconds: float) -> Freed:
        """Removes commits that were not used for so long, and what killed runs left."""
        oldest = time.time() - seconds
        return self._remove([folder for folder in self._commits() if _last_used(folder) < oldest])

    def clean(self) -> Freed:
        """Removes everything."""
        freed = self._remove(list(self._commits()))
        remove_tree(os.path.join(self.folder, VERSION))
        return freed

    def _repository(self, url: GitUrl) -> str:
        key = hashlib.sha256(url.identity().encode()).hexdigest()[:32]
        return os.path.join(self.folder, VERSION, key)

    def _commits(self) -> Iterator[str]:
        top = os.path.join(self.folder, VERSION)
        for repository in _folders(top):
            yield from (folder for folder in _folders(repository) if os.path.basename(folder) != _LFS)

    def _remove(self, folders: list[str]) -> Freed:
        commits = size = 0
        for folder in folders:
            room = _size(folder)
            # Out of sight first, so that nobody takes a half-removed tree for a whole one.
            gone = f"{folder}.gone-{os.getpid()}"
            with contextlib.suppress(OSError):
                os.rename(folder, gone)
                remove_tree(gone)
                commits, size = commits + 1, size + room
            repository = os.path.dirname(folder)
            if all(os.path.basename(left) == _LFS for left in _folders(repository)):
                remove_tree(repository)  # its last commit is gone
        return Freed(commits, size)


def _folders(path: str) -> Iterator[str]:
    try:
        with os.scandir(path) as entries:
            yield from sorted(entry.path for entry in entries if entry.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return


def _last_used(folder: str) -> float:
    """Also of one that is being fetched just now: its temporary files change the folder."""
    times = [0.0]
    for name in (_USED, "tree", ""):
        with contextlib.suppress(OSError):
            times.append(os.stat(os.path.join(folder, name)).st_mtime)
    return max(times)


def _size(folder: str) -> int:
    size = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):  # another process may be removing it, too
                size += os.lstat(os.path.join(path, name)).st_size
    return size
