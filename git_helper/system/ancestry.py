"""Which program asks: the name of the git command above us, for the person who is asked (Linux: proc(5)).

Arguments may hold secrets, so nothing of a command line is shown but git's sub command and the name of a Python module,
and those only when they are plain words. In doubt it is just `git`.
"""

from __future__ import annotations

import os
import re
import sys
from typing import NamedTuple

from git_helper.secret import visible

UNKNOWN = "git"

_GENERATIONS = 32
_ARGUMENTS_LIMIT = 4096  # bytes
_SHELLS = frozenset(("sh", "dash", "bash", "ash", "busybox", "zsh", "fish", "ksh", "mksh", "csh", "tcsh", "nu", "pwsh"))
_PLAIN_WORD = re.compile(r"[a-z][a-z-]{0,30}")
_PLAIN_MODULE = re.compile(r"[a-z][a-z_.]{0,30}")
# git(1): the options before the sub command that take their value from the next word, and those that take none.
_WITH_VALUE = frozenset(("-C", "-c", "--git-dir", "--work-tree", "--namespace", "--config-env", "--attr-source"))
_SWITCHES = frozenset(("-p", "-P", "--paginate", "--no-pager", "--bare", "--no-optional-locks", "--literal-pathspecs"))


class Process(NamedTuple):
    """What /proc tells of one process: its parent, the kernel's name for it (15 bytes), and its command line."""

    parent: int
    name: str
    words: list[str]

    @property
    def program(self) -> str:
        """The last part of the path that it was started by."""
        return os.path.basename(self.words[0]).lstrip("-") if self.words else ""


def asking_program() -> str:
    """`git clone`; `git fetch, for pip` when another program than a shell started git; `git` in doubt.

    Control characters are percent-encoded.
    """
    if sys.platform != "linux":
        return UNKNOWN
    return visible(describe(ancestors(os.getppid())))


def describe(processes: list[Process]) -> str:
    """The name of the outermost git among `processes`, nearest first, that is above us without a gap."""
    outermost: int | None = None
    for at, process in enumerate(processes):
        if _is_git(process):
            outermost = at
        elif not _is_between(process):
            break
    if outermost is None:
        return UNKNOWN
    name = _git_command(processes[outermost])
    starter = _starter(processes[outermost + 1 :])
    return f"{name}, for {starter}" if starter else name


def ancestors(pid: int) -> list[Process]:
    """The process and those above it, nearest first; fewer where /proc does not tell."""
    found: list[Process] = []
    while pid > 1 and len(found) < _GENERATIONS:
        try:
            process = _process(pid)
        except (OSError, ValueError, IndexError):
            break
        found.append(process)
        pid = process.parent
    return found


def _process(pid: int) -> Process:
    with open(f"/proc/{pid}/stat", "rb") as file:
        # The name is in brackets and may itself hold blanks and brackets.
        head, _, rest = file.read(_ARGUMENTS_LIMIT).rpartition(b")")
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        words = file.read(_ARGUMENTS_LIMIT).split(b"\0")[:-1]
    return Process(int(rest.split()[1]), os.fsdecode(head.partition(b"(")[2]), [os.fsdecode(word) for word in words])


def _is_git(process: Process) -> bool:
    return process.program == "git" or process.program.startswith("git-")


def _is_between(process: Process) -> bool:
    """Whether it is a shell that git put between its own processes: `sh -c`, or one that runs a script of git's."""
    if process.program not in _SHELLS or len(process.words) < 2:
        return False
    first = process.words[1]
    return first == "-c" or os.path.basename(first).startswith("git-")


def _git_command(process: Process) -> str:
    if process.program != "git":
        # git-lfs, git-annex and their like: git's own way to name a sub command.
        word = process.program.removeprefix("git-")
        return f"git {word}" if _PLAIN_WORD.fullmatch(word) else UNKNOWN
    words = iter(process.words[1:])
    for word in words:
        if word in _WITH_VALUE:
            next(words, None)
        elif not word.startswith("-"):
            return f"git {word}" if _PLAIN_WORD.fullmatch(word) else UNKNOWN
        elif word not in _SWITCHES and not (word.startswith("--") and "=" in word):
            return UNKNOWN
    return UNKNOWN


def _starter(processes: list[Process]) -> str:
    """The program that started git; nothing when that was a person's shell or is not known."""
    for process in processes:
        if process.program not in _SHELLS:
            return _module(process) or process.name
        if process.words[1:2] != ["-c"]:
            break
    return ""


def _module(process: Process) -> str:
    """`pip` for `python -m pip`."""
    if not process.program.startswith("python") or process.words[1:2] != ["-m"] or len(process.words) < 3:
        return ""
    module = process.words[2]
    return module if _PLAIN_MODULE.fullmatch(module) else ""
