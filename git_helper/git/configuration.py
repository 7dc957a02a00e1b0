"""`.git/config` of a clone, as `git clone` writes it (git-config(1)); never with a user name or password in a URL."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from git_helper.errors import UsageError
from git_helper.frozen import frozen
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

Section = tuple[bytes, bytes | None, list[tuple[bytes, bytes]]]
"""Name, subsection if any, and pairs of variable and value."""

_ESCAPES = {0x22: b'\\"', 0x5C: b"\\\\", 0x0A: b"\\n", 0x09: b"\\t"}


@frozen
class Configuration:
    """What a clone's own configuration says. `url`: without userinfo; `branch`: the full name of one with an upstream.

    `worktree`: where the files are when that is not beside the repository; `folds`: whether the file system takes names
    for one that differ in case; `active`: which submodules are (a path pattern); `submodules`: names and URLs.
    """

    url: str
    bare: bool = False
    refspec: bytes | None = None
    branch: bytes | None = None
    worktree: str | None = None
    folds: bool = False
    active: str | None = None

    def sections(self) -> list[Section]:
        """In the order in which git writes them."""
        core = [(b"repositoryformatversion", b"0"), (b"filemode", _word(sys.platform != "win32"))]
        core.append((b"bare", _word(self.bare)))
        core += [] if self.bare else [(b"logallrefupdates", b"true")]
        core += [(b"symlinks", b"false")] if sys.platform == "win32" else []
        core += [(b"ignorecase", b"true")] if self.folds else []
        core += [(b"precomposeunicode", b"true")] if sys.platform == "darwin" else []
        if self.worktree is not None:
            core.append((b"worktree", self.worktree.encode("utf-8", "surrogateescape")))
        remote = [(b"url", self.url.encode())]
        remote += [] if self.refspec is None else [(b"fetch", self.refspec)]
        sections: list[Section] = [(b"core", None, core)]
        if self.active is not None:
            sections.append((b"submodule", None, [(b"active", self.active.encode())]))
        sections.append((b"remote", b"origin", remote))
        if self.branch is not None and not self.bare:
            branch = self.branch.removeprefix(b"refs/heads/")
            sections.append((b"branch", branch, [(b"remote", b"origin"), (b"merge", self.branch)]))
        return sections


def submodule_section(name: bytes, url: str, update: str | None = None, *, active: bool) -> Section:
    """A submodule, as `git submodule init` writes it; `active`: unless a pattern says so for all."""
    pairs = [(b"active", b"true")] if active else []
    pairs += [(b"url", url.encode())] + ([] if update is None else [(b"update", update.encode())])
    return b"submodule", name, pairs


def write(path: str, sections: Iterable[Section], *, append: bool = False) -> None:
    """Writes the sections. Raises OSError, UsageError for what no configuration can hold."""
    with open(path, "ab" if append else "xb") as file:
        for section in sections:
            file.write(_section(*section))


def _section(name: bytes, subsection: bytes | None, pairs: list[tuple[bytes, bytes]]) -> bytes:
    head = b"[%b]\n" % name
    if subsection is not None:
        _refuse_controls(subsection)
        head = b'[%b "%b"]\n' % (name, subsection.replace(b"\\", b"\\\\").replace(b'"', b'\\"'))
    return head + b"".join(b"\t%b = %b\n" % (variable, _value(value)) for variable, value in pairs)


def _value(value: bytes) -> bytes:
    """Quoted where git would otherwise read something else: comments, and blanks at the ends."""
    _refuse_controls(value)
    escaped = b"".join(_ESCAPES.get(byte, bytes((byte,))) for byte in value)
    needs_quotes = value != value.strip(b" ") or b"#" in value or b";" in value
    return b'"%b"' % escaped if needs_quotes else escaped


def _refuse_controls(text: bytes) -> None:
    # git wrote a CR at the end of a value that it did not read again: CVE-2025-48384.
    if any(byte < 0x20 or byte == 0x7F for byte in text):
        raise UsageError(f"cannot write '{visible(text)}' to git's configuration: it has control characters")


def _word(value: bool) -> bytes:
    return b"true" if value else b"false"
