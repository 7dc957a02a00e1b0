"""A commit's tree where it is wanted, submodules and Git LFS included: from the cache, or by way of it from servers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

from git_helper.errors import StoreError, Timeout, Unreachable, UsageError
from git_helper.git import checkout, lfs_files, lfs_objects, submodules
from git_helper.git.pack_errors import Limits
from git_helper.git.staging import disk_errors, remove_tree, staged
from git_helper.git.stored_tree import DamagedTree
from git_helper.git.tree_rest import Rest
from git_helper.git.tree_writer import TreeWriter
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

    from git_helper.core.giturl import GitUrl
    from git_helper.core.reference import Oid
    from git_helper.git.checkout import Repository
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


class _NotKeptError(Exception):
    """The cache has not all of a tree."""


class Trees:
    """Puts trees on disk. `open_repository` opens a server's repository, `show` a line of progress with that title.

    `open_lfs` opens its LFS side, at another URL if there is one. Without `lfs`, its pointers stay.
    """

    def __init__(
        self,
        open_repository: Callable[[GitUrl], Repository],
        open_lfs: Callable[[GitUrl, str | None], LfsObjects],
        cache: ObjectCache,
        show: Callable[[str], AbstractContextManager[Job]],
        *,
        offline: bool = False,
        lfs: bool = True,
    ) -> None:
        self._open = open_repository
        self._open_lfs = open_lfs
        self._cache = cache
        self._show = show
        self._offline = offline
        self._lfs = lfs

    def fetch(self, url: GitUrl, commit: Oid, destination: str) -> None:
        """Writes the tree to `destination`, whole or not at all; one that is there already is taken as it is.

        Raises what the servers, the trees and the disk give reason for, UsageError for submodules that cannot be used.
        """
        with staged(os.path.abspath(destination)) as staging:
            if staging is not None:
                folder = staging.make("tree", 0o777)
                self._write(url, commit, folder, staging, 0)
                staging.publish(folder)

    def fetch_kept(self, url: GitUrl, commit: Oid, destination: str) -> bool:
        """As `fetch`, but without waiting: False when the cache has not all of it, or while another one writes there."""
        try:
            with staged(os.path.abspath(destination), 0) as staging:
                if staging is not None:
                    folder = staging.make("tree", 0o777)
                    if self._from_cache(url, commit, folder, self._is_whole) is None:
                        raise _NotKeptError
                    staging.publish(folder)
        except (_NotKeptError, Timeout):
            return False
        return True

    def _is_whole(self, rest: Rest) -> bool:
        return not rest.submodules and not (rest.lfs and self._lfs)

    def _write(self, url: GitUrl, commit: Oid, folder: str, staging: Staging, depth: int) -> None:
        """The tree into `folder`, which is below that of `staging` and empty; `depth` submodules are above it."""
        rest = self._from_cache(url, commit, folder)
        if rest is None:
            rest = self._from_server(url, commit, folder, staging)
        if rest.lfs and self._lfs:
            self._put_lfs(url, rest, os.fsencode(folder))
        for path, submodule, oid in _submodules(url, rest):
            if depth == _DEEPEST:
                raise UsageError(f"cannot use the submodule '{visible(path)}': it is one in {_DEEPEST} others")
            self._write(submodule, oid, os.path.join(folder, os.fsdecode(path)), staging, depth + 1)

    def _from_cache(
        self, url: GitUrl, commit: Oid, folder: str, is_wanted: Callable[[Rest], bool] = lambda rest: True
    ) -> Rest | None:
        """What the tree lacks; None when it is not in the cache, or not wanted then: `folder` is empty still."""
        tree = self._cache.open(url, commit)
        if tree is None:
            return None
        try:
            with tree:
                if not is_wanted(tree.rest):
                    return None
                tree.write(folder)
                return tree.rest
        except DamagedTree:
            self._cache.forget(url, commit)
            remove_tree(folder)
            os.mkdir(folder)
            return None

    def _from_server(self, url: GitUrl, commit: Oid, folder: str, staging: Staging) -> Rest:
        """As `_from_cache`: what comes is unpacked into `folder` at once, and kept in the cache beside it."""
        if self._offline:
            raise _not_cached(commit.hex, url)
        with self._cache.adding(url, commit) as kept:
            if kept is not None:
                scratch = staging.make_scratch()
                with self._show(url.display) as job, disk_errors(staging.destination):
                    rest = checkout.unpack(self._open(url), commit, folder, scratch, job.received, kept)
                kept.finish(rest)
                return rest
        found = self._from_cache(url, commit, folder)  # another one was faster
        if found is None:
            raise StoreError(f"cannot read '{self._cache.place(url, commit)}'", "git-helper cache clean")
        return found

    def _put_lfs(self, url: GitUrl, rest: Rest, folder: bytes) -> None:
        """The real files in place of the pointers that `.gitattributes` gives to Git LFS; the others are just text."""
        attributes = lfs_files.LfsAttributes(folder)
        wanted = [(path, pointer) for path, pointer in rest.lfs if attributes.is_tracked(path)]
        store = self._cache.lfs_folder(url)
        missing = [pointer for _, pointer in wanted if not os.path.exists(lfs_objects.object_path(store, pointer.oid))]
        if missing:
            if self._offline:
                raise _not_cached(f"{len(missing)} files of Git LFS", url)
            self._open_lfs(url, lfs_files.endpoint(folder)).fetch(missing, self._cache.make_lfs_folder(url))
        writer = TreeWriter(folder, Limits())
        for path, pointer in wanted:
            lfs_files.put(writer, store, path, pointer)


def _submodules(url: GitUrl, rest: Rest) -> Iterator[tuple[bytes, GitUrl, Oid]]:
    """Path, URL and commit of each submodule that git would fetch.

    Raises UsageError for one that `.gitmodules` does not name: git does, too.
    """
    modules = submodules.parse_gitmodules(rest.gitmodules or b"") if rest.submodules else {}
    for path, oid in rest.submodules:
        if path not in modules:
            shown = visible(path)
            hint = f"tell the owner of '{url.masked_clone_url}'"
            raise UsageError(f"cannot use the submodule '{shown}': '.gitmodules' does not say where it is", hint)
        if modules[path].is_wanted:
            yield path, submodules.submodule_url(modules[path], url), oid


def _not_cached(what: str, url: GitUrl) -> Unreachable:
    message = f"cannot fetch {what} of '{url.masked_clone_url}': --offline, and it is not in the cache"
    return Unreachable(message, "run it once without --offline")
