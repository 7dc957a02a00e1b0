"""Askpass programs, asked as git asks them: prompt.c and credential.c of git, gitcredentials(7)."""

from __future__ import annotations

import os
import re
import shlex
from typing import TYPE_CHECKING

from git_helper.core.credential import Credential
from git_helper.core.git_values import boolean
from git_helper.errors import StoreError
from git_helper.secret import Secret, visible
from git_helper.system import executables, process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from git_helper.core.credential import Description

SECONDS = 600.0
"""How long a person may take."""

_LIMIT = 1 << 16  # bytes of an answer
_ATTEMPTS = 2
_LETTERS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_HOST_BYTES = _LETTERS | frozenset(b"-.:[]")
_PATH_BYTES = frozenset(range(0x21, 0x7F)) - frozenset(b"<>\"%{}|\\^`:?#[]@!$&'()*+,;=")  # not URL_UNSAFE_CHARS
_USER_BYTES = _PATH_BYTES - frozenset(b"/")


class Askpass:
    """Asks a program for what is missing of user name and password; once more when the first answer was refused."""

    def __init__(self, program: str, environ: Mapping[str, str], seconds: float = SECONDS) -> None:
        """`program`: what `program_to_ask` gives. `seconds`: the limit for each question."""
        self._program = program
        self._environ = process.for_children(environ)
        self._seconds = seconds

    def find(self, wanted: Description) -> Iterator[Credential]:
        """The answers, maybe empty, as git takes them. Raises StoreError when the program fails."""
        for _ in range(_ATTEMPTS):
            username = wanted.username
            if username is None:
                username = self._ask(f"Username for '{_described(wanted)}': ")
            password = self._ask(f"Password for '{_described(wanted.narrowed(username))}': ")
            yield Credential(username, Secret(password))

    def _ask(self, prompt: str) -> bytes:
        name = visible(os.path.basename(self._program))
        done = process.run([self._path(), prompt], b"", self._seconds, self._environ, _LIMIT, pass_stderr=True)
        if done.code:
            raise StoreError(f"cannot ask the askpass program '{name}': exit code {done.code}")
        return re.split(rb"[\r\n]", done.stdout, maxsplit=1)[0]

    def _path(self) -> str:
        path = self._program
        if not os.path.dirname(path):
            found = executables.find(path, self._environ)
            if found is None:
                raise StoreError(f"cannot run the askpass program '{visible(path)}': it is not on PATH")
            return found
        return os.path.abspath(path)


def program_to_ask(
    environ: Mapping[str, str], *, no_input: bool, git_setting: Callable[[str], bytes | None]
) -> str | None:
    """The program that git would ask: GIT_ASKPASS, core.askPass, SSH_ASKPASS, the first that is set; None for none.

    An empty one means the terminal. `no_input` and credential.interactive forbid to ask; GIT_TERMINAL_PROMPT does not, and
    neither does CI, where such a program is how a job hands over its token. Ourselves we do not ask. `git_setting`: as
    for `system/asking.may_ask`.
    """
    if no_input:
        return None
    program: str | None = environ.get("GIT_ASKPASS")
    if program is None:
        configured = git_setting("core.askPass")
        program = environ.get("SSH_ASKPASS") if configured is None else _expanded(os.fsdecode(configured), environ)
    if not program or executables.is_ours("!" + shlex.quote(program), environ):
        return None
    interactive = git_setting("credential.interactive")
    if interactive is not None and (interactive == b"never" or boolean(os.fsdecode(interactive)) is False):
        return None
    return program


def _expanded(path: str, environ: Mapping[str, str]) -> str:
    """A path of git's configuration: `~/` is the home folder (git-config(1) "pathname")."""
    home = environ.get("HOME")
    return os.path.join(home, path[2:]) if home and path.startswith("~/") else path


def _described(wanted: Description) -> str:
    """`protocol://[user@]host[/path]` percent-encoded as git does since CVE-2024-50349 (credential.sanitizePrompt)."""
    user = _encoded(wanted.username, _USER_BYTES) + "@" if wanted.username else ""
    path = "" if wanted.path is None else "/" + _encoded(wanted.path, _PATH_BYTES | frozenset(b"/"))
    return f"{_encoded(wanted.protocol, _HOST_BYTES)}://{user}{_encoded(wanted.host, _HOST_BYTES)}{path}"


def _encoded(value: bytes, kept: frozenset[int]) -> str:
    return "".join(chr(byte) if byte in kept else f"%{byte:02X}" for byte in value)
