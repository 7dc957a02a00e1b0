"""What objects refer to: a tree that was made from another is noted as if it were read whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_helper.git.links import Links
from git_helper.git.pack_errors import DamagedPack
from tests.git.packs import FILE, FOLDER, SUBMODULE, TREE, tree

Entry = tuple[bytes, bytes, bytes]
# Few letters, and a NUL among them: ends of names inside of ids, and ids alike in part.
names = st.binary(min_size=1, max_size=12).filter(lambda name: b"\0" not in name)
oids = st.lists(st.sampled_from([b"\0", b" ", b"1", b"a", b"\xff"]), min_size=20, max_size=20).map(b"".join)
modes = st.sampled_from([FILE, FOLDER, SUBMODULE, b"040000", b"0160000", b"160001"])
entries = st.lists(st.tuples(modes, names, oids), min_size=7, max_size=14)  # small trees are read whole


@st.composite
def changes(draw: st.DrawFn) -> tuple[list[Entry], list[Entry]]:
    """Entries, and these with one or more of them changed, added or removed."""
    before = draw(entries)
    after = list(before)
    for other in draw(st.lists(st.tuples(modes, names, oids), min_size=1, max_size=3)):
        place = draw(st.integers(0, len(after)))
        kind = draw(st.sampled_from(["add", "remove", "change", "change the id"]))
        if kind == "add":
            after.insert(place, other)
        elif place < len(after):
            old = after.pop(place)
            if kind != "remove":
                after.insert(place, other if kind == "change" else (*old[:2], other[2]))
    return before, after


def alike(before: bytes, after: bytes) -> int:
    """How many first bytes are the same."""
    return next(
        (place for place, (one, other) in enumerate(zip(before, after, strict=False)) if one != other),
        min(len(before), len(after)),
    )


def missing(links: Links) -> str:
    """How many things that are referred to are not there."""
    try:
        links.check({}, ())
    except DamagedPack as error:
        return error.reason
    return "nothing"


def wanted(links: Links) -> set[bytes]:
    return links._wanted - {b""}


@given(changes(), st.floats(0, 1))
def test_a_changed_tree_is_noted_as_a_whole_one(trees: tuple[list[Entry], list[Entry]], share: float) -> None:
    before, after = (tree(*found) for found in trees)
    same = alike(before, after)
    whole, changed = Links(), Links()
    for links in (whole, changed):
        links.add(TREE, b"1", before)
    whole.add(TREE, b"2", after)
    changed.add(TREE, b"2", after, before, int(same * share))
    assert wanted(changed) == wanted(whole)
    assert wanted(changed) == {
        oid for found in trees for mode, _, oid in found if mode not in (SUBMODULE, b"0160000", b"160001")
    }


@given(st.binary(max_size=600), st.binary(max_size=600))
def test_any_bytes_are_taken(before: bytes, content: bytes) -> None:
    """What is no tree refers to nothing, or to what is not there; it harms nobody."""
    links = Links()
    links.add(TREE, b"1", before)
    links.add(TREE, b"2", content, before, alike(before, content))
    assert missing(links) == "nothing" or missing(links).endswith("objects are missing")


def test_what_has_changed_in_a_large_tree_is_noted() -> None:
    before = [(FILE, b"file%d" % number, bytes([number]) * 20) for number in range(60)]
    for place in (0, 30, 59):
        after = [*before]
        after[place] = (FILE, b"file%d" % place, b"\xee" * 20)
        links = Links()
        links.add(TREE, b"1", tree(*before))
        content = tree(*after)
        links.add(TREE, b"2", content, tree(*before), content.index(b"\xee"))
        known = {oid: None for _, _, oid in before}
        assert b"\xee" * 20 in wanted(links)
        assert wanted(links) == {*known, b"\xee" * 20}


FILES = tree(*((FILE, b"file%d" % number, bytes([number + 1]) * 20) for number in range(9)))
END_OF_ID = b"q\0"  # looks like the beginning of an entry


@pytest.mark.parametrize(
    ("before", "content"),
    [
        (FILES, FILES.replace(b"\2" * 20, b"\xee" * 20).replace(b"\6" * 20, b"\xef" * 20)),
        (b"100644 abcd\0" + bytes(18) + END_OF_ID + FILES, b"100644 ab\0" + b"2" * 20 + END_OF_ID + FILES),
        (b"100644 abcde\0" + bytes(18) + END_OF_ID + FILES, b"100644 ab\0" + b"2" * 20 + END_OF_ID + FILES),
        (FILES + b"100644 z\0half", FILES + b"100644 z\0part"),
        (FILES, FILES),
        (FILES, FILES[: len(FILES) - 28]),
        (FILES + FILES, FILES),
    ],
    ids=["two ids", "other ends of entries", "of other length", "cut off", "the same", "one less", "half"],
)
def test_what_looks_alike(before: bytes, content: bytes) -> None:
    whole, changed = Links(), Links()
    for links in (whole, changed):
        links.add(TREE, b"1", before)
    whole.add(TREE, b"2", content)
    changed.add(TREE, b"2", content, before, alike(before, content))
    assert wanted(changed) == wanted(whole)
