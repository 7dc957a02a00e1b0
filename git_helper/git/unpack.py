"""A pack goes in, the tree of one commit comes out on disk, in one pass (7-speed §7.2).

No repository is made: blobs are written to their files while the pack arrives. Every object is hashed, and the tree is
whole or there is an error; its bytes are those of `git checkout` without filters.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_helper.core.reference import Oid
from git_helper.git.object_places import Places
from git_helper.git.pack_errors import DamagedPack, Limits
from git_helper.git.pack_objects import PackObjects
from git_helper.git.tree_plan import TreePlan
from git_helper.git.tree_rest import Rest
from git_helper.git.tree_writer import TreeWriter

if TYPE_CHECKING:
    from git_helper.git.tree_writer import Kept

_LARGEST_GITMODULES = 1 << 20


class Unpack:
    """A context manager. `folder` exists and is empty; `scratch` too, on the same disk, and is the caller's to remove.

    `commit` may be an annotated tag. `kept` hears of every file and link. Raises DamagedPack, UnsafeTree, TooBig, NotFound
    and OSError; what is in `folder` then is the caller's to remove.
    """

    def __init__(
        self, folder: str, scratch: str, commit: Oid, limits: Limits | None = None, kept: Kept | None = None
    ) -> None:
        limits = limits or Limits()
        place = os.fsencode(scratch)
        self._places = Places(place)
        self._writer = TreeWriter(os.fsencode(os.path.abspath(folder)), limits, kept)
        self._plan = TreePlan(bytes.fromhex(commit.hex), self._places, self._writer, limits, fold=is_folding(place))
        self._objects = PackObjects(self._places, self._plan, limits)

    @property
    def received(self) -> int:
        """Bytes of the pack so far."""
        return self._objects.received

    @property
    def done(self) -> int:
        """Objects so far."""
        return self._objects.done

    @property
    def count(self) -> int:
        """Objects that the pack has announced."""
        return self._objects.count

    def feed(self, data: bytes) -> None:
        """The next bytes of the pack."""
        self._objects.feed(data)

    def finish(self) -> Rest:
        """All bytes have come; what the tree lacks."""
        self._objects.finish()
        plan = self._plan
        plan.finish()
        submodules = tuple((path, Oid(oid.hex())) for path, oid in plan.submodules)
        gitmodules = _gitmodules(self._writer.prefix) if submodules else None
        return Rest(submodules, gitmodules, tuple(plan.pointers))

    def close(self) -> None:
        """Closes its files."""
        self._objects.close()
        self._places.close()

    def __enter__(self) -> Unpack:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def is_folding(folder: bytes) -> bool:
    """Whether the file system of `folder` takes names for one that differ in case or in Unicode form."""
    probes = {"Case": "cASE", "form-\u00e9": "form-e\u0301"}
    for made, other in probes.items():
        path = os.path.join(folder, made.encode())
        with open(path, "xb"):
            pass
        found = os.path.lexists(os.path.join(folder, other.encode()))
        os.unlink(path)
        if found:
            return True
    return False


def _gitmodules(prefix: bytes) -> bytes | None:
    try:
        with open(prefix + b".gitmodules", "rb") as file:
            content = file.read(_LARGEST_GITMODULES + 1)
    except OSError:
        return None
    if len(content) > _LARGEST_GITMODULES:
        raise DamagedPack("'.gitmodules' is longer than 1 MiB")
    return content
