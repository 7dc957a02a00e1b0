"""The machine behind an ssh configuration: files with their owners, names, and the shell of `Match exec`."""

from __future__ import annotations

import getpass
import glob
import os
import socket
import stat
import sys
from typing import TYPE_CHECKING

from git_helper.git.ssh.config_lines import SshConfigError
from git_helper.system.process import run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

if sys.platform != "win32":
    import grp
    import pwd

EXEC_SECONDS = 20.0


class LocalReader:
    """Files, users and names of this machine. See config_files.Reader."""

    def __init__(self, system_folder: str = "/etc/ssh") -> None:
        self.system_folder = system_folder

    def read(self, path: str, *, owned: bool) -> bytes | None:
        """The bytes of a file; owner and mode are those of the open file, so that nobody can swap it in between."""
        try:
            with open(path, "rb") as file:
                if owned and not _is_private(os.fstat(file.fileno())):
                    hint = f"chown it to yourself, then chmod go-w '{path}'"
                    raise SshConfigError(path, 0, "another user owns it or may write to it", hint)
                return file.read()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):  # `Include config.d/*` meets folders
            return None
        except (OSError, ValueError) as error:
            raise SshConfigError(path, 0, str(getattr(error, "strerror", None) or error)) from error

    def names(self, pattern: str) -> list[str]:
        """The files that a pattern of glob(7) names, sorted."""
        return sorted(glob.glob(pattern))

    def home_of(self, user: str) -> str | None:
        """The home folder of another user."""
        if sys.platform == "win32":
            return None
        try:
            return pwd.getpwnam(user).pw_dir
        except (KeyError, ValueError):
            return None

    def host_name(self) -> str:
        """What gethostname(2) says."""
        return socket.gethostname()

    def user_id(self) -> int:
        """The real user; 0 where there are no numbers."""
        return 0 if sys.platform == "win32" else os.getuid()


def _is_private(state: os.stat_result) -> bool:
    # Windows has access lists instead; what the mode says there means nothing.
    if sys.platform == "win32":
        return True
    if state.st_uid not in (0, os.getuid()) or state.st_mode & stat.S_IWOTH:
        return False
    return not state.st_mode & stat.S_IWGRP or _is_alone(state.st_uid, state.st_gid)


def _is_alone(user: int, group: int) -> bool:
    """Whether nobody else is in the group: the one that many systems make for each user, with 0664 for new files.

    Debian's ssh takes such files; others ask for chmod.
    """
    if sys.platform == "win32":
        return False
    try:
        members = set(grp.getgrgid(group).gr_mem)
        owner = pwd.getpwuid(user)
    except KeyError:
        return False
    others = members - {owner.pw_name} or any(one.pw_gid == group and one.pw_uid != user for one in pwd.getpwall())
    return owner.pw_gid == group and not others


def shell(environ: Mapping[str, str], seconds: float = EXEC_SECONDS) -> Callable[[str], int]:
    """Runs commands of `Match exec` as ssh does: `$SHELL -c`, without input. The result is the exit status.

    It raises Timeout and StoreError as `process.run` does: a command without answer is neither true nor false.
    """

    def status(command: str) -> int:
        program = environ.get("SHELL") or "/bin/sh"
        argv = [program, "-c", command]
        return run(argv, b"", seconds, environ, pass_stderr=True).code

    return status


def user_name() -> str:
    """Who runs us: by the user database, as ssh finds it, not by a variable."""
    if sys.platform == "win32":
        return getpass.getuser()
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return getpass.getuser()
