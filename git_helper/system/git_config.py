"""git's configuration as git itself reads it, by one `git config` child; and changes to one file of it.

git-config(1), gitcredentials(7). Repository, includes, `-c` and GIT_CONFIG_COUNT are git's own affair this way.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from git_helper.core import urlmatch
from git_helper.errors import GitHelperError, NotFound, StoreError
from git_helper.secret import visible
from git_helper.system import executables, files, process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from git_helper.core.credential import Description

SECONDS = 10.0
LIMIT = 8 << 20  # bytes
_NO_MATCH = 1  # git-config(1): the exit code of "no such key"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of configuration. `section` and `variable` are in lower case; `url` is what stands between them.

    `scope`: system, global, local, worktree or command. `origin`: `file:PATH` or `command line:`. `value`: None for a
    bare name. Bytes that are not UTF-8 are surrogate escapes.
    """

    scope: str
    origin: str
    section: str
    url: str | None
    variable: str
    value: str | None

    @property
    def key(self) -> str:
        """`section.variable` or `section.url.variable`."""
        return ".".join((self.section, self.variable) if self.url is None else (self.section, self.url, self.variable))

    @property
    def file(self) -> str | None:
        """The file that it stands in, as git names it (for a repository's own, relative to its top)."""
        return self.origin.removeprefix("file:") if self.origin.startswith("file:") else None


@dataclass(frozen=True, slots=True)
class CredentialSettings:
    """What `credential.*` says for one description."""

    helpers: tuple[Entry, ...]
    username: bytes | None
    use_http_path: bool


class GitConfig:
    """All entries in the order in which git reads them: later ones win."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.entries = tuple(entries)

    @classmethod
    def read(cls, environ: Mapping[str, str], folder: str | None = None) -> GitConfig:
        """What holds in `folder` (default: here); nothing without git. Raises StoreError when git cannot read it."""
        program = executables.git(environ)
        if program is None:
            return cls()
        words = ["config", "--null", "--list", "--show-origin", "--show-scope"]
        done = process.run([program, *words], b"", SECONDS, _clean(environ), LIMIT, folder=folder)
        if done.code:
            raise StoreError(f"cannot read git's configuration: {_complaint(done)}", "git config --list --show-origin")
        return cls(_entries(done.stdout))

    def credential_settings(self, wanted: Description) -> CredentialSettings:
        """Helpers (after the last reset by an empty value), user name and useHttpPath for `wanted`, as git does."""
        helpers: list[Entry] = []
        username: bytes | None = None
        use_http_path = False
        for entry in self._of("credential", "helper", "username", "usehttppath"):
            if entry.value is None or not _applies(entry, wanted, username):
                continue
            if entry.variable == "username":
                username = os.fsencode(entry.value)
            elif entry.variable == "usehttppath":
                use_http_path = boolean(entry.value) or False
            elif entry.value:
                helpers.append(entry)
            else:
                helpers.clear()
        return CredentialSettings(tuple(helpers), username, use_http_path)

    def helpers_for(self, wanted: Description) -> list[Entry]:
        """The `credential.helper` entries that git runs for `wanted`, in order."""
        return list(self.credential_settings(wanted).helpers)

    def username_for(self, wanted: Description) -> bytes | None:
        """`credential.username` for `wanted`: the last that applies, or None."""
        return self.credential_settings(wanted).username

    def use_http_path_for(self, wanted: Description) -> bool:
        """Whether the path of an http(s) URL is part of what is asked for."""
        return self.credential_settings(wanted).use_http_path

    def setting(self, name: str) -> str | None:
        """The last value of `name` (`section.variable`; a bare name has the value `true`), or None."""
        section, _, variable = name.lower().partition(".")
        found = [entry for entry in self._of(section, variable) if entry.url is None]
        return None if not found else "true" if found[-1].value is None else found[-1].value

    def for_url(self, section: str, variable: str, url: str) -> list[Entry]:
        """The entries of `section.variable` and `section.<pattern>.variable` that count for `url`, the last one most.

        As git reads `http.*`: whoever is less specific than one before it is left out.
        """
        target = os.fsencode(url)
        best = urlmatch.LOWEST
        found = []
        for entry in self._of(section.lower(), variable.lower()):
            rank = urlmatch.LOWEST if entry.url is None else urlmatch.match_text(target, os.fsencode(entry.url))
            if rank is not None and rank >= best:
                best = rank
                found.append(entry)
        return found

    def _of(self, section: str, *variables: str) -> Iterator[Entry]:
        return (entry for entry in self.entries if entry.section == section and entry.variable in variables)


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
        self._environ = _clean(environ)
        self._folder = folder

    def entries(self) -> list[Entry]:
        """Its entries, in file order; none when there is no such file."""
        done = self._run("--null", "--show-origin", "--show-scope", "--get-regexp", ".", expected=(0, _NO_MATCH))
        return list(_entries(done.stdout))

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
        self._run("--replace-all", key, value)

    def drop(self, key: str) -> None:
        """Removes every entry of `key`."""
        self._run("--unset-all", key)

    def add(self, key: str, value: str) -> None:
        """One more entry behind those of the same key."""
        self._run("--add", key, value)

    def replace(self, key: str, old: str, value: str) -> None:
        """`value` in place of the entries of `key` with the value `old`; several of them become one."""
        self._run("--replace-all", key, value, exactly(old))

    def unset(self, key: str, value: str) -> None:
        """Removes the entries of `key` with that value."""
        self._run("--unset-all", key, exactly(value))

    def _run(self, *words: str, expected: Sequence[int] = (0,)) -> process.Finished:
        for word in words:
            if any(ord(char) < 0x20 or ord(char) == 0x7F for char in word):
                raise GitHelperError(
                    f"cannot write '{visible(word)}' to git's configuration: it has control characters"
                )
        argv = [self._git, "config", *self._words, *words]
        done = process.run(argv, b"", SECONDS, self._environ, LIMIT, folder=self._folder)
        if done.code not in expected:
            raise StoreError(f"cannot change git's configuration: {_complaint(done)}")
        return done


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
        raise StoreError(f"cannot lock '{visible(path)}': {error.strerror}") from error
    try:
        before, after = _try(path, environ, change, lock)
        if before != after:
            os.chmod(lock, os.stat(target).st_mode & 0o7777)
            os.replace(lock, target)
            return before, after
    except OSError as error:
        _remove(lock)
        raise StoreError(f"cannot write '{visible(path)}': {error.strerror}") from error
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


def boolean(value: str | None) -> bool | None:
    """git's booleans (git-config(1) "Values"): a bare name is true, an empty value false; None for what is neither."""
    text = "true" if value is None else value.strip().lower()
    if text in ("true", "yes", "on"):
        return True
    if text in ("", "false", "no", "off"):
        return False
    number = re.fullmatch(r"[+-]?(\d+)[kmg]?", text, re.ASCII)
    return None if number is None else int(number[1]) != 0


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


def _applies(entry: Entry, wanted: Description, username: bytes | None) -> bool:
    return entry.url is None or urlmatch.applies(os.fsencode(entry.url), wanted, username)


def _entries(output: bytes) -> Iterator[Entry]:
    fields = os.fsdecode(output).split("\0")[:-1]
    for scope, origin, item in zip(fields[::3], fields[1::3], fields[2::3], strict=True):
        key, separator, value = item.partition("\n")
        section, _, rest = key.partition(".")
        url, dot, variable = rest.rpartition(".")
        yield Entry(scope, origin, section, url if dot else None, variable, value if separator else None)


def _clean(environ: Mapping[str, str]) -> dict[str, str]:
    # GIT_CONFIG names a file for `git config` alone: other commands, whose configuration this is, do not know it.
    kept = {name: value for name, value in environ.items() if not name.startswith("GIT_TRACE") and name != "GIT_CONFIG"}
    return {**kept, "LC_ALL": "C"}


def _complaint(done: process.Finished) -> str:
    lines = [line for line in done.stderr.split(b"\n") if line]
    return visible(lines[-1].removeprefix(b"fatal: ").removeprefix(b"error: ")) if lines else f"exit code {done.code}"
