"""Lines for people on standard error; both doors speak through here."""

from __future__ import annotations

from git_helper.secret import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

    from git_helper.errors import GitHelperError


def say(stderr: TextIO, kind: str, error: GitHelperError) -> None:
    """`git-helper: KIND: message` and its hint; foreign control characters are shown, not obeyed."""
    lines = [f"git-helper: {kind}: {visible(error.message)}\n"]
    if error.hint:
        lines.append(f"git-helper: hint: {visible(error.hint)}\n")
    try:
        stderr.write("".join(lines))
        stderr.flush()
    except (OSError, UnicodeError):
        pass  # nobody is there to be told
