"""Which names a tree may hold. The rules of every system hold everywhere: a tree refused on one machine is on all.

git's own rules (read-cache.c verify_path, path.c is_ntfs_dotgit, utf8.c is_hfs_dotgit; CVE-2014-9390, CVE-2019-1352,
CVE-2021-21300), with core.protectNTFS and core.protectHFS on; names that only Windows cannot have are refused there.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections import Counter

from git_helper.git.pack_errors import UnsafeTree

# Nearly every name is of this kind, and none of these is special to any system but Windows.
PLAIN_NAME = re.compile(rb"[A-Za-z0-9_+@=-][A-Za-z0-9_+@=,-]*(?:\.[A-Za-z0-9_+@=,-]+)*")

# `.git`, its short name on NTFS, and what Windows strips from the end or takes for a stream of the folder.
_NTFS_DOTGIT = re.compile(rb"(?:\.git|git~1)[. ]*(?::.*)?", re.IGNORECASE | re.DOTALL)
# path.c is_ntfs_dotgitmodules: the long name, its short names, and the ones made by hash when those are taken.
_NTFS_DOTGITMODULES = re.compile(
    rb"(?:\.gitmodules|gitmod~[1-4]|gi7eba~[1-9]|gi7eb~[1-9][0-9]|gi7e~[1-9][0-9]{2}|gi7~[1-9][0-9]{3}"
    rb"|gi~[1-9][0-9]{4}|g~[1-9][0-9]{5}|~[1-9][0-9]{6})[. ]*(?::.*)?",
    re.IGNORECASE | re.DOTALL,
)
# utf8.c next_hfs_char: HFS+ ignores these in names.
_HFS_IGNORED = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
_DRIVE = re.compile(rb"[A-Za-z]:")
_CONTROL = re.compile(rb"[\0-\x1f\x7f]")
_WINDOWS = sys.platform == "win32"
_WINDOWS_NAME = re.compile(
    rb"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)(?:[0-9]|\xc2[\xb9\xb2\xb3])) *(?:[.:].*)?",
    re.IGNORECASE | re.DOTALL,
)
_WINDOWS_CHARACTER = re.compile(rb'[<>:"|?*\\]')


def check_name(name: bytes, path: bytes, *, at_top: bool, symlink: bool) -> None:
    """One entry of a tree; `path` is its whole path, for the message. Raises UnsafeTree."""
    reason = _wrong(name, at_top=at_top) or (_WINDOWS and _wrong_on_windows(name))
    if not reason and symlink and _is_gitmodules(name):
        reason = "'.gitmodules' must not be a symbolic link"
    if reason:
        raise UnsafeTree(path, reason)


def check_unique(names: list[bytes], folder: bytes) -> None:
    """No two entries of one tree with one name: of a link and a folder the files below would go where it points."""
    if len(set(names)) != len(names):
        twin = Counter(names).most_common(1)[0][0]
        raise UnsafeTree(folder + twin, "its folder has two entries of this name")


def check_folded(names: list[bytes], folder: bytes) -> None:
    """The same where the file system takes names for one that differ in case or in Unicode form."""
    seen: dict[str, bytes] = {}
    for name in names:
        other = seen.setdefault(folded(name), name)
        if other is not name:
            reason = f"this file system takes it and '{other.decode('utf-8', 'replace')}' for one"
            raise UnsafeTree(folder + name, reason)


def folded(name: bytes) -> str:
    """What is left of a name where case and Unicode form do not count."""
    text = unicodedata.normalize("NFD", name.decode("utf-8", "surrogateescape")).casefold()
    return unicodedata.normalize("NFC", text)


def _wrong(name: bytes, *, at_top: bool) -> str | None:
    """Why no system may have it."""
    if not name:
        return "it has no name"
    if b"/" in name:
        return "a name must not hold '/'"
    if _CONTROL.search(name):
        return "its name holds a control character"
    # Windows takes a backslash for a separator; elsewhere it is a character that some projects use.
    for part in name.split(b"\\"):
        if part.rstrip(b" ") in (b".", b"..") or (not part and len(name) == 1):
            return "it leads to another folder"
        if _NTFS_DOTGIT.fullmatch(part) or _without_ignored(part) == ".git":
            return "'.git' and what some system takes for it belong to git"
    if name.startswith(b"\\"):
        return "it is an absolute path on Windows"
    if at_top and _DRIVE.match(name):
        return "it begins with a drive of Windows"
    return None


def _wrong_on_windows(name: bytes) -> str | None:
    if _WINDOWS_CHARACTER.search(name) or name.endswith((b" ", b".")):
        return "Windows cannot have this name"
    return "Windows keeps this name for a device" if _WINDOWS_NAME.fullmatch(name) else None


def _is_gitmodules(name: bytes) -> bool:
    return _NTFS_DOTGITMODULES.fullmatch(name) is not None or _without_ignored(name) == ".gitmodules"


def _without_ignored(name: bytes) -> str:
    """As HFS+ compares: without the characters that it ignores, in one form, in one case."""
    text = _HFS_IGNORED.sub("", name.decode("utf-8", "surrogateescape"))
    return unicodedata.normalize("NFD", text).casefold() if len(text) < 64 else ""
