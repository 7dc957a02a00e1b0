"""The objects of a pack: deltas resolved, ids computed, each handed to a consumer as soon as it is known.

Every entry is hashed here, so an object that a consumer gets by its id is that object.
"""

from __future__ import annotations

import hashlib
import io
import os
import zlib
from typing import TYPE_CHECKING, BinaryIO, Protocol

from git_helper.git import delta
from git_helper.git.big_entries import Gathered, ToFile
from git_helper.git.object_places import Places, Record
from git_helper.git.pack_entries import BIG, BLOB, HEADERS, object_id
from git_helper.git.pack_errors import DamagedPack, Limits, TooBig
from git_helper.git.pack_reader import PackReader

if TYPE_CHECKING:
    from git_helper.git.pack_entries import Base, Packed, Pieces


class Consumer(Protocol):
    """Takes the objects in the order in which they become known."""

    def take(self, oid: bytes, kind: int, content: bytes) -> bytes | None:
        """A whole object; the path of a file that holds its content now, if there is one."""

    def take_file(self, oid: bytes, path: bytes) -> bytes | None:
        """A blob of more than BIG bytes in a file that may be moved; where it is then, None for where it was."""


class PackObjects:
    """`feed` it the bytes of a pack, then `finish`. Raises DamagedPack, TooBig, and what `consumer` raises."""

    def __init__(self, places: Places, consumer: Consumer, limits: Limits) -> None:
        self.places = places
        self.count = 0
        """The number of objects that the pack announced."""
        self.done = 0
        self._consumer = consumer
        self._limits = limits
        self._entries = PackReader(self, limits)
        self._oid_at: dict[int, bytes] = {}
        self._chain: dict[bytes, int] = {}
        self._waiting: dict[int | bytes, list[tuple[int, Record | bytes]]] = {}
        self._ready: list[tuple[int, bytes, Record | bytes]] = []
        self._files: list[ToFile] = []

    @property
    def received(self) -> int:
        """Bytes of the pack that have been read."""
        return self._entries.received

    def feed(self, data: bytes) -> None:
        """The next bytes of the pack."""
        self._entries.feed(data)

    def finish(self) -> None:
        """The pack must be whole, with every delta's base in it."""
        self._entries.finish()
        self._wake()
        if self._waiting:
            raise DamagedPack("a delta lacks its base (a thin pack)")

    def close(self) -> None:
        """Closes the files of big entries whose end has not come, and lets the reader go."""
        self._entries.close()
        for file in self._files:
            file.close()

    # ------------------------------------------------------------------ what PackReader gives

    def begin(self, count: int) -> None:
        """See Receiver."""
        self.count = count

    def whole(self, offset: int, kind: int, base: Base, content: bytes, packed: Packed, oid: bytes | None) -> None:
        """See Receiver."""
        if base is None:
            self._settle(offset, oid or object_id(kind, content), kind, content, packed)
        else:
            found = self._oid_at.get(base) if isinstance(base, int) else base
            if found is None or found not in self.places:
                self._wait(offset, base, self.places.spool(0, None, packed))
                return
            self._resolve(offset, found, content, packed)
        if self._ready:
            self._wake()

    def _wake(self) -> None:
        """Resolves the deltas whose bases have become known."""
        while self._ready:
            offset, oid, source = self._ready.pop()
            if isinstance(source, bytes):
                self._resolve_file(offset, oid, source)
            else:
                inflated = self.places.inflate(source)
                self._resolve(offset, oid, inflated, [zlib.compress(inflated, 1)])

    def big(self, offset: int, kind: int, base: Base, size: int) -> Pieces:
        """See Receiver."""
        if kind in (BLOB, 0):
            return self._file(offset, base, size, self._scratch(offset))
        self._limits.check_tree(size)
        return Gathered(lambda content, packed: self.whole(offset, kind, None, content, packed, None))

    def _file(self, offset: int, base: Base, size: int, path: bytes) -> ToFile:
        """Takes a big entry into the file `path`."""

        def done(oid: bytes) -> None:
            self._files.remove(file)
            if base is None:
                self._settle_file(offset, oid, path)
                return
            found = self._oid_at.get(base) if isinstance(base, int) else base
            if found is None or found not in self.places:
                self._wait(offset, base, path)
            else:
                self._resolve_file(offset, found, path)

        file = ToFile(path, size, hashlib.sha1(HEADERS[BLOB] % size, usedforsecurity=False), done)
        self._files.append(file)
        return file

    # ------------------------------------------------------------------ deltas

    def _wait(self, offset: int, base: int | bytes, source: Record | bytes) -> None:
        self._waiting.setdefault(base, []).append((offset, source))

    def _resolve(self, offset: int, base: bytes, content: bytes, packed: Packed) -> None:
        """The delta `content`, whose base is there."""
        base_size, result_size, start = delta.sizes(content[: delta.HEADER])
        chain = self._deeper(base)
        if max(base_size, result_size) > BIG:
            self._resolve_big(offset, base, content[: delta.HEADER], io.BytesIO(content[start:]))
            return
        kind, before = self.places.load(base)
        result = delta.apply(before, content)
        self._settle(offset, object_id(kind, result), kind, result, packed, base, chain)

    def _resolve_file(self, offset: int, base: bytes, path: bytes) -> None:
        """A delta of more than BIG bytes, in a file."""
        with open(path, "rb") as file:
            header = file.read(delta.HEADER)
            file.seek(delta.sizes(header)[2])
            self._resolve_big(offset, base, header, file)
        os.unlink(path)

    def _resolve_big(self, offset: int, base: bytes, header: bytes, instructions: BinaryIO) -> None:
        """From file to file, because base or result are big."""
        base_size, result_size, _ = delta.sizes(header)
        self._limits.check_object(result_size)
        with self._open(base) as file:
            if file.seek(0, os.SEEK_END) != base_size:
                raise DamagedPack("a delta does not fit its base")
            result = self._file(offset, None, result_size, self._scratch(offset) + b".result")
            for piece in delta.apply_pieces(file, base_size, instructions):
                result.write(piece)
            result.done()

    def _open(self, oid: bytes) -> BinaryIO:
        path = self.places.path(oid)
        if path is not None:
            return open(path, "rb")
        kind, content = self.places.load(oid)
        if kind != BLOB:
            raise TooBig("the size of a tree, commit or tag is more than", BIG, BIG)
        return io.BytesIO(content)

    def _deeper(self, base: bytes) -> int:
        chain = self._chain.get(base, 0) + 1
        if chain > self._limits.chain:
            raise TooBig("the length of a chain of deltas is", chain, self._limits.chain)
        return chain

    def _scratch(self, offset: int) -> bytes:
        return os.path.join(self.places.folder, b"big-%d" % offset)

    # ------------------------------------------------------------------ objects

    def _settle(
        self,
        offset: int,
        oid: bytes,
        kind: int,
        content: bytes,
        packed: Packed,
        base: bytes | None = None,
        chain: int = 0,
    ) -> None:
        """An object is known. It goes to the consumer, and is spooled unless that has put it into a file."""
        places = self.places
        path = self._consumer.take(oid, kind, content)
        if path is None or chain:  # most blobs are no bases; those that are can be read from their files
            places.recent.keep(oid, kind, content)
        if oid not in places:
            places.put(oid, path or places.spool(0 if base else kind, base, packed or [zlib.compress(content, 1)]))
            if chain:
                self._chain[oid] = chain
        self._known(offset, oid)

    def _settle_file(self, offset: int, oid: bytes, path: bytes) -> None:
        if oid in self.places:
            os.unlink(path)
        else:
            self.places.put(oid, self._consumer.take_file(oid, path) or path)
        self._known(offset, oid)

    def _known(self, offset: int, oid: bytes) -> None:
        self._oid_at[offset] = oid
        self.done += 1
        if self._waiting:
            for key in (offset, oid):
                self._ready += [(at, oid, source) for at, source in self._waiting.pop(key, ())]
