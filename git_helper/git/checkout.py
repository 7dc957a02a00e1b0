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
    end it in order when this is the main thread. Raises UsageError when `destination` is there and not empty; what
    `repository`, Unpack and `staged` raise.
    """
    found = download_once(repository, oid, destination, limits=limits, progress=progress, wait=wait)
    if found is None:
        hint = "remove it first, or name another folder"
        raise UsageError(f"cannot write '{visible(destination)}': it is there already and not empty", hint)
    return found


def download_once(
    repository: Repository,
    oid: Oid,
    destination: str,
    *,
    limits: Limits | None = None,
    progress: Progress | None = None,
    note: Callable[[Unpacked], None] | None = None,
    wait: float = WAIT_SECONDS,
) -> Unpacked | None:
    """As `download_tree`, but a destination that is there is taken for finished: None, and nothing was asked.

    `note` hears of the result before anybody can see it. Of several processes one downloads, the others wait up to
    `wait` seconds each.
    """
    with ending_signals(), staged(os.path.abspath(destination), wait) as staging:
        if staging is None:
            return None
        folder, scratch = staging.make("tree", 0o777), staging.make("scratch", 0o700)
        with Unpack(folder, scratch, oid, limits) as unpack:

            def feed(data: bytes) -> None:
                unpack.feed(data)
                if progress is not None:
                    progress(unpack.received, unpack.done, unpack.count)

            repository.fetch(oid, feed)
            unpacked = unpack.finish()
        if note is not None:
            note(unpacked)
        staging.publish(folder)
    return unpacked
