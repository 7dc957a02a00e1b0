"""A pack read with the help of a second process: the same entries and errors as without it, and no way to hang."""

from __future__ import annotations

import os
import random
import signal
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import pairwise
from typing import Any

import pytest
from dulwich.pack import apply_delta

from git_helper.errors import GitHelperError
from git_helper.git.pack_entries import BIG, Packed
from git_helper.git.pack_errors import DamagedPack, Limits, TooBig
from git_helper.git.pack_reader import PackReader
from tests.git.packs import BLOB, COMMIT, TREE, Pack, delta, entry_header, object_id, tree
from tests.git.packs import number as digits
from tests.system.test_process import is_alive

pytestmark = pytest.mark.skipif(not hasattr(os, "posix_spawn"), reason="there is no second process here")

ALONE, HELPED = 1 << 40, 0
Event = tuple[Any, ...]


class Recorder:
    """A Receiver: all that it gets. Compressed bytes of blobs are not promised."""

    def __init__(self, then: Callable[[int], None] = lambda count: None) -> None:
        self.events: list[Event] = []
        self._then = then

    def begin(self, count: int) -> None:
        self.events.append(("begin", count))

    def whole(self, offset: int, kind: int, base: object, content: bytes, packed: Packed, oid: object) -> None:
        kept = b"" if kind == BLOB else b"".join(packed)
        self.events.append((offset, kind, base, content, kept, oid))
        self._then(len(self.events))

    def big(self, offset: int, kind: int, base: object, size: int) -> Pieces:
        self.events.append(("big", offset, kind, base, size))
        return Pieces(self.events)


class Pieces:
    def __init__(self, events: list[Event]) -> None:
        self._events = events
        self._parts: list[bytes] = []

    def write(self, piece: bytes) -> None:
        assert len(piece) <= 1 << 20
        self._parts.append(piece)

    def done(self) -> None:
        self._events.append(("done", b"".join(self._parts)))


def portions(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def read(
    data: bytes, size: int, many: int, limits: Limits | None = None, memory: int | None = None
) -> tuple[list[Event], str]:
    """What comes of it: the events, and the error in words."""
    recorder = Recorder()
    with closing(PackReader(recorder, limits or Limits(), memory=memory, many=many)) as reader:
        try:
            for portion in portions(data, size):
                reader.feed(portion)
            reader.finish()
        except (DamagedPack, TooBig) as error:
            return recorder.events, f"{type(error).__name__}: {error.message}"
        assert reader.received == len(data)
        if memory is not None:
            recorder.events.append(("checksums", reader.checksums.tolist()))
    return recorder.events, ""


def mixed(count: int, seed: int = 1) -> bytes:
    """Commits, trees, blobs and both kinds of deltas."""
    chance = random.Random(seed)
    pack = Pack()
    for number in range(count):
        content = chance.randbytes(chance.randrange(40)) * chance.randrange(1, 60)
        base, offset = object_id(BLOB, content), pack.length
        pack.add(BLOB, content)
        pack.add(COMMIT, b"no commit %d" % number)
        pack.ofs_delta(offset, delta(content, content + b"a"))
        pack.ref_delta(base, delta(content, b"b" + content))
        pack.add(TREE, tree((b"100644", b"f%d" % number, base)))
    return pack.data()


@pytest.mark.parametrize("size", [1, 11, 997, 65_515, 1 << 24])
def test_the_same_entries_in_whatever_portions(size: int) -> None:
    data = mixed(10 if size == 1 else 300)
    alone, helped = read(data, size, ALONE), read(data, size, HELPED)
    assert alone[1] == ""
    assert helped == alone
    names = [event[5] for event in alone[0] if len(event) == 6]
    assert names.count(None) * 5 == len(names) * 2


@pytest.mark.parametrize("size", [11, 65_515])
@pytest.mark.parametrize("memory", [0, 2_000, 1 << 20])
def test_a_pack_that_is_kept(size: int, memory: int) -> None:
    """Blobs have the right names, all else is left alone; each entry has its checksum."""
    data = mixed(200)
    alone, helped = read(data, size, ALONE, memory=memory), read(data, size, HELPED, memory=memory)
    assert helped == alone
    *events, (_, checksums) = alone[0][1:]
    starts = [event[0] for event in events]
    assert checksums == [zlib.crc32(data[start:end]) for start, end in pairwise([*starts, len(data) - 20])]
    bare = [event for event in read(data, size, ALONE)[0] if len(event) == 6]
    contents: dict[int, bytes] = {}
    named = 0
    for (offset, kind, base, content, packed, oid), (_, was, _, given, _, name) in zip(events, bare, strict=True):
        assert packed == b""
        contents[offset] = given if was else b"".join(apply_delta(contents.get(base, b""), given)) if oid else b""
        if kind == BLOB:
            named += was == 0
            assert (content, oid) == (b"", name or object_id(BLOB, contents[offset]))
        else:
            assert (kind, content, oid) == (was, given, None)
    assert named == (200 if memory > 2_000 else named)
    assert memory == 0 or named > 0


def test_a_delta_that_makes_something_big_goes_on_as_it_is() -> None:
    base = random.Random(4).randbytes(1 << 20)
    instructions = digits(len(base)) + digits(9 << 20) + b"\xf0\x00\x00\x10" * 9
    pack = Pack()
    pack.add(BLOB, base, level=0)
    pack.ofs_delta(12, instructions)
    (_, whole, large, _), error = read(pack.data(), 65_515, ALONE, memory=64 << 20)
    assert error == ""
    assert whole[1] == BLOB
    assert large[1:] == (0, 12, instructions, b"", None)


def test_big_entries_come_in_pieces() -> None:
    content = random.Random(2).randbytes(1000) * (BIG // 1000 + 700)
    pack = Pack()
    pack.add(BLOB, b"before")
    pack.add(BLOB, content)
    pack.add(TREE, content)
    pack.ref_delta(bytes(20), content)
    pack.add(BLOB, b"behind")
    alone, helped = read(pack.data(), 65_515, ALONE), read(pack.data(), 65_515, HELPED)
    assert helped == alone
    assert [event[1] for event in helped[0] if event[0] == "done"] == [content] * 3


@pytest.mark.parametrize("seed", range(12))
def test_the_same_error_for_what_is_damaged(seed: int) -> None:
    chance = random.Random(seed)
    data = bytearray(mixed(12, seed))
    if seed % 3:
        data[chance.randrange(12, len(data))] ^= 1 << chance.randrange(8)
    else:
        del data[chance.randrange(12, len(data)) :]
    alone, helped = read(bytes(data), 500, ALONE), read(bytes(data), 500, HELPED)
    assert helped == alone
    assert alone[1].startswith("DamagedPack: cannot unpack the answer of the server: ")


def test_the_same_limits() -> None:
    data = mixed(4)
    for limits in (Limits(objects=3), Limits(object_size=20)):
        alone, helped = read(data, 100, ALONE, limits), read(data, 100, HELPED, limits)
        assert helped == alone
        assert alone[1].startswith("TooBig: ")
    assert read(data, 100, HELPED, Limits(pack=300))[1].endswith(", more than 300")


def test_an_entry_that_unpacks_to_far_more_than_it_says_is_refused() -> None:
    data = b"PACK\0\0\0\2\0\0\0\1" + entry_header(BLOB, 10) + zlib.compress(bytes(100 << 20))
    assert read(data, 65_515, HELPED)[1].endswith("an object has another size than it says")


@pytest.mark.parametrize("words", [["/nonexistent/python"], ["/bin/false"], [sys.executable, "-c", "input()"]])
def test_one_that_does_not_start_is_done_without(words: list[str]) -> None:
    data, recorder = mixed(300), Recorder()
    with closing(PackReader(recorder, Limits(), helper=words, many=HELPED)) as reader:
        for portion in portions(data, 5000):
            reader.feed(portion)
        reader.finish()
    assert recorder.events == read(data, 5000, ALONE)[0]


def test_one_that_is_killed_in_the_middle_is_an_error() -> None:
    def kill(count: int) -> None:
        if count == 100:
            os.kill(child(reader), signal.SIGKILL)

    data = mixed(3000)
    with (
        closing(PackReader(Recorder(kill), Limits(), many=HELPED)) as reader,
        pytest.raises(GitHelperError, match="the process that helps has ended"),
    ):
        for portion in portions(data, 65_515):
            reader.feed(portion)
        reader.finish()


def test_it_is_gone_after_an_error_of_ours() -> None:
    def refuse(count: int) -> None:
        if count == 50:
            raise OSError(28, "No space left on device")

    with closing(PackReader(Recorder(refuse), Limits(), many=HELPED)) as reader:
        with pytest.raises(OSError, match="No space"):
            for portion in portions(mixed(500), 65_515):
                reader.feed(portion)
            reader.finish()
        pid = child(reader)
    assert not is_alive(pid)


def child(reader: PackReader) -> int:
    assert reader._there is not None
    pid = reader._there._process._pid
    assert pid is not None
    return pid


@pytest.mark.parametrize("many", [HELPED, ALONE])
def test_one_that_has_started_ahead_helps_or_goes(many: int) -> None:
    data, recorder = mixed(300), Recorder()
    with closing(PackReader(recorder, Limits(), many=many)) as reader:
        reader.prepare()
        assert reader._process is not None
        pid = reader._process._pid
        assert pid is not None
        assert is_alive(pid)
        reader.feed(data[:5000])
        assert is_alive(pid) == (many == HELPED)
        reader.feed(data[5000:])
        reader.finish()
    assert not is_alive(pid)
    assert recorder.events == read(data, 5000, ALONE)[0]


def test_one_that_nobody_needed_goes() -> None:
    reader = PackReader(Recorder(), Limits())
    reader.prepare()
    assert reader._process is not None
    pid = reader._process._pid
    reader.close()
    assert pid is not None
    assert not is_alive(pid)
