"""Where programs are, ours among them; never the current folder (CVE-2020-26233: a `git` planted in a repository)."""

from __future__ import annotations

import os
import re
import shlex
import sys
from typing import TYPE_CHECKING

from git_helper.core.redaction import redact
from git_helper.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OURS = ("git-helper", "git-credential-git-helper", "git-credential-helper")
"""Every name under which git may find us."""
HELPER = "git-credential-git-helper"

_SUFFIXES = (".exe",) if sys.platform == "win32" else ("",)
_STANDARD_FOLDERS = ("/usr/bin", "/usr/local/bin", "/bin", "/opt/homebrew/bin")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_VERSIONED = re.compile(r"/Cellar/|/nix/store/|/[^/]*\d+\.\d+[^/]*/")
_PREFIXES = ("exec", "command", "env")


def find(name: str, environ: Mapping[str, str]) -> str | None:
    """The full path of the first `name` in an absolute folder of PATH, or None."""
    return next(_all(name, environ), None)


def git(environ: Mapping[str, str]) -> str | None:
    """The git that started us, else the first on PATH; None when there is none."""
    own = environ.get("GIT_EXEC_PATH", "")
    if os.path.isabs(own):
        for suffix in _SUFFIXES:
            path = os.path.join(own, "git" + suffix)
            if _is_program(path):
                return path
    return find("git", environ)


def shell(environ: Mapping[str, str]) -> str:
    """The shell that runs helpers: git's own is `/bin/sh`, on Windows the one installed with git. Raises NotFound."""
    return _windows_shell(environ) if sys.platform == "win32" else "/bin/sh"


def _windows_shell(environ: Mapping[str, str]) -> str:
    beside = os.path.dirname(os.path.dirname(git(environ) or ""))
    for path in (os.path.join(beside, "bin", "sh.exe"), os.path.join(beside, "usr", "bin", "sh.exe")):
        if _is_program(path):
            return path
    found = find("sh", environ)
    if found is None:
        raise NotFound("cannot run credential helpers: 'sh' is not on PATH")
    return found


def is_ours(helper: str, environ: Mapping[str, str]) -> bool:
    """Whether a value of `credential.helper` starts this program: by name, path, symbolic link, or first in a snippet.

    What a longer snippet hides is not seen; the variable `GIT_HELPER_CHAIN` stops that when it runs.
    """
    snippet = helper.startswith("!")
    words = _words(helper[1:] if snippet else helper)
    if not words:
        return False
    if snippet:
        return _snippet_is_ours(words, environ)
    if os.path.isabs(helper):
        return _program_is_ours(words[0])
    return _command_is_ours("git-credential-" + words[0], environ)


def shown(helper: str) -> str:
    """A helper's value for people; of what is shell code its program only, since secrets are found in there."""
    if not helper.startswith("!") and not set(helper) & set(";|&$`(){}<>\n"):
        return redact(helper)
    first = next(iter(_words(helper.removeprefix("!"))), "")
    mark = "!" if helper.startswith("!") else ""
    return mark + (first + " …" if re.fullmatch(r"[\w./+~@-]+", first) else "…")


def configured_name(environ: Mapping[str, str], beside: str | None = None) -> tuple[str, bool]:
    """How git's configuration should name us, quoted for the shell, and whether that will last.

    `git-helper` when we are in a standard folder, which even graphical programs have on their PATH; else the full path.
    Virtual environments and versioned folders are taken only where there is nothing else (then the second is False).
    `beside`: a folder to look in when we are not on PATH. Raises NotFound.
    """
    paths = list(_all(HELPER, environ))
    if beside is not None:
        paths += [path for suffix in _SUFFIXES if _is_program(path := os.path.join(beside, HELPER + suffix))]
    if not paths:
        raise NotFound(f"cannot find '{HELPER}' on PATH", "pipx install git-helper")
    stable = next((path for path in paths if _is_stable(path)), None)
    if stable is not None and os.path.dirname(stable) in _STANDARD_FOLDERS:
        return "git-helper", True
    return _quoted(stable or paths[0]), stable is not None


def _all(name: str, environ: Mapping[str, str]) -> Iterator[str]:
    for folder in environ.get("PATH", "").split(os.pathsep):
        if os.path.isabs(folder):
            for suffix in _SUFFIXES:
                path = os.path.join(folder, name + suffix)
                if _is_program(path):
                    yield path


def _is_program(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)


def _is_stable(path: str) -> bool:
    # The path itself, not what it points to: ~/.local/bin/x may well be a link into the environment of pipx or uv,
    # which both keep up to date.
    folder = os.path.dirname(path)
    in_environment = os.path.exists(os.path.join(os.path.dirname(folder), "pyvenv.cfg"))
    return not in_environment and _VERSIONED.search(folder.replace(os.sep, "/") + "/") is None


def _quoted(path: str) -> str:
    # Not in quotes: git takes a value as a path only when it starts like one.
    return re.sub(r"[^\w@%+=:,./-]", r"\\\g<0>", path.replace("\\", "/") if sys.platform == "win32" else path)


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()


def _snippet_is_ours(words: list[str], environ: Mapping[str, str]) -> bool:
    while words and (words[0] in _PREFIXES or _ASSIGNMENT.match(words[0])):
        words = words[1:]
    if not words:
        return False
    name = os.path.basename(words[0]).removesuffix(".exe")
    if name == "git":
        # `!git helper get` and `!git credential-git-helper`, behind options such as -c.
        return any("git-" + word in OURS for word in words[1:])
    if name.startswith("python"):
        return "git_helper" in words
    return _program_is_ours(words[0]) if os.path.isabs(words[0]) else _command_is_ours(words[0], environ)


def _command_is_ours(name: str, environ: Mapping[str, str]) -> bool:
    if name.removesuffix(".exe") in OURS:
        return True
    path = find(name, environ)
    return path is not None and _program_is_ours(path)


def _program_is_ours(path: str) -> bool:
    return any(os.path.basename(name).removesuffix(".exe") in OURS for name in (path, os.path.realpath(path)))
