"""The files of a repository besides its objects (gitrepository-layout(5)): made as `git init` and `git clone` make them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from git_helper.git.clone_refs import Layout

_DESCRIPTION = b"Unnamed repository; edit this file 'description' to name the repository.\n"
_EXCLUDE = b"# Patterns of files that git is to ignore in this clone only, one a line; see gitignore(5).\n"
_PACKED_HEADER = b"# pack-refs with: peeled fully-peeled sorted \n"


def make_repository(folder: str) -> None:
    """The empty folders of a new repository, below `folder`, which is made too. Raises OSError."""
    for name in ("", "objects/pack", "objects/info", "refs/heads", "refs/tags", "hooks", "info"):
        os.makedirs(os.path.join(folder, name), exist_ok=not name)
    _write(folder, "description", _DESCRIPTION)
    _write(folder, "info/exclude", _EXCLUDE)


def write_refs(folder: str, layout: Layout, peel: Callable[[bytes], bytes]) -> None:
    """HEAD, branches, tags; `peel` leads from a tag to what it names. Raises OSError."""
    if layout.packed:
        lines = [_PACKED_HEADER]
        for name, oid in sorted(layout.packed.items()):
            lines.append(b"%b %b\n" % (oid, name))
            peeled = peel(oid)
            lines += [b"^%b\n" % peeled] if peeled != oid else []
        _write(folder, "packed-refs", b"".join(lines))
    if layout.remote_head is not None:
        _write(folder, "refs/remotes/origin/HEAD", b"ref: %b\n" % layout.remote_head)
    if layout.branch is not None and layout.branch_at is not None and layout.branch not in layout.packed:
        _write(folder, os.fsdecode(layout.branch), layout.branch_at + b"\n")


def write_head(folder: str, branch: bytes | None, commit: bytes | None) -> None:
    """HEAD is a branch, or detached at a commit."""
    _write(folder, "HEAD", b"ref: %b\n" % branch if branch is not None else b"%b\n" % (commit or b""))


def write_shallow(folder: str, commits: Iterable[bytes]) -> None:
    """The commits whose parents were left out (gitformat-shallow), if there are any."""
    lines = b"".join(b"%b\n" % commit for commit in sorted(commits))
    if lines:
        _write(folder, "shallow", lines)


def _write(folder: str, name: str, content: bytes) -> None:
    path = os.path.join(folder, *name.split("/"))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "xb") as file:
        file.write(content)
