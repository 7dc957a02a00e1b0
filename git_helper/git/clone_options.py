"""What a clone is asked for, what comes of it, and who watches: for those who do not clone themselves."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Protocol

from git_helper.core.reference import Reference
from git_helper.frozen import frozen

if TYPE_CHECKING:
    from git_helper.core.reference import Oid


class Watch(Protocol):
    """Who sees how it goes on. `name`: of the repository. The methods may be called very often."""

    def pack(self, name: str, received: int, done: int, total: int) -> None:
        """So many bytes have come, so many objects of so many are known."""

    def files(self, name: str, done: int, total: int) -> None:
        """So many files of so many are written."""

    def lfs(self, name: str, size: int) -> None:
        """So many more bytes of Git LFS have come; called by several threads."""

    def message(self, name: str, text: bytes) -> None:
        """What the server says, as it came: it is to be cleaned before a person sees it."""


@frozen
class Options:
    """`depth`: commits of history, None for all. `lfs`: whether files of Git LFS are fetched. See git-clone(1)."""

    reference: Reference = field(default_factory=lambda: Reference.parse(None))
    depth: int | None = None
    bare: bool = False
    recurse_submodules: bool = False
    lfs: bool = True


@frozen
class Cloned:
    """What there is now. `branch`: its full name, None for a detached HEAD; `commit`: None for an empty repository."""

    folder: str
    commit: Oid | None
    branch: str | None
    warnings: tuple[str, ...]
