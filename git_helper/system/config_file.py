"""Changes to one file of git's configuration, made by `git config` (git-config(1)), put in place whole."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from typing import TYPE_CHECKING

from git_helper.errors import NotFound, StoreError, UsageError, reason
from git_helper.secret import visible
from git_helper.system import executables, files, process
from git_helper.system.git_config import LIMIT, SECONDS, complaint, entries_of, for_git

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from git_helper.system.git_config import Entry

_NO_MATCH = 1  # the exit code of "no such key", and of "no such file"


class ConfigFile:
    """The one file that `git config --<scope>` writes; what it includes is not part of it.

    `words` name it to git: `--global`, `--system`, `--local`, or `--file PATH`. `path` is where it is, as far as known.
    """

    def __init__(self, words: Sequence[str], environ: Mapping[str, str], folder: str | None = None) -> None:
        program = executables.git(environ)
        if program is None:
            raise NotFound("cannot configure git: there is no 'git' on PATH")
        self._git = program
        self._words = list(words)
        self._environ = for_git(environ)
        self._folder = folder

    def entries(self) -> list[Entry]:
        """Its entries, in file order; none when there is no such file."""
        done = self._run("--null", "--show-origin", "--show-scope", "--get-regexp", ".", expected=(0, _NO_MATCH))
        return list(entries_of(done.stdout))

    def path(self) -> str | None:
        """The full path of the file; None while it has no entry by which git could tell."""
        name = next((entry.file for entry in self.entries()), None)
        if name is None or os.path.isabs(name):
            return name
        # git names the file from the top of the repository, where it went before it read it.
        done = process.run(
            [self._git, "rev-parse", "--git-common-dir"], b"", SECONDS, self._environ, folder=self._folder
        )
        if done.code or self._words != ["--local"]:
            return os.path.abspath(os.path.join(self._folder or ".", name))
        common = os.fsdecode(done.stdout.removesuffix(b"\n"))
        return os.path.abspath(os.path.join(self._folder or ".", common, "config"))

    def values(self, key: str) -> list[str]:
        """The values of `key`, in file order; a bare name has the value `true`."""
        return ["true" if entry.value is None else entry.value for entry in self.entries() if same_key(entry.key, key)]

    def put(self, key: str, value: str) -> None:
        """`value` as the only one of `key`."""
        self._run("--replace-all", *_checked(key, value))

    def drop(self, key: str) -> None:
        """Removes every entry of `key`."""
        self._run("--unset-all", key)

    def add(self, key: str, value: str) -> None:
        """One more entry behind those of the same key."""
        self._run("--add", *_checked(key, value))

    def replace(self, key: str, old: str, value: str) -> None:
        """`value` in place of the entries of `key` with the value `old`; several of them become one."""
        self._run("--replace-all", *_checked(key, value), exactly(old))

    def unset(self, key: str, value: str) -> None:
        """Removes the entries of `key` with that value."""
        self._run("--unset-all", key, exactly(value))

    def _run(self, *words: str, expected: Sequence[int] = (0,)) -> process.Finished:
        argv = [self._git, "config", *self._words, *words]
        done = process.run(argv, b"", SECONDS, self._environ, LIMIT, folder=self._folder)
        if done.code not in expected:
            if self._words == ["--local"] and not self._has_repository():
                raise UsageError(
                    "cannot use '--local': the folder here is in no repository of git",
                    "go into one, or leave '--local' out: git-helper configure",
                )
            raise StoreError(f"cannot change git's configuration: {complaint(done)}")
        return done

    def _has_repository(self) -> bool:
        argv = [self._git, "rev-parse", "--git-dir"]
        return process.run(argv, b"", SECONDS, self._environ, LIMIT, folder=self._folder).code == 0


def rewrite(
    path: str | None, environ: Mapping[str, str], change: Callable[[ConfigFile], None], *, keep: bool
) -> tuple[list[Entry], list[Entry]]:
    """Tries `change` on a copy of the file (None: an empty one); with `keep`, the copy then takes its place in one step.

    Returns the entries before and after. Under git's own lock, `path`.lock, so that no git writes it meanwhile. Raises
    StoreError; then the file is as it was.
    """
    if path is None or not keep:
        return _try(path, environ, change, None)
    target = os.path.realpath(path)
    lock = target + ".lock"
    try:
        os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise StoreError(f"cannot lock '{visible(path)}': {reason(error)}") from error
    try:
        before, after = _try(path, environ, change, lock)
        if before != after:
            os.chmod(lock, os.stat(target).st_mode & 0o7777)
            os.replace(lock, target)
            return before, after
    except OSError as error:
        _remove(lock)
        raise StoreError(f"cannot write '{visible(path)}': {reason(error)}") from error
    except BaseException:
        _remove(lock)
        raise
    # Not in a `finally`: once it has taken the file's place, a lock of this name is somebody else's.
    _remove(lock)
    return before, after


def _try(
    path: str | None, environ: Mapping[str, str], change: Callable[[ConfigFile], None], result: str | None
) -> tuple[list[Entry], list[Entry]]:
    content = (files.read(path) if path is not None else None) or b""
    with tempfile.TemporaryDirectory(prefix="git-helper-") as folder:  # mode 0700
        copy = os.path.join(folder, "config")
        with open(copy, "wb") as file:
            file.write(content)
        config = ConfigFile(["--file", copy], environ)
        before = config.entries()
        change(config)
        after = config.entries()
        if result is not None:
            with open(result, "wb") as file:
                file.write(files.read(copy) or b"")
                file.flush()
                os.fsync(file.fileno())
    return before, after


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)


def same_key(one: str, other: str) -> bool:
    """Whether two keys are equal: section and variable in any case, what is between them exactly."""
    return _folded(one) == _folded(other)


def _folded(key: str) -> tuple[str, str, str]:
    section, _, rest = key.partition(".")
    url, _, variable = rest.rpartition(".")
    return section.lower(), url, variable.lower()


def exactly(value: str) -> str:
    """An extended regular expression (POSIX) that matches `value` only."""
    return "^" + re.sub(r"[\\^$.|?*+(){}\[\]]", r"\\\g<0>", value) + "$"


def has_controls(text: str) -> bool:
    """Whether there are control characters in it, which are not written to any configuration (CVE-2025-48384)."""
    return any(ord(char) < 0x20 or ord(char) == 0x7F for char in text)


def _checked(key: str, value: str) -> tuple[str, str]:
    for word in (key, value):
        if has_controls(word):
            raise UsageError(f"cannot write '{visible(word)}' to git's configuration: it has control characters")
    return key, value
