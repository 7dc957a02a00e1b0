"""The tree of one commit: fetched, verified, and unpacked meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from git_helper.git.unpack import Unpack

if TYPE_CHECKING:
    from collections.abc import Callable

    from git_helper.core.reference import Oid
    from git_helper.git.tree_rest import Rest
    from git_helper.git.tree_writer import Kept

    Progress = Callable[[int, int, int], None]


class Repository(Protocol):
    """Where packs come from; HttpRepository is one."""

    def fetch(self, oid: Oid, feed: Callable[[bytes], None], depth: int | None = 1) -> None:
        """The bytes of a pack with the commit `oid` go to `feed`."""


def unpack(repository: Repository, oid: Oid, folder: str, scratch: str, progress: Progress, kept: Kept) -> Rest:
    """Fetches the commit `oid` and unpacks it into `folder`; see Unpack for the others, and for what is raised.

    `progress` gets bytes so far, objects so far and objects in all; what it raises ends it.
    """
    with Unpack(folder, scratch, oid, kept=kept) as unpacking:

        def feed(data: bytes) -> None:
            unpacking.feed(data)
            progress(unpacking.received, unpacking.done, unpacking.count)

        repository.fetch(oid, feed)
        return unpacking.finish()
