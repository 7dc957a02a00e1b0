"""Whether a person may be asked on the terminal.

Most runs in which nobody has the secret end with the answer no, so this loads nothing that asks.
"""

import os
import sys

from git_helper.system.environment import is_true

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def has_terminal() -> bool:
    """Whether there is a controlling terminal (tty(4)); on Windows only who opens it finds out."""
    if sys.platform == "win32":
        return True
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def may_ask(environ: "Mapping[str, str]", *, no_input: bool, git_setting: "Callable[[str], bytes | None]") -> bool:
    """Whether a person may be asked, and git would ask on the terminal too rather than by an askpass program.

    `git_setting`: a variable of git's configuration as bytes, b"" for a set but empty one, None for an unset one; it
    may cost a process, so it is asked last.
    """
    if no_input or is_true(environ.get("CI")) or _is_off(environ.get("GIT_TERMINAL_PROMPT")):
        return False
    if environ.get("GIT_ASKPASS"):
        return False
    interactive = git_setting("credential.interactive")
    if interactive == b"never" or _is_off(None if interactive is None else interactive.decode("utf-8", "replace")):
        return False
    # git_prompt() of git's prompt.c: the first of the three that is set decides, and an empty one means the terminal.
    if "GIT_ASKPASS" in environ:
        return True
    program = git_setting("core.askPass")
    return not environ.get("SSH_ASKPASS") if program is None else not program


def _is_off(value: "str | None") -> bool:
    """Set, and not one of git's words for true. What is no boolean is off too: git is going to complain about it."""
    if value is None:
        return False
    number = value.lower().rstrip("kmg").lstrip("+-")
    if number.isascii() and number.isdigit():
        return not number.strip("0")  # no int(): it refuses more than 4,300 digits
    return value.lower() not in ("true", "yes", "on")
