"""Packs that are kept: every way in which a delta may stand to its base, against git's own index; and damaged ones."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from git_helper.git.pack_errors import DamagedPack, Limits, TooBig
from git_helper.git.pack_file_index import write_index
from git_helper.git.received_pack import MEMORY, ReceivedPack
from tests.git.packs import BLOB, COMMIT, FILE, TAG, TREE, Pack, commit, delta, object_id, pack_of, tree, tree_of
from tests.git.packs import number as size_digits
from tests.servers.isolated import git

Objects = dict[bytes, tuple[int, bytes]]


def receive(
    place: Path, data: bytes, step: int = 1 << 16, limits: Limits | None = None, memory: int = MEMORY
) -> Objects:
    """What the pack holds as ReceivedPack reads it back; its index is at place/x.idx."""
    place.mkdir(parents=True, exist_ok=True)
    found: Objects = {}
    with ReceivedPack(str(place / "x.pack"), str(place), limits or Limits(), memory=memory) as pack:
        for start in range(0, len(data), step):
            pack.feed(data[start : start + step])
        objects = pack.finish()
        pack.links.check(objects.numbers, ())
        write_index(str(place / "x.idx"), objects)
        for oid, number in objects.numbers.items():
            if objects.is_big(number):
                with objects.open(number) as file:
                    found[oid] = (objects.kinds[number], file.read())
            else:
                found[oid] = objects.load(number)
    return found


def agrees(place: Path, data: bytes, env: dict[str, str]) -> bool:
    """Whether git makes the same index of the pack."""
    (place / "git.pack").write_bytes(data)
    git("index-pack", "-o", place / "git.idx", place / "git.pack", env=env, cwd=place)
    return (place / "git.idx").read_bytes() == (place / "x.idx").read_bytes()


def chain(count: int, size: int, seed: int = 1) -> list[bytes]:
    """Versions of one content, each with another end."""
    numbers = random.Random(seed)
    start = numbers.randbytes(size)
    return [start + numbers.randbytes(10 + step) for step in range(count)]


def in_a_row(kind: int, versions: Sequence[bytes]) -> Pack:
    """The first one whole, each of the others a delta to the one before, named by its place."""
    pack = Pack()
    pack.add(kind, versions[0])
    offset = 12
    for before, after in pairwise(versions):
        here = pack.length
        pack.ofs_delta(offset, delta(before, after))
        offset = here
    return pack


@pytest.mark.parametrize("step", [1, 7, 1000, 1 << 20])
def test_deltas_by_place(tmp_path: Path, env: dict[str, str], step: int) -> None:
    versions = chain(60, 300)
    pack = in_a_row(BLOB, versions)
    found = receive(tmp_path / "p", pack.data(), step)
    assert sorted(content for _, content in found.values()) == sorted(versions)
    assert all(object_id(*what) == oid for oid, what in found.items())
    assert agrees(tmp_path / "p", pack.data(), env)


def test_deltas_by_name_before_their_bases(tmp_path: Path, env: dict[str, str]) -> None:
    versions = chain(30, 200)
    pack = Pack()
    for before, after in reversed(list(pairwise(versions))):
        pack.ref_delta(object_id(BLOB, before), delta(before, after))
    pack.add(BLOB, versions[0])
    found = receive(tmp_path / "p", pack.data())
    assert sorted(content for _, content in found.values()) == sorted(versions)
    assert agrees(tmp_path / "p", pack.data(), env)


@pytest.mark.parametrize("memory", [0, 3_000, 20_000])
@pytest.mark.parametrize("by_name", [False, True])
def test_more_than_is_kept_in_memory(tmp_path: Path, env: dict[str, str], memory: int, by_name: bool) -> None:
    """Bases and deltas pushed out of memory by what comes between them: each chain is made again from its beginning."""
    families = [chain(9, 500, seed) for seed in range(20)]
    pack = Pack()
    places: list[list[int]] = [[] for _ in families]
    for turn in range(9):
        for number, versions in enumerate(families):
            places[number].append(pack.length)
            # Every third delta is to the second version, so that the chains have branches.
            before = min(1, turn - 1) if turn % 3 == 0 else turn - 1
            if turn == 0:
                pack.add(BLOB, versions[0])
            elif by_name:
                pack.ref_delta(object_id(BLOB, versions[before]), delta(versions[before], versions[turn]))
            else:
                pack.ofs_delta(places[number][before], delta(versions[before], versions[turn]))
    found = receive(tmp_path / "p", pack.data(), memory=memory)
    assert set(found) == {object_id(BLOB, version) for versions in families for version in versions}
    assert all(object_id(*what) == oid for oid, what in found.items())
    assert agrees(tmp_path / "p", pack.data(), env)


def test_big_objects_and_their_deltas(tmp_path: Path, env: dict[str, str]) -> None:
    """More than 8 MiB: the base, the result, the delta itself; small from big and big from small."""
    numbers = random.Random(2)
    base = numbers.randbytes(9 << 20)
    longer = base + b"end"
    other = base[:100] + numbers.randbytes(9 << 20)
    small = base[:50] + b"small"
    tiny = b"tiny" * 20
    grown = tiny + numbers.randbytes(10 << 20)
    pack = Pack()
    first = pack.length
    pack.add(BLOB, base, level=0)
    second = pack.length
    pack.ofs_delta(first, delta(base, longer))
    pack.ofs_delta(second, delta(longer, other))
    third = pack.length
    pack.ofs_delta(second, delta(longer, small))
    pack.ofs_delta(third, delta(small, small + b"er"))
    fourth = pack.length
    pack.add(BLOB, tiny)
    pack.ofs_delta(fourth, delta(tiny, grown))
    expected = {object_id(BLOB, what) for what in (base, longer, other, small, small + b"er", tiny, grown)}
    found = receive(tmp_path / "p", pack.data())
    assert set(found) == expected
    assert all(object_id(*what) == oid for oid, what in found.items())
    assert agrees(tmp_path / "p", pack.data(), env)
    assert not list((tmp_path / "p").glob("delta*"))


@pytest.mark.parametrize("memory", [0, MEMORY])
def test_a_big_object_of_small_parts(tmp_path: Path, env: dict[str, str], memory: int) -> None:
    """A delta of a few bytes that copies its base nine times, and one to what comes of it."""
    base = random.Random(3).randbytes(1 << 20)
    copies = b"".join(
        b"\xbf" + start.to_bytes(4, "little") + (0x8000).to_bytes(2, "little") for start in range(0, 1 << 20, 0x8000)
    )
    big = base * 9
    after = big[: 5 << 20]
    pack = Pack()
    pack.add(BLOB, base, level=0)
    here = pack.length
    pack.ofs_delta(12, size_digits(len(base)) + size_digits(len(big)) + copies * 9)
    pack.ofs_delta(here, delta(big, after))
    found = receive(tmp_path / "p", pack.data(), memory=memory)
    assert set(found) == {object_id(BLOB, what) for what in (base, big, after)}
    assert found[object_id(BLOB, big)] == (BLOB, big)
    assert agrees(tmp_path / "p", pack.data(), env)


def test_what_is_missing_is_noticed(tmp_path: Path) -> None:
    objects = tree_of({b"a": (FILE, b"one"), b"b": (FILE, b"two")})
    receive(tmp_path / "whole", pack_of(objects))
    for number in range(len(objects)):
        rest = [item for place, item in enumerate(objects) if place != number]
        if number:  # nothing names the commit
            with pytest.raises(DamagedPack, match="1 objects are missing"):
                receive(tmp_path / f"{number}", pack_of(rest))


def test_parents_are_missing_unless_they_were_left_out(tmp_path: Path) -> None:
    objects = tree_of({b"a": (FILE, b"one")})
    root = tree((FILE, b"a", object_id(BLOB, b"one")))
    child = commit(object_id(TREE, root), [b"\x11" * 20])
    data = pack_of([*objects, (COMMIT, child)])
    for shallow in ((), (object_id(COMMIT, child),)):
        with ReceivedPack(str(tmp_path / f"{len(shallow)}.pack"), str(tmp_path), Limits()) as pack:
            pack.feed(data)
            known = pack.finish().numbers
            if shallow:
                pack.links.check(known, shallow)
            else:
                with pytest.raises(DamagedPack, match="missing"):
                    pack.links.check(known, shallow)


def test_submodules_and_the_empty_tree_need_not_come(tmp_path: Path) -> None:
    empty = bytes.fromhex("4b825dc642cb6eb9a060e54bf8d69288fbee4904")
    root = tree((b"160000", b"module", b"\x22" * 20), (b"40000", b"nothing", empty))
    assert receive(tmp_path / "p", pack_of([(TREE, root), (COMMIT, commit(object_id(TREE, root)))]))


@pytest.mark.parametrize(
    ("content", "kind"), [(b"no commit", COMMIT), (b"tree zz", COMMIT), (b"", TAG), (b"object " + b"a" * 40, TAG)]
)
def test_what_cannot_be_read(tmp_path: Path, content: bytes, kind: int) -> None:
    with pytest.raises(DamagedPack, match="cannot be read"):
        receive(tmp_path / "p", pack_of([(kind, content)]))


def test_a_base_that_never_comes(tmp_path: Path) -> None:
    pack = Pack()
    pack.ref_delta(b"\x33" * 20, delta(b"base", b"result"))
    with pytest.raises(DamagedPack, match="lacks its base"):
        receive(tmp_path / "p", pack.data())


def test_deltas_that_name_one_another(tmp_path: Path) -> None:
    pack = Pack()
    pack.ref_delta(object_id(BLOB, b"two"), delta(b"two", b"one"))
    pack.ref_delta(object_id(BLOB, b"one"), delta(b"one", b"two"))
    with pytest.raises(DamagedPack, match="lacks its base"):
        receive(tmp_path / "p", pack.data())


def test_a_base_in_the_middle_of_an_entry(tmp_path: Path) -> None:
    pack = Pack()
    pack.add(BLOB, b"base" * 10)
    pack.ofs_delta(13, delta(b"base" * 10, b"result"))
    with pytest.raises(DamagedPack, match="where no object begins"):
        receive(tmp_path / "p", pack.data())


def test_a_delta_for_another_base(tmp_path: Path) -> None:
    pack = Pack()
    pack.add(BLOB, b"short")
    pack.ofs_delta(12, delta(b"another, longer base", b"another result"))
    with pytest.raises(DamagedPack, match="does not fit"):
        receive(tmp_path / "p", pack.data())


def test_every_damaged_byte_is_noticed(tmp_path: Path) -> None:
    objects = tree_of({b"a": (FILE, b"one" * 30), b"b": (FILE, b"two")})
    data = pack_of(objects)
    for place in range(len(data)):
        for damaged in (data[:place], data[:place] + bytes([data[place] ^ 0x21]) + data[place + 1 :]):
            with pytest.raises((DamagedPack, TooBig)):
                receive(tmp_path / f"{place}-{len(damaged)}", damaged)


def test_the_limits(tmp_path: Path) -> None:
    data = pack_of([(BLOB, b"x" * 5000)])
    with pytest.raises(TooBig):
        receive(tmp_path / "one", data, limits=Limits(object_size=4999))
    pack = Pack()
    pack.add(BLOB, b"ab" * 500)
    pack.ofs_delta(12, delta(b"ab" * 500, b"ab" * 500 + b"c" * 3000))
    with pytest.raises(TooBig):
        receive(tmp_path / "two", pack.data(), limits=Limits(object_size=3500))


@pytest.mark.parametrize("memory", [0, MEMORY])
def test_the_limit_of_what_a_delta_makes(tmp_path: Path, memory: int) -> None:
    for kind, base in ((BLOB, b"ab" * 500), (TREE, tree((FILE, b"name", b"\1" * 20)) * 30)):
        pack = Pack()
        pack.add(kind, base)
        pack.add(kind, base + base)  # pushes the other out where nothing is kept
        copies = (b"\xb0" + len(base).to_bytes(2, "little")) * 5
        pack.ofs_delta(12, size_digits(len(base)) + size_digits(5 * len(base)) + copies)
        with pytest.raises(TooBig, match="size of an object"):
            receive(tmp_path / f"{kind}", pack.data(), limits=Limits(object_size=3500), memory=memory)


@pytest.mark.parametrize("kind", [BLOB, TREE])
def test_deltas_are_resolved_while_they_come(tmp_path: Path, kind: int) -> None:
    versions = [
        tree(*((FILE, b"%d" % number, bytes([number]) * 20) for number in range(count))) for count in range(2, 40)
    ]
    pack = in_a_row(kind, versions)
    said: list[tuple[int, int, int]] = []
    progress = lambda *numbers: said.append(numbers)  # noqa: E731
    with ReceivedPack(str(tmp_path / "x.pack"), str(tmp_path), Limits(), progress) as received:
        received.feed(pack.data())
        assert said == [(len(pack.data()), 38, 38)]
