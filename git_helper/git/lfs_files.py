"""Which files of a work tree Git LFS stands behind, and their real content in place of the pointers."""

from __future__ import annotations

import io
import logging
import os
import re
from itertools import chain
from math import comb
from typing import TYPE_CHECKING

from dulwich.attrs import compile_gitattributes_patterns, match_path, parse_git_attributes
from dulwich.config import ConfigFile

from git_helper.core.plain_url import PlainUrl
from git_helper.core.url_text import split_url
from git_helper.errors import UsageError
from git_helper.git.index_file import IndexEntry
from git_helper.git.lfs_objects import object_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dulwich.attrs import Pattern

    from git_helper.git.lfs_pointer import LfsPointer
    from git_helper.git.tree_writer import TreeWriter

    Patterns = Sequence[tuple[Pattern, Mapping[bytes, bytes | bool | None]]]

_LARGEST = 1 << 20
_SECONDS_BEFORE = 2
_MOST_STEPS = 500_000_000
_STARS = re.compile(rb"\*+")
logging.getLogger("dulwich").addHandler(logging.NullHandler())  # it would quote what it cannot read, on stderr


class LfsAttributes:
    """The `.gitattributes` of a work tree (gitattributes(5)), each read when it is needed. `folder`: its top."""

    def __init__(self, folder: bytes) -> None:
        self._folder = folder
        self._read: dict[bytes, Patterns] = {}

    def is_tracked(self, path: bytes) -> bool:
        """Whether the file at `path`, relative, has the attribute `filter=lfs`. Raises UsageError."""
        parts = path.split(b"/")[:-1]
        folders = [b"/".join(parts[:count]) for count in range(len(parts) + 1)]
        patterns = list(chain.from_iterable(map(self._patterns, folders)))
        stars = max((len(_STARS.findall(one.pattern)) for one, _ in patterns), default=0)
        # Each `*` tries every place behind the one before it, in each path anew.
        if comb(len(path) + stars, stars) > _MOST_STEPS:
            raise UsageError(f"cannot read '.gitattributes': {stars} '*' in one pattern are too many")
        return match_path(patterns, path).get(b"filter") == b"lfs"

    def _patterns(self, folder: bytes) -> Patterns:
        if folder not in self._read:
            content = read_small(os.path.join(self._folder, folder, b".gitattributes"))
            entries = parse_git_attributes(io.BytesIO(content or b""))
            found = compile_gitattributes_patterns(entries, b".gitattributes", folder)
            self._read[folder] = [(pattern, said) for pattern, said in found if b"filter" in said]
        return self._read[folder]


def endpoint(folder: bytes) -> str | None:
    """The URL that `.lfsconfig` names for the API, if it is one that can be asked. Raises UsageError."""
    content = read_small(os.path.join(folder, b".lfsconfig"))
    if content is None:
        return None
    try:
        url = ConfigFile.from_file(io.BytesIO(content), expand_includes=False).get((b"lfs",), b"url").decode()
    except KeyError:
        return None
    except ValueError as error:
        raise UsageError("cannot read '.lfsconfig': it is no configuration of git") from error
    parts = split_url(url)
    if parts is None or parts.scheme not in ("http", "https"):
        return None
    PlainUrl.parse(url)  # raises for what is none
    return url


def put_in_place(
    writer: TreeWriter, folder: str, pointers: Sequence[tuple[bytes, LfsPointer]], entries: list[IndexEntry]
) -> list[IndexEntry]:
    """The contents, which are below `folder`, in place of the pointers; the entries of the index as they are now.

    git without the filter of git-lfs takes a file as unchanged as long as its times say so: it would look into a file
    that is not older than the index.
    """
    wanted = dict(pointers)
    done: list[IndexEntry] = []
    for entry in entries:
        pointer = wanted.get(entry.path)
        if pointer is not None and entry.status is not None:
            path = put(writer, folder, entry.path, pointer)
            before = os.stat(path).st_mtime_ns - _SECONDS_BEFORE * 1_000_000_000
            os.utime(path, ns=(before, before))
            entry = entry._replace(status=os.lstat(path))
        done.append(entry)
    return done


def put(writer: TreeWriter, folder: str, path: bytes, pointer: LfsPointer) -> bytes:
    """The content, which is below `folder`, in place of the pointer at `path`, relative; the absolute path of it."""
    place = writer.prefix + path
    executable = bool(os.stat(place).st_mode & 0o100)
    os.unlink(place)
    writer.copy(os.fsencode(object_path(folder, pointer.oid)), place, executable)
    return place


def read_small(path: bytes) -> bytes | None:
    """A file of the tree that tells something; None when there is none, or a link. Raises UsageError when it is long."""
    if os.path.islink(path) or not os.path.isfile(path):
        return None
    with open(path, "rb") as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise UsageError(f"cannot read '{os.path.basename(path).decode()}': it is longer than {_LARGEST} bytes")
    return content
