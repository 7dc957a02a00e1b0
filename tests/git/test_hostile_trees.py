"""Trees that want to write elsewhere, or into git's own folder: refused, nothing outside, nothing left behind."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from git_helper.core.reference import Oid
from git_helper.errors import GitHelperError
from git_helper.git.pack_errors import DamagedPack, UnsafeTree
from git_helper.git.paths import check_folded
from tests.git.downloads import download
from tests.git.packs import (
    BLOB,
    COMMIT,
    EXECUTABLE,
    FILE,
    FOLDER,
    SUBMODULE,
    SYMLINK,
    TREE,
    commit,
    commit_id,
    object_id,
    pack_of,
    snapshot,
    tree,
)

EVIL = b"#!/bin/sh\ntouch /tmp/owned\n"
EVIL_ID = object_id(BLOB, EVIL)
OUTSIDE = b"../outside"
SUB = tree((EXECUTABLE, b"hooks", EVIL_ID))

NAMES = {
    "dot dot": b"..",
    "dot": b".",
    "empty": b"",
    "absolute": b"/tmp/evil",
    "traversal in one name": b"a/../../x",
    "slash": b"a/b",
    "dot git": b".git",
    "upper case": b".GIT",
    "mixed case": b".gIt",
    "short name": b"git~1",
    "upper short name": b"GIT~1",
    "stream": b".git::$INDEX_ALLOCATION",
    "stream of the short name": b"git~1:x",
    "trailing space": b".git ",
    "trailing dots": b".git...",
    "dots and spaces": b".git. . ",
    "hfs joiner": ".g\u200cit".encode(),
    "hfs mark": "\u200e.git".encode(),
    "hfs no break": ".gi\ufefft".encode(),
    "hfs override": ".\u202dGIT".encode(),
    "backslash": b"..\\evil",
    "backslash dot git": b"a\\.git\\config",
    "backslash upper short name": b"x\\GIT~1",
    "backslash absolute": b"\\\\server\\share",
    "dots and spaces above": b".. ",
    "drive": b"C:evil",
    "newline": b"a\nb",
    "escape": b"a\x1b[2Jb",
    "delete": b"a\x7f",
}


class Given:
    """A repository that gives one pack."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def fetch(self, oid: Oid, feed: Callable[[bytes], None], depth: int | None = 1) -> None:
        feed(self._data)


def objects_of(root: bytes, *others: tuple[int, bytes]) -> list[tuple[int, bytes]]:
    return [(COMMIT, commit(object_id(TREE, root))), (TREE, root), (TREE, SUB), (BLOB, EVIL), (BLOB, OUTSIDE), *others]


def refused(place: Path, objects: list[tuple[int, bytes]]) -> GitHelperError:
    """Downloads it, in both orders; the error. Everything in and around `place` must be as before."""
    (place / "outside").mkdir(parents=True)
    (place / "outside/keep").write_text("kept")
    before = snapshot(place)
    errors = []
    for order in (objects, objects[::-1]):
        with pytest.raises((UnsafeTree, DamagedPack)) as caught:
            download(Given(pack_of(order)), Oid(commit_id(objects).hex()), place / "new/destination")
        assert snapshot(place) == before
        errors.append(caught.value)
    assert str(errors[0]) == str(errors[1])
    assert "\x1b" not in errors[0].message
    return errors[0]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["file", "folder", "link", "submodule", "below"])
def test_names(tmp_path: Path, name: str, kind: str) -> None:
    mode, oid = {
        "file": (FILE, EVIL_ID),
        "folder": (FOLDER, object_id(TREE, SUB)),
        "link": (SYMLINK, object_id(BLOB, OUTSIDE)),
        "submodule": (SUBMODULE, EVIL_ID),
        "below": (EXECUTABLE, EVIL_ID),
    }[kind]
    root = tree((FILE, b"good", EVIL_ID), (mode, NAMES[name], oid))
    objects = objects_of(root)
    if kind == "below":
        objects = objects_of(tree((FOLDER, b"fine", object_id(TREE, root))), (TREE, root))
    if (name, kind) == ("drive", "below"):  # only where a path begins it leads to another disk
        download(Given(pack_of(objects)), Oid(commit_id(objects).hex()), tmp_path / "new")
        assert set(snapshot(tmp_path / "new")) == {b"fine", b"fine/good", b"fine/" + NAMES[name]}
    else:
        assert " of the repository: " in refused(tmp_path, objects).message


LINK, SUB_ID = object_id(BLOB, OUTSIDE), object_id(TREE, SUB)
TREES = {
    "link, then a folder of its name": tree((SYMLINK, b"a", LINK), (FOLDER, b"a", SUB_ID)),
    "folder, then a link of its name": tree((FOLDER, b"a", SUB_ID), (SYMLINK, b"a", LINK)),
    "two files": tree((FILE, b"a", EVIL_ID), (FILE, b"a", EVIL_ID)),
    "file and link": tree((SYMLINK, b"a", LINK), (FILE, b"a", EVIL_ID)),
    "submodule and link": tree((SYMLINK, b"a", LINK), (SUBMODULE, b"a", EVIL_ID)),
    "not side by side": tree((SYMLINK, b"a", LINK), (FILE, b"a.b", EVIL_ID), (FOLDER, b"a", SUB_ID)),
    "link .gitmodules": tree((SYMLINK, b".gitmodules", LINK)),
    "link .GITMODULES": tree((SYMLINK, b".GITMODULES", LINK)),
    "link gitmod~1": tree((SYMLINK, b"gitmod~1", LINK)),
    "link GI7EBA~1": tree((SYMLINK, b"GI7EBA~1", LINK)),
    "link .gitmodules::$DATA": tree((SYMLINK, b".gitmodules::$DATA", LINK)),
    "link .git-joiner-modules": tree((SYMLINK, ".git\u200dmodules".encode(), LINK)),
    "unknown mode": tree((b"100000", b"a", EVIL_ID)),
    "device": tree((b"60000", b"a", EVIL_ID)),
    "pipe": tree((b"10000", b"a", EVIL_ID)),
    "set user id": tree((b"104755", b"a", EVIL_ID)),
    "cut": tree((FILE, b"a", EVIL_ID))[:-1],
    "no mode": b"a\0" + EVIL_ID,
    "mode that is none": b"8x b\0" + EVIL_ID,
    "rubbish behind": tree((FILE, b"a", EVIL_ID)) + b"rubbish",
    "rubbish before": b"rubbish" + tree((FILE, b"a", EVIL_ID)),
}


@pytest.mark.parametrize("name", TREES)
def test_trees(tmp_path: Path, name: str) -> None:
    error = refused(tmp_path, objects_of(TREES[name]))
    assert any(reason in error.message for reason in REASONS)


REASONS = {
    "its folder has two entries of this name",
    "'.gitmodules' must not be a symbolic link",
    "git knows no mode",
    "a tree cannot be read",
}


@pytest.mark.parametrize("target", [b"", b"a\0b", b"x" * 5000])
def test_links_that_no_system_can_have(tmp_path: Path, target: bytes) -> None:
    root = tree((SYMLINK, b"a", object_id(BLOB, target)))
    error = refused(tmp_path, objects_of(root, (BLOB, target)))
    assert "symbolic link" in error.message


def test_a_link_may_point_anywhere_as_git_has_it(tmp_path: Path) -> None:
    root = tree((SYMLINK, b"a", LINK), (SYMLINK, b"b", object_id(BLOB, b"/etc/passwd")))
    objects = objects_of(root, (BLOB, b"/etc/passwd"))
    download(Given(pack_of(objects)), Oid(commit_id(objects).hex()), tmp_path / "new")
    assert snapshot(tmp_path / "new") == {b"a": ("link", 0, OUTSIDE), b"b": ("link", 0, b"/etc/passwd")}


GOOD_NAMES = [
    b".github",
    b".gitignore",
    b".gitmodules",
    b"git~10",
    b".gitx",
    b"..a",
    b"...",
    b"a..b",
    b"con.c",
    b"aux",
    b"a b",
    b"ab:c",
    b"system-\\x2d.slice",
    "größe".encode(),
    b"\xff\xfe",
    b"\xf0\x9f\x98\x80",
    b"~1",
    b"-",
    b"gitmod~1",
]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have fewer names")
@pytest.mark.parametrize("name", GOOD_NAMES)
def test_ordinary_names_are_fine(tmp_path: Path, name: bytes) -> None:
    objects = objects_of(tree((EXECUTABLE, name, EVIL_ID)))
    download(Given(pack_of(objects)), Oid(commit_id(objects).hex()), tmp_path / "new")
    assert set(snapshot(tmp_path / "new")) == {name}


def test_names_that_the_file_system_takes_for_one() -> None:
    check_folded([b"a", b"b", b"\xff"], b"x/")
    for twins in ((b"A", b"a"), ("é".encode(), "e\u0301".encode()), ("ß".encode(), b"SS"), (b"a", b"b", b"A")):
        with pytest.raises(UnsafeTree, match=r"takes it and '.*' for one"):
            check_folded(list(twins), b"x/")


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file system that knows case")
def test_names_that_differ_in_case_are_two_files_on_linux(tmp_path: Path) -> None:
    objects = objects_of(tree((FILE, b"A", EVIL_ID), (FILE, b"a", LINK)))
    download(Given(pack_of(objects)), Oid(commit_id(objects).hex()), tmp_path / "new")
    assert set(snapshot(tmp_path / "new")) == {b"A", b"a"}
