"""A copy is a tree of its own: the same names, bytes, links and modes, and nothing shared with the original."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from git_helper.git.tree_copy import BLOCK, copy_tree
from tests.git.packs import snapshot


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "deep/er").mkdir(parents=True)
    (folder / "empty folder").mkdir()
    (folder / "deep/er/file").write_bytes(b"\0\r\n" * 1000)
    (folder / "tool").write_text("#!/bin/sh\n")
    (folder / "tool").chmod(0o755)
    (folder / "empty").write_bytes(b"")
    (folder / "big").write_bytes(os.urandom(1 << 20) * 17)
    (folder / "link").symlink_to("deep/er/file")
    (folder / "away").symlink_to("/etc")
    (folder / "nowhere").symlink_to("a\nb")
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff\xfe")).write_text("no UTF-8")
    return folder


def test_a_copy(source: Path, tmp_path: Path) -> None:
    assert (source / "big").stat().st_size > BLOCK
    target = tmp_path / "target"
    target.mkdir()
    copy_tree(str(source), str(target))
    assert snapshot(target) == snapshot(source)
    assert [path.stat().st_nlink for path in target.rglob("*") if path.is_file() and not path.is_symlink()] == [1] * 5
    before = snapshot(source)
    (target / "deep/er/file").write_text("changed")
    assert snapshot(source) == before


def test_the_umask_applies(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    before = os.umask(0o027)
    try:
        copy_tree(str(source), str(target))
    finally:
        os.umask(before)
    modes = {path.name: oct(path.lstat().st_mode & 0o777) for path in target.iterdir() if not path.is_symlink()}
    assert (modes["tool"], modes["empty"], modes["deep"]) == ("0o750", "0o640", "0o750")


def test_an_existing_file_is_never_written_through(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (tmp_path / "mine").write_text("mine")
    (target / "empty").symlink_to(tmp_path / "mine")
    with pytest.raises(FileExistsError):
        copy_tree(str(source), str(target))
    assert (tmp_path / "mine").read_text() == "mine"


def test_what_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        copy_tree(str(tmp_path / "none"), str(tmp_path))
