"""What may be wrong with what a server sent: bytes that are no pack, a tree that would do harm, more than we take."""

from __future__ import annotations

from typing import NamedTuple

from git_helper.errors import GitHelperError
from git_helper.secret import visible


class DamagedPack(GitHelperError):
    """The bytes are no whole pack, or not the pack of this commit; slug `damaged-pack`."""

    error = "damaged-pack"

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"cannot unpack the answer of the server: {reason}", "try again; if it stays so, tell its owner"
        )
        self.reason = reason


class UnsafeTree(GitHelperError):
    """The tree holds an entry that git would refuse too, or that means another file elsewhere; slug `unsafe-tree`."""

    error = "unsafe-tree"

    def __init__(self, path: bytes, reason: str) -> None:
        super().__init__(f"cannot write '{visible(path)}' of the repository: {reason}")
        self.path = path


class TooBig(GitHelperError):
    """More than `Limits` allow; slug `too-big`."""

    error = "too-big"

    def __init__(self, what: str, found: int, limit: int) -> None:
        super().__init__(f"cannot unpack the answer of the server: {what} {found}, more than {limit}")
        self.facts = (what, found, limit)


class Limits(NamedTuple):
    """What one tree may cost; git's own where it has one (core.maxTreeDepth, PATH_MAX, the depth of delta chains).

    `pack`, `object_size`, `tree_size` (also of commits and tags) and `written` in bytes; `paths` counts files and folders.
    """

    pack: int = 32 << 30
    objects: int = 20_000_000
    object_size: int = 16 << 30
    tree_size: int = 64 << 20
    written: int = 64 << 30
    paths: int = 2_000_000
    depth: int = 2048
    path_length: int = 4096
    chain: int = 4095

    def check_object(self, size: int) -> None:
        """Raises TooBig for an object of `size` bytes."""
        if size > self.object_size:
            raise TooBig("the size of an object is", size, self.object_size)

    def check_tree(self, size: int) -> None:
        """The same for a tree, commit or tag."""
        if size > self.tree_size:
            raise TooBig("the size of a tree, commit or tag is", size, self.tree_size)
