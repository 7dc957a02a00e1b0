"""Folders of our own."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from git_helper.system.places import make_private


@pytest.mark.skipif(sys.platform == "win32", reason="there modes say nothing")
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_all_folders_that_are_made_are_for_their_owner(tmp_path: Path, umask: int) -> None:
    """XDG Base Directory Specification: one that is missing is created with permission 0700."""
    before = os.umask(umask)
    try:
        make_private(str(tmp_path / "cache/git-helper/git-v1"))
        make_private(str(tmp_path / "cache/git-helper/git-v1"))
    finally:
        os.umask(before)
    made = [path for path in tmp_path.rglob("*") if path.is_dir()]
    assert [stat.S_IMODE(path.stat().st_mode) for path in made] == [0o700] * 3


def test_what_is_there_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir(mode=0o755)
    (tmp_path / "file").write_text("kept")
    make_private(str(tmp_path / "shared/own"))
    assert stat.S_IMODE((tmp_path / "shared").stat().st_mode) == 0o755
    for path in ("file", "file/below"):
        with pytest.raises(OSError, match="file"):
            make_private(str(tmp_path / path))
    assert (tmp_path / "file").read_text() == "kept"
