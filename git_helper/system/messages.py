"""Lines for people on standard error; both doors speak through here."""

from __future__ import annotations

from git_helper.secret import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

    from git_helper.errors import GitHelperError


def say(stderr: TextIO, kind: str, error: GitHelperError) -> None:
    """`git-helper: KIND: message` and its hint; foreign control characters are shown, not obeyed."""
    tell(stderr, f"{kind}: {error.message}", *([f"hint: {error.hint}"] if error.hint else []))


def tell(stderr: TextIO, *lines: str) -> None:
    """Lines as `git-helper: …`; as `say`."""
    try:
        stderr.write("".join(f"git-helper: {visible(line)}\n" for line in lines))
        stderr.flush()
    except (OSError, UnicodeError):
        pass  # nobody is there to be told
