"""What belongs to a tree and is not in it: submodules, and the real content of files of Git LFS."""

from __future__ import annotations

from typing import Any

from git_helper.core.reference import Oid
from git_helper.frozen import frozen
from git_helper.git.lfs_pointer import LfsPointer

TEXT = ("utf-8", "surrogateescape")
"""How a path of bytes is a text in JSON, whatever the encoding of the system: who reads it may have another one."""


@frozen
class Rest:
    """`submodules`: path and commit of each; `gitmodules`: what `.gitmodules` says; `lfs`: path and pointer of each.

    Paths are relative, as bytes. Without submodules nobody needs `gitmodules`.
    """

    submodules: tuple[tuple[bytes, Oid], ...] = ()
    gitmodules: bytes | None = None
    lfs: tuple[tuple[bytes, LfsPointer], ...] = ()

    def described(self) -> dict[str, Any]:
        """For JSON, bytes as surrogate escapes."""
        return {
            "submodules": [[path.decode(*TEXT), oid.hex] for path, oid in self.submodules],
            "gitmodules": None if self.gitmodules is None else self.gitmodules.decode("latin-1"),
            "lfs": [[path.decode(*TEXT), one.oid, one.size] for path, one in self.lfs],
        }

    @classmethod
    def of_described(cls, found: dict[str, Any]) -> Rest:
        """What `described` gave."""
        modules = found["gitmodules"]
        return cls(
            tuple((path.encode(*TEXT), Oid(oid)) for path, oid in found["submodules"]),
            None if modules is None else modules.encode("latin-1"),
            tuple((path.encode(*TEXT), LfsPointer(oid, size)) for path, oid, size in found["lfs"]),
        )
