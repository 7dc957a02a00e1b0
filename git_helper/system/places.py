"""Where our files are (XDG Base Directory Specification; on Windows, the local application data)."""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def data_folder(environ: "Mapping[str, str]") -> str:
    """The folder of what must not be lost: credentials and the recorded choice of store."""
    if sys.platform == "win32":
        return os.path.join(environ.get("LOCALAPPDATA") or home(environ), "git-helper")
    base = environ.get("XDG_DATA_HOME", "")
    # The specification says that a relative path is to be ignored.
    if not base.startswith("/"):
        base = os.path.join(home(environ), ".local", "share")
    return os.path.join(base, "git-helper")


def cache_folder(environ: "Mapping[str, str]") -> str:
    """The folder of what can be fetched again."""
    if sys.platform == "win32":
        return os.path.join(data_folder(environ), "cache")
    base = environ.get("XDG_CACHE_HOME", "")
    if not base.startswith("/"):
        base = os.path.join(home(environ), ".cache")
    return os.path.join(base, "git-helper")


def make_private(path: str) -> None:
    """Makes the folder and those above it that are missing, for their owner only: whoever may write into one of them could
    put another one in its place. Raises OSError."""
    missing = []
    while not os.path.isdir(path) and os.path.dirname(path) != path:
        missing.append(path)
        path = os.path.dirname(path)
    for folder in reversed(missing):
        try:
            os.mkdir(folder, 0o700)
        except FileExistsError:
            if not os.path.isdir(folder):
                raise


def home(environ: "Mapping[str, str]") -> str:
    """The home folder; from the user database where no variable names it."""
    return environ.get("HOME") or os.path.expanduser("~")


def netrc_file(environ: "Mapping[str, str]") -> "str | None":
    """The file that `NETRC` names, if there is one; else `~/.netrc` (on Windows also `_netrc`); None without any."""
    named = environ.get("NETRC")
    names = [os.path.expanduser(named)] if named else []
    names += [os.path.join(home(environ), name) for name in _NETRC_NAMES]
    return next((name for name in names if os.path.exists(name)), None)


_NETRC_NAMES = (".netrc", "_netrc") if sys.platform == "win32" else (".netrc",)
