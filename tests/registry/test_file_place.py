"""Putting files into folders of the person's."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from git_helper.errors import GitHelperError
from git_helper.registry.file_place import put


def test_what_a_killed_run_left_a_day_ago_is_removed(tmp_path: Path) -> None:
    source, folder = tmp_path / "source", tmp_path / "out"
    source.write_bytes(b"new")
    folder.mkdir()
    old = time.time() - 25 * 3600
    names = {
        ".a.whl.git-helper-0123456789ab": True,
        ".b.whl.git-helper-0123456789ab": False,
        ".b.whl.tmp-0123456789ab": True,
        "c.git-helper-0123456789ab": True,
        ".d.git-helper-notes": True,
    }
    for name, is_old in names.items():
        (folder / name).write_bytes(b"")
        if is_old:
            os.utime(folder / name, (old, old))
    place = str(folder / "a.whl")
    assert put(str(source), place) == place
    assert Path(place).read_bytes() == b"new"
    assert sorted(os.listdir(folder)) == sorted([*list(names)[1:], "a.whl"])


def test_what_was_there_stays_when_it_fails(tmp_path: Path) -> None:
    place = tmp_path / "out" / "a.whl"
    place.parent.mkdir()
    place.write_bytes(b"old")
    with pytest.raises(GitHelperError, match="cannot write"):
        put(str(tmp_path / "missing"), str(place))
    assert os.listdir(place.parent) == ["a.whl"]
    assert place.read_bytes() == b"old"
