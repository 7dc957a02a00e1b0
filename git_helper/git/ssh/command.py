"""What a program on a server looks like to us, and the words that start git's (git-upload-pack(1), connect.c of git)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from git_helper.errors import Unreachable, UsageError
from git_helper.git.ssh.jumps import is_safe_host, is_safe_user
from git_helper.secret import visible

if TYPE_CHECKING:
    from git_helper.core.giturl import GitUrl
    from git_helper.git.ssh.said import Said

VERSION_2 = {"GIT_PROTOCOL": "version=2"}
"""What git's program has to find in its environment to speak version 2; servers need not hand it on."""

LONGER = "allow more time: --timeout SECONDS"
_NO_PATH = re.compile(r"""['"`\x00-\x1f\x7f]""")


class TooManyChannels(Unreachable):
    """The server opens no further channel on this connection."""


class Command(Protocol):
    """A program that runs on a server. Not for several threads."""

    @property
    def said(self) -> Said:
        """What it writes to stderr."""

    @property
    def is_open(self) -> bool:
        """Whether it still runs, as far as we know."""

    def read(self, size: int) -> bytes:
        """Some bytes of what it writes, as soon as there are any, maybe more than `size`; none at its end.

        Raises Unreachable when the connection breaks, or nothing comes for too long.
        """

    def write(self, data: bytes) -> None:
        """Gives it all of `data`. Raises as `read`; no error when the program has ended."""

    def exit_code(self) -> int | None:
        """After its end; None when nobody knows."""

    def was_refused(self) -> bool:
        """After its end: whether it was never started."""

    def close(self) -> None:
        """Ends it."""


def upload_pack(path: str) -> str:
    """The command line for the repository `path`, which `check_url` has seen."""
    return f"git-upload-pack {quoted(path)}"


def quoted(path: str) -> str:
    """A path that `check_url` has seen, for a shell, as git does it (sq_quote)."""
    return f"'{path.replace('!', chr(39) + chr(92) + '!' + chr(39))}'"


def check_url(url: GitUrl) -> None:
    """Refuses, before anything is started, what a program could take for an option or a shell for a command.

    Raises UsageError.
    """
    if url.password is not None:
        raise _refusal(url, "a password in an ssh URL would be shown in the list of processes")
    if url.host is None or not is_safe_host(url.host):
        raise _refusal(url, "its host is no host name")
    user = None if url.userinfo is None else url.userinfo.username
    if url.userinfo is not None and (user is None or not is_safe_user(user)):
        raise _refusal(url, "its user name cannot be used with SSH")
    path = url.remote_path
    if not path or path.startswith("-") or _NO_PATH.search(path):
        raise _refusal(url, "its path cannot be used with SSH: it holds quotes or control characters")


def _refusal(url: GitUrl, reason: str) -> UsageError:
    return UsageError(f"cannot use '{visible(url.masked_clone_url)}': {reason}")
