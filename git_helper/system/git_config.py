"""git's configuration as git itself reads it, by one `git config` child.

git-config(1), gitcredentials(7). Repository, includes, `-c` and GIT_CONFIG_COUNT are git's own affair this way.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from git_helper.core import urlmatch
from git_helper.core.configured import Configured
from git_helper.core.credential import Description
from git_helper.core.git_values import boolean
from git_helper.errors import StoreError
from git_helper.frozen import frozen
from git_helper.secret import visible
from git_helper.system import executables, process

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

SECONDS = 10.0
LIMIT = 8 << 20  # bytes
_HTTP = (b"http", b"https")
_CHECK = "git config --list --show-origin"
_BAD_LINE = re.compile(r"bad config line ([0-9]+) in file (.+)")


class Unreadable(StoreError):
    """git cannot read its configuration: a source of ours is skipped for it, a whole command ends (1-product §1.6)."""

    exit_code = 2


@frozen
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


@frozen
class CredentialSettings:
    """What `credential.*` says for one description. `is_for_url`: whether the user name is meant for such URLs only."""

    helpers: tuple[Entry, ...]
    username: bytes | None
    use_http_path: bool
    is_for_url: bool


class GitConfig:
    """All entries in the order in which git reads them: later ones win."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.entries = tuple(entries)

    @classmethod
    def read(cls, environ: Mapping[str, str], folder: str | None = None) -> GitConfig:
        """What holds in `folder` (default: here); nothing without git. Raises Unreadable when git cannot read it."""
        program = executables.git(environ)
        if program is None:
            return cls()
        words = ["config", "--null", "--list", "--show-origin", "--show-scope"]
        done = process.run([program, *words], b"", SECONDS, for_git(environ), LIMIT, folder=folder)
        if done.code:
            raise _unreadable(complaint(done))
        return cls(entries_of(done.stdout))

    def credential_settings(self, wanted: Description) -> CredentialSettings:
        """Helpers (after the last reset by an empty value), user name and useHttpPath for `wanted`, as git does."""
        helpers: list[Entry] = []
        username: bytes | None = None
        use_http_path = is_for_url = False
        for entry in self._of("credential", "helper", "username", "usehttppath"):
            if entry.value is None or not _applies(entry, wanted, username):
                continue
            if entry.variable == "username":
                username, is_for_url = os.fsencode(entry.value), entry.url is not None
            elif entry.variable == "usehttppath":
                use_http_path = boolean(entry.value) or False
            elif entry.value:
                helpers.append(entry)
            else:
                helpers.clear()
        return CredentialSettings(tuple(helpers), username, use_http_path, is_for_url)

    def scoped(self, wanted: Description) -> Description:
        """What git would ask helpers for: with the configured user name where none is known, without a path that does not
        count. It still goes by what is configured for the path.

        A user name for all URLs is told to helpers only: git uses a netrc (libcurl does) that has another one, too.
        """
        settings = self.credential_settings(wanted)
        username = settings.username if wanted.username is None and settings.is_for_url else wanted.username
        with_path = settings.use_http_path or wanted.protocol not in _HTTP
        scoped = Description(wanted.protocol, wanted.host, wanted.path if with_path else None, username)
        return scoped if self.credential_settings(scoped) == settings else Configured(scoped, settings)

    def helpers_for(self, wanted: Description) -> list[Entry]:
        """The `credential.helper` entries that git runs for `wanted`, in order."""
        return list(self.credential_settings(wanted).helpers)

    def replacements(self) -> list[tuple[str, str]]:
        """The rules of `url.<base>.insteadOf`: prefix and base."""
        entries = [entry for entry in self._of("url", "insteadof") if entry.url is not None and entry.value]
        return [(entry.value or "", entry.url or "") for entry in entries]

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


def _unreadable(said: str) -> Unreadable:
    """With the file and line, where git names them: without those in order no git command works."""
    bad = _BAD_LINE.fullmatch(said)
    if bad is None:
        return Unreadable(f"cannot read git's configuration: {said}", _CHECK)
    line, file = bad.groups()
    reason = f"line {line} is not written as git wants it"
    return Unreadable(
        f"cannot read git's configuration '{file}': {reason}", f"mend line {line} in an editor, then try: {_CHECK}"
    )


def _applies(entry: Entry, wanted: Description, username: bytes | None) -> bool:
    return entry.url is None or urlmatch.applies(os.fsencode(entry.url), wanted, username)


def entries_of(output: bytes) -> Iterator[Entry]:
    """The entries in what `git config --null --show-origin --show-scope` wrote."""
    fields = os.fsdecode(output).split("\0")[:-1]
    for scope, origin, item in zip(fields[::3], fields[1::3], fields[2::3], strict=True):
        key, separator, value = item.partition("\n")
        section, _, rest = key.partition(".")
        url, dot, variable = rest.rpartition(".")
        yield Entry(scope, origin, section, url if dot else None, variable, value if separator else None)


def for_git(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for a `git config` child: without traces, in English."""
    # GIT_CONFIG names a file for `git config` alone: other commands, whose configuration this is, do not know it.
    kept = {name: value for name, value in environ.items() if not name.startswith("GIT_TRACE") and name != "GIT_CONFIG"}
    return {**kept, "LC_ALL": "C"}


def complaint(done: process.Finished) -> str:
    """What git said went wrong, in one line."""
    lines = [line for line in done.stderr.split(b"\n") if line]
    return visible(lines[-1].removeprefix(b"fatal: ").removeprefix(b"error: ")) if lines else f"exit code {done.code}"
