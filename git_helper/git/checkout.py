"""The tree of one commit at a destination: fetched, unpacked, verified, and only then visible."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

from git_helper.errors import UsageError
from git_helper.git.staging import WAIT_SECONDS, ending_signals, staged
from git_helper.git.unpack import Unpack, Unpacked
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Callable

    from git_helper.core.reference import Oid
    from git_helper.git.pack_errors import Limits
    from git_helper.git.tree_writer import Kept

    Progress = Callable[[int, int, int], None]


class Repository(Protocol):
    """Where packs come from; HttpRepository is one."""

    def fetch(self, oid: Oid, feed: Callable[[bytes], None], depth: int | None = 1) -> None:
        """The bytes of a pack with the commit `oid` go to `feed`."""


def download_tree(
    repository: Repository,
    oid: Oid,
    destination: str,
    *,
    limits: Limits | None = None,
    progress: Progress | None = None,
    wait: float = WAIT_SECONDS,
) -> Unpacked:
    """Writes the tree of the commit `oid` (or of a tag's commit) to `destination`: all of it, or there is nothing.

    `progress` gets bytes so far, objects so far and objects in all; what it raises ends the download. SIGTERM and SIGHUP
    end it in order when this is the main thread. Of several processes one writes, the others wait up to `wait` seconds each.
    Raises UsageError when `destination` is there and not empty; what `repository`, Unpack and `staged` raise.
    """
    with ending_signals(), staged(os.path.abspath(destination), wait) as staging:
        if staging is None:
            hint = "remove it first, or name another folder"
            raise UsageError(f"cannot write '{visible(destination)}': it is there already and not empty", hint)
        folder = staging.make("tree", 0o777)
        unpacked = unpack(repository, oid, folder, staging.make_scratch(), limits=limits, progress=progress)
        staging.publish(folder)
    return unpacked


def unpack(
    repository: Repository,
    oid: Oid,
    folder: str,
    scratch: str,
    *,
    limits: Limits | None = None,
    progress: Progress | None = None,
    kept: Kept | None = None,
) -> Unpacked:
    """Fetches the commit `oid` and unpacks it into `folder`; see Unpack for the others."""
    with Unpack(folder, scratch, oid, limits, kept) as unpacking:

        def feed(data: bytes) -> None:
            unpacking.feed(data)
            if progress is not None:
                progress(unpacking.received, unpacking.done, unpacking.count)

        repository.fetch(oid, feed)
        return unpacking.finish()
