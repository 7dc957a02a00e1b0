"""A commit's tree where it is wanted: from the cache, or from the server by way of the cache."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

from git_helper.errors import GitHelperError, Unreachable
from git_helper.git.checkout import Repository, download_once
from git_helper.git.staging import staged
from git_helper.git.tree_copy import copy_tree
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from git_helper.core.giturl import GitUrl
    from git_helper.core.reference import Oid
    from git_helper.git.object_cache import ObjectCache
    from git_helper.git.staging import Staging

    class Job(Protocol):
        """One line of a progress display."""

        def received(self, size: int, done: int, count: int) -> None:
            """Bytes so far, objects so far, objects in all."""


class Trees:
    """Puts trees on disk. `open_repository` opens a server's repository, `show` a line of progress with that title."""

    def __init__(
        self,
        open_repository: Callable[[GitUrl], Repository],
        cache: ObjectCache,
        show: Callable[[str], AbstractContextManager[Job]],
        *,
        offline: bool = False,
    ) -> None:
        self._open = open_repository
        self._cache = cache
        self._show = show
        self._offline = offline

    def fetch(self, url: GitUrl, commit: Oid, destination: str) -> None:
        """Writes the tree to `destination`, whole or not at all; one that is there already is taken as it is."""
        with staged(os.path.abspath(destination)) as staging:
            if staging is None:
                return
            staging.publish(self._copied(url, commit, staging, destination))

    def _copied(self, url: GitUrl, commit: Oid, staging: Staging, destination: str) -> str:
        """A copy of the tree, once more when `cache clean` of another process took it away meanwhile."""
        for name in ("tree", "again"):
            source = self.cached(url, commit)
            folder = staging.make(name, 0o777)
            try:
                copy_tree(source, folder)
            except OSError as error:
                if name == "tree" and not self._cache.has(url, commit):
                    continue
                reason = (error.strerror or type(error).__name__).lower()
                raise GitHelperError(f"cannot write '{visible(destination)}': {reason}") from error
            break
        return folder

    def cached(self, url: GitUrl, commit: Oid) -> str:
        """The tree in the cache, fetched if it is not there yet."""
        if not self._cache.has(url, commit):
            if self._offline:
                raise Unreachable(
                    f"cannot fetch {commit} of '{url.masked_clone_url}': --offline, and it is not in the cache",
                    "run it once without --offline",
                )
            place = self._cache.prepare(url, commit)
            with self._show(url.display) as job:
                download_once(self._open(url), commit, place, progress=job.received)
        self._cache.touch(url, commit)
        return self._cache.place(url, commit)
