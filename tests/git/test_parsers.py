"""Every parser of this room on bytes that nobody planned: it answers, or says in our words what is wrong."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from dulwich.errors import ApplyDeltaError
from dulwich.pack import apply_delta, create_delta
from hypothesis import given
from hypothesis import strategies as st

from git_helper.errors import GitHelperError, Unreachable
from git_helper.git import delta, protocol_v0, protocol_v2
from git_helper.git.lfs_pointer import read_pointer
from git_helper.git.pack_errors import DamagedPack, Limits, UnsafeTree
from git_helper.git.pkt_line import DELIMITER, FLUSH, Mark, NotGit, Packets, ServerError, packet
from git_helper.git.tree_entries import FILE, FOLDER, TreeReader
from tests.git import packs


def reader(data: bytes, portion: int) -> Callable[[int], bytes]:
    """Gives at most `portion` bytes at once."""
    stream = io.BytesIO(data)
    return lambda size: stream.read(min(size, portion))


lines = st.lists(
    st.binary(max_size=60).filter(lambda line: not line.startswith((b"ERR ", b"\n")) and line[-1:] != b"\n")
)
portions = st.integers(1, 70)


@given(lines, portions)
def test_packets_come_as_they_were_sent(sent: list[bytes], portion: int) -> None:
    data = b"".join(map(packet, sent)) + DELIMITER + b"0002" + FLUSH + b"rest"
    answer = Packets(reader(data, portion), "x")
    assert [answer.line() for _ in sent] == sent
    assert [answer.line(), answer.line(), answer.line()] == [Mark.DELIMITER, Mark.END, Mark.FLUSH]
    assert answer.peek(10) == b"rest"
    assert not answer.at_end()
    rest: list[bytes] = []
    answer.rest(rest.append)
    assert b"".join(rest) == b"rest"
    assert answer.at_end()


@given(st.lists(st.tuples(st.sampled_from([1, 1, 1, 2]), st.binary(max_size=50))), portions)
def test_bands_are_taken_apart(sent: list[tuple[int, bytes]], portion: int) -> None:
    data = b"".join(b"%04x%c%b" % (len(content) + 5, band, content) for band, content in sent) + FLUSH
    fed: list[bytes] = []
    Packets(reader(data, portion), "x").side_band(fed.append)
    assert b"".join(fed) == b"".join(content for band, content in sent if band == 1)


packetish = st.lists(
    st.one_of(
        st.binary(max_size=30),
        st.sampled_from([FLUSH, DELIMITER, b"0002", b"0003", b"fffe", b"-001", b"+010", b"0x10", b"00_8"]),
        st.binary(max_size=80).map(packet),
        st.sampled_from(
            [
                b"packfile",
                b"version 1",
                b"version 2",
                b"NAK",
                b"shallow " + b"1" * 40,
                b"# service=git-upload-pack",
                b"1" * 40 + b" HEAD\0symref=HEAD:refs/heads/main side-band-64k",
                b"2" * 40 + b" refs/tags/v1^{}",
                b"2" * 40 + b" refs/tags/v1 peeled:" + b"3" * 40,
                b"unborn HEAD symref-target:refs/heads/main",
                b"object-format=sha256",
                b"\1PACK",
                b"\3no",
                b"ERR no",
            ]
        ).map(packet),
    )
).map(b"".join)


@given(packetish, portions)
def test_answers_of_any_kind(data: bytes, portion: int) -> None:
    told: list[str] = []
    readings: list[Callable[[Packets], object]] = [
        protocol_v2.read_refs,
        protocol_v2.read_capabilities,
        protocol_v0.read_advertisement,
        lambda answer: protocol_v2.read_pack(answer, lambda part: None),
        lambda answer: protocol_v0.read_pack(answer, lambda part: None),
    ]
    for read in readings:
        try:
            read(Packets(reader(data, portion), "x"))
        except GitHelperError as error:
            told.append(error.message)
    assert all(line.isprintable() for line in told)


@pytest.mark.parametrize("length", [b"-001", b"+010", b"00_8", b" 010", b"000g", b"fff1", b"0003"])
def test_lengths_that_are_none(length: bytes) -> None:
    with pytest.raises(NotGit):
        Packets(reader(length + b"x" * 70_000, 1 << 20), "x").line()


def test_what_the_server_says_is_masked_and_cut() -> None:
    said = b"ERR see https://u:s3cr3t@good.example/ \x1b[2J " + b"x" * 5000
    with pytest.raises(ServerError) as caught:
        Packets(reader(packet(said), 1 << 20), "x").line()
    assert "s3cr3t" not in caught.value.message
    assert "\x1b" not in caught.value.message
    assert len(caught.value.message) < 2200


def test_an_advertisement_of_version_0() -> None:
    one, two, three = "1" * 40, "2" * 40, "3" * 40
    data = packet("# service=git-upload-pack") + FLUSH
    data += packet(f"{one} HEAD\0shallow symref=HEAD:refs/heads/main symref=refs/x:refs/y agent=a/1")
    data += (
        packet(f"{one} refs/heads/main") + packet(f"{two} refs/tags/v1") + packet(f"{three} refs/tags/v1^{{}}") + FLUSH
    )
    found = protocol_v0.read_advertisement(Packets(reader(data, 1 << 20), "x"))
    assert [(ref.name, ref.oid.hex, ref.peeled and ref.peeled.hex, ref.target) for ref in found.refs] == [
        ("HEAD", one, None, "refs/heads/main"),
        ("refs/heads/main", one, None, None),
        ("refs/tags/v1", two, three, None),
    ]
    assert found.capabilities["symref"] == "HEAD:refs/heads/main refs/x:refs/y"


def test_a_list_without_an_end() -> None:
    with pytest.raises(Unreachable, match="ended in the middle"):
        protocol_v2.read_refs(Packets(reader(packet("1" * 40 + " HEAD"), 9), "x"))


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_deltas_from_file_to_file_are_those_in_memory(base: bytes, result: bytes) -> None:
    instructions = b"".join(create_delta(base, result))
    assert delta.apply(base, instructions) == result
    base_size, result_size, start = delta.sizes(instructions[: delta.HEADER])
    assert (base_size, result_size) == (len(base), len(result))
    assert b"".join(delta.apply_pieces(io.BytesIO(base), len(base), io.BytesIO(instructions[start:]))) == result


@given(st.binary(max_size=70_000), st.binary(max_size=300), st.integers(0, 70_000))
def test_the_outline_of_a_delta(base: bytes, end: bytes, same: int) -> None:
    result = base[:same] + end
    size, alike = delta.outline(b"".join(create_delta(base, result)))
    assert size == len(result)
    assert result[:alike] == base[:alike]
    assert alike <= len(result)


@pytest.mark.parametrize(
    ("instructions", "expected"),
    [
        (b"\x01\x03\x03abc", (3, 0)),
        (b"\x05\x05\x90\x05", (5, 5)),
        (b"\x05\x03\x91\x02\x03", (3, 0)),  # from the middle
        (b"\x80\x80\x04\x80\x80\x04\x80", (1 << 16, 1 << 16)),
        (b"\x80\x81\x02\x81\x80\x80\x01\xf0\x01\x02\x03", (0x200001, 0x30201)),
        (b"\x01\x00", (0, 0)),
    ],
)
def test_outlines(instructions: bytes, expected: tuple[int, int]) -> None:
    assert delta.outline(instructions) == expected


@pytest.mark.parametrize("instructions", [b"", b"\x80", b"\x01", b"\x01\x80", b"\x01\x02", b"\x05\x05\xb0\x05"])
def test_an_outline_that_ends(instructions: bytes) -> None:
    with pytest.raises(DamagedPack, match="ends in the middle"):
        delta.outline(instructions)


def test_a_size_without_end_is_refused_at_once() -> None:
    with pytest.raises(DamagedPack, match="has no sizes"):
        delta.outline(b"\x01" + b"\xff" * (8 << 20))


@given(st.binary(min_size=1, max_size=300), st.binary(max_size=60))
def test_any_instructions(base: bytes, instructions: bytes) -> None:
    try:
        pieces = b"".join(delta.apply_pieces(io.BytesIO(base), len(base), io.BytesIO(instructions)))
    except DamagedPack:
        pieces = None
    size = 7 if pieces is None else len(pieces)
    whole = packs.number(len(base)) + packs.number(size) + instructions
    try:
        expected = b"".join(apply_delta(base, whole))
    except ApplyDeltaError:
        expected = None
    assert pieces == expected


@given(st.binary(max_size=200))
def test_any_tree(content: bytes) -> None:
    try:
        entries = TreeReader(Limits(), fold=True).read(content, b"x/", 1)
    except (DamagedPack, UnsafeTree):
        return
    assert len(content) >= 24 * len(entries)


names = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=30).map(str.encode)


@given(st.lists(st.tuples(st.sampled_from([FILE, FOLDER]), names, st.binary(min_size=20, max_size=20)), max_size=8))
def test_a_tree_is_read_as_it_was_made(entries: list[tuple[int, bytes, bytes]]) -> None:
    modes = {FILE: packs.FILE, FOLDER: packs.FOLDER}
    content = packs.tree(*[(modes[kind], name, oid) for kind, name, oid in entries])
    try:
        assert TreeReader(Limits(), fold=False).read(content, b"", 0) == entries
    except UnsafeTree as error:
        assert error.path in [name for _, name, _ in entries]


@given(st.binary(max_size=200))
def test_any_pointer(content: bytes) -> None:
    head = b"version https://git-lfs.github.com/spec/v1\n"
    assert read_pointer(content) is None
    found = read_pointer(head + content)
    assert found is None or len(found.oid) == 64
