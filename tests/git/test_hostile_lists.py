"""Trees, packs, lists and files of a repository that would cost hours or all memory, or have us trip over a library."""

from __future__ import annotations

import json
import os
import time
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from git_helper.core.giturl import GitUrl
from git_helper.errors import Unreachable, UsageError
from git_helper.git import file_lock, lfs_files
from git_helper.git.lfs import LfsClient
from git_helper.git.lfs_pointer import LfsPointer
from git_helper.git.links import Links
from git_helper.git.pack_entries import TREE, PackEntries
from git_helper.git.pack_errors import DamagedPack, Limits, UnsafeTree
from git_helper.git.pkt_line import NotGit, Packets, packet
from git_helper.git.protocol_v2 import read_capabilities
from git_helper.git.submodules import Submodule, UnsafeSubmodule, refuse_nested
from git_helper.git.tree_entries import TreeReader
from git_helper.net.body import BufferBody
from git_helper.net.message import Headers, Request, Response

_URL = GitUrl.parse("https://good.example/r.git")


def test_a_tree_without_an_end_costs_no_square_time() -> None:
    start = time.process_time()
    with pytest.raises(DamagedPack):
        TreeReader(Limits(), fold=False).read(b"100644 " * 30_000, b"", 0)
    Links().add(TREE, bytes(20), b"100644 " * 60_000)
    assert time.process_time() - start < 3


def test_twins_among_many_names_cost_no_square_time() -> None:
    names = [b"f%06d" % count for count in range(60_000)] + [b"twin", b"twin"]
    start = time.process_time()
    with pytest.raises(UnsafeTree, match="two entries of this name"):
        TreeReader(Limits(), fold=False).read(b"".join(b"100644 %b\0%b" % (name, bytes(20)) for name in names), b"", 0)
    assert time.process_time() - start < 3


class _Nobody:
    def begin(self, count: int) -> None:
        assert count == 1

    def whole(self, offset: int, kind: int, base: object, content: bytes, packed: object, oid: object) -> None:
        raise AssertionError("it never ends")

    def big(self, offset: int, kind: int, base: object, size: int) -> Any:
        raise AssertionError("it is small")


def test_an_object_of_endless_empty_blocks_is_refused_before_it_fills_the_memory() -> None:
    entries = PackEntries(_Nobody(), Limits())
    entries.feed(b"PACK\0\0\0\2\0\0\0\1\x35" + zlib.compress(b"")[:2])
    block = b"\0\0\0\xff\xff" * 200_000
    with pytest.raises(DamagedPack, match="longer compressed than it can be"):
        for _ in range(20):
            entries.feed(bytes(bytearray(block)))
    assert entries.received < 18_000_000


def test_capabilities_without_end_are_refused() -> None:
    answer = packet(b"x=" + b"v" * 60_000)
    with pytest.raises(NotGit, match="capabilities are too many"):
        read_capabilities(Packets(lambda _: answer, "here"))


@pytest.mark.parametrize("names", [(b"a", b"a-x", b"a/b"), (b"a/b", b"A"), (b"a", b"a"), (b"a/b/c", b"a.b", b"a/b")])
def test_a_submodule_inside_another_one_is_found_whatever_stands_between_them(names: Sequence[bytes]) -> None:
    with pytest.raises(UnsafeSubmodule, match="inside the one of"):
        refuse_nested(Submodule(name, name, "x") for name in names)
    refuse_nested(Submodule(name, name, "x") for name in (b"a", b"a-b", b"ab/c", b"b/a"))


@pytest.mark.parametrize("url", ["https://[x", "https://good.example:99999/", "https://good.example:port/"])
def test_lfs_endpoints_that_are_no_urls(tmp_path: Path, url: str) -> None:
    (tmp_path / ".lfsconfig").write_text(f"[lfs]\n\turl = {url}\n")
    with pytest.raises(UsageError):
        lfs_files.endpoint(os.fsencode(tmp_path))


def test_attributes_that_would_take_hours_are_refused(tmp_path: Path) -> None:
    (tmp_path / ".gitattributes").write_text("*" + "a*" * 12 + "b filter=lfs\n*.bin filter=lfs\n")
    with pytest.raises(UsageError, match="too many"):
        lfs_files.LfsAttributes(os.fsencode(tmp_path)).is_tracked(b"a" * 200)
    (tmp_path / ".gitattributes").write_text("*" + "a*" * 12 + "b text\nassets/**/*.b*n filter=lfs\n")
    assert lfs_files.LfsAttributes(os.fsencode(tmp_path)).is_tracked(b"assets/" + b"d" * 200 + b"/x.bin")


class _Server:
    def __init__(self, download: dict[str, Any]) -> None:
        self._answer = {"objects": [{"oid": "a" * 64, "actions": {"download": download}}]}

    def send(self, request: Request) -> Response:
        assert request.method == "POST", "nothing is fetched from there"
        return Response(200, Headers(), request.url, BufferBody(json.dumps(self._answer).encode()))


@pytest.mark.parametrize(
    "download",
    [
        {"href": "https://good.example:99999/x"},
        {"href": "https://[x"},
        {"href": "https://good.example/x", "header": {"X-A": "a\r\nb: c"}},
        {"href": "https://good.example/x", "header": {"X A": "a"}},
        {"href": "https://good.example/x", "header": {"X-A": "\u20ac"}},
    ],
)
def test_lfs_downloads_that_no_request_can_be_made_of(tmp_path: Path, download: dict[str, Any]) -> None:
    with pytest.raises(Unreachable, match="names no download"):
        LfsClient(_Server(download), _URL).fetch([LfsPointer("a" * 64, 3)], str(tmp_path))


@pytest.mark.skipif(os.name != "posix", reason="symbolic links")
def test_a_lock_follows_no_link_and_removes_no_others_file(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError):
        file_lock.acquire(str(tmp_path / "lock"))
    assert not (tmp_path / "elsewhere").exists()
    mine, _ = file_lock.acquire(str(tmp_path / "mine"))
    (tmp_path / "mine").unlink()
    (tmp_path / "mine").write_text("somebody else's")
    file_lock.release(mine, str(tmp_path / "mine"))
    assert (tmp_path / "mine").read_text() == "somebody else's"
