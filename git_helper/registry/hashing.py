"""Digests of files, taken while they pass by."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_BLOCK = 1 << 18


class Hashing:
    """Several digests of the same bytes."""

    def __init__(self, algorithms: Iterable[str]) -> None:
        self._hashes = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}

    def add(self, block: bytes | memoryview) -> None:
        """More bytes."""
        for one in self._hashes.values():
            one.update(block)

    def add_file(self, path: str) -> None:
        """All bytes of a file. Raises OSError."""
        with open(path, "rb", buffering=0) as file:  # first: most often there is none
            buffer = memoryview(bytearray(_BLOCK))
            while size := file.readinto(buffer):
                self.add(buffer[:size])

    def digests(self) -> dict[str, str]:
        """In hexadecimal, by algorithm."""
        return {name: one.hexdigest() for name, one in self._hashes.items()}


def digests_of(path: str, algorithms: Iterable[str]) -> dict[str, str]:
    """Hexadecimal digests of a file by algorithm. Raises OSError."""
    hashing = Hashing(algorithms)
    hashing.add_file(path)
    return hashing.digests()
