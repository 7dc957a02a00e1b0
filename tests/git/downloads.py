"""One commit's tree on disk as `download` puts it there: by way of a cache, which is empty at first."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Never

from git_helper.core.giturl import GitUrl
from git_helper.core.reference import Oid
from git_helper.git.checkout import Repository
from git_helper.git.object_cache import ObjectCache
from git_helper.git.trees import Trees

URL = GitUrl.parse("git+https://good.example/demo.git")


class Reports(list[tuple[int, int, int]]):
    """What a line of progress is told; `then` is called each time."""

    def __init__(self, then: Callable[[], object] = lambda: None) -> None:
        super().__init__()
        self._then = then

    def received(self, size: int, done: int, count: int) -> None:
        self.append((size, done, count))
        self._then()

    def show(self, title: str) -> AbstractContextManager[Reports]:
        return nullcontext(self)


def no_lfs(url: GitUrl, endpoint: str | None) -> Never:
    raise AssertionError("no file of Git LFS is in these trees")


def trees(repository: Repository, cache: str | Path, reports: Reports | None = None, *, offline: bool = False) -> Trees:
    """Every URL leads to `repository`."""
    shown = Reports() if reports is None else reports
    return Trees(lambda _: repository, no_lfs, ObjectCache(str(cache)), shown.show, offline=offline)


def download(repository: Repository, oid: Oid, destination: str | Path, reports: Reports | None = None) -> None:
    """The tree of `oid`; nobody has fetched it before."""
    with tempfile.TemporaryDirectory() as cache:
        trees(repository, cache, reports).fetch(URL, oid, str(destination))
