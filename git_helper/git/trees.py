"""A commit's tree where it is wanted, submodules and Git LFS included: from the cache, or by way of it from servers."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Protocol

from git_helper.errors import GitHelperError, Unreachable, UsageError
from git_helper.git import lfs_files
from git_helper.git.checkout import Repository, download_once
from git_helper.git.lfs import object_path
from git_helper.git.lfs_files import LfsAttributes
from git_helper.git.staging import staged
from git_helper.git.submodules import parse_gitmodules, submodule_url
from git_helper.git.tree_copy import copy_file, copy_tree
from git_helper.git.tree_rest import Rest
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

    from git_helper.core.giturl import GitUrl
    from git_helper.core.reference import Oid
    from git_helper.git.lfs_pointer import LfsPointer
    from git_helper.git.object_cache import ObjectCache
    from git_helper.git.staging import Staging

    class Job(Protocol):
        """One line of a progress display."""

        def received(self, size: int, done: int, count: int) -> None:
            """Bytes so far, objects so far, objects in all."""

    class LfsObjects(Protocol):
        """The LFS side of a repository; LfsClient is one."""

        def fetch(self, pointers: Iterable[LfsPointer], folder: str) -> None:
            """Puts what they stand for below `folder`."""


_DEEPEST = 32
"""Submodules in submodules."""


class Trees:
    """Puts trees on disk. `open_repository` opens a server's repository, `show` a line of progress with that title.

    `open_lfs` opens its LFS side, at another URL if there is one.
    """

    def __init__(
        self,
        open_repository: Callable[[GitUrl], Repository],
        open_lfs: Callable[[GitUrl, str | None], LfsObjects],
        cache: ObjectCache,
        show: Callable[[str], AbstractContextManager[Job]],
        *,
        offline: bool = False,
    ) -> None:
        self._open = open_repository
        self._open_lfs = open_lfs
        self._cache = cache
        self._show = show
        self._offline = offline

    def fetch(self, url: GitUrl, commit: Oid, destination: str) -> None:
        """Writes the tree to `destination`, whole or not at all; one that is there already is taken as it is.

        Raises what the servers, the trees and the disk give reason for, UsageError for submodules that cannot be used.
        """
        with staged(os.path.abspath(destination)) as staging:
            if staging is not None:
                staging.publish(self._staged(url, commit, staging, destination))

    def _staged(self, url: GitUrl, commit: Oid, staging: Staging, destination: str) -> str:
        """The tree in a folder of `staging`, made once more when `cache clean` of another process took away its source."""
        for name in ("tree", "again"):
            folder = staging.make(name, 0o777)
            try:
                self._write(url, commit, folder, 0)
            except OSError as error:
                if name == "tree" and not self._cache.has(url, commit):
                    continue
                reason = (error.strerror or type(error).__name__).lower()
                raise GitHelperError(f"cannot write '{visible(destination)}': {reason}") from error
            break
        return folder

    def _write(self, url: GitUrl, commit: Oid, folder: str, depth: int) -> None:
        copy_tree(self.cached(url, commit), folder)
        rest = self._cache.rest(url, commit)
        if rest.lfs:
            self._put_lfs(url, rest, os.fsencode(folder))
        for path, submodule, oid in _submodules(url, rest):
            if depth == _DEEPEST:
                raise UsageError(f"cannot use the submodule '{visible(path)}': it is one in {_DEEPEST} others")
            place = os.path.join(folder, os.fsdecode(path))
            with contextlib.suppress(FileExistsError):
                os.mkdir(place)
            self._write(submodule, oid, place, depth + 1)

    def _put_lfs(self, url: GitUrl, rest: Rest, folder: bytes) -> None:
        """The real files in place of the pointers that `.gitattributes` gives to Git LFS; the others are just text."""
        attributes = LfsAttributes(folder)
        wanted = [(path, pointer) for path, pointer in rest.lfs if attributes.is_tracked(path)]
        store = self._cache.lfs_folder(url)
        missing = [pointer for _, pointer in wanted if not os.path.exists(object_path(store, pointer.oid))]
        if missing:
            if self._offline:
                raise _not_cached(f"{len(missing)} files of Git LFS", url)
            os.makedirs(store, mode=0o700, exist_ok=True)
            self._open_lfs(url, lfs_files.endpoint(folder)).fetch(missing, store)
        for path, pointer in wanted:
            place = os.path.join(folder, path)
            executable = bool(os.stat(place).st_mode & 0o100)
            os.unlink(place)
            copy_file(os.fsencode(object_path(store, pointer.oid)), place, executable=executable)

    def cached(self, url: GitUrl, commit: Oid) -> str:
        """The tree in the cache, fetched if it is not there yet."""
        if not self._cache.has(url, commit):
            if self._offline:
                raise _not_cached(commit.hex, url)
            place = self._cache.prepare(url, commit)
            with self._show(url.display) as job:
                download_once(
                    self._open(url),
                    commit,
                    place,
                    progress=job.received,
                    note=lambda unpacked: self._cache.note(url, commit, Rest.of(unpacked)),
                )
        self._cache.touch(url, commit)
        return self._cache.place(url, commit)


def _submodules(url: GitUrl, rest: Rest) -> Iterator[tuple[bytes, GitUrl, Oid]]:
    """Path, URL and commit of each submodule. Raises UsageError for one that `.gitmodules` does not name: git does, too."""
    modules = parse_gitmodules(rest.gitmodules or b"") if rest.submodules else {}
    for path, oid in rest.submodules:
        if path not in modules:
            shown = visible(path)
            hint = f"tell the owner of '{url.masked_clone_url}'"
            raise UsageError(f"cannot use the submodule '{shown}': '.gitmodules' does not say where it is", hint)
        yield path, submodule_url(modules[path], url), oid


def _not_cached(what: str, url: GitUrl) -> Unreachable:
    message = f"cannot fetch {what} of '{url.masked_clone_url}': --offline, and it is not in the cache"
    return Unreachable(message, "run it once without --offline")
