"""What is written down when the program itself is wrong: where it happened, never with which values."""

from __future__ import annotations

import os
import sys
import time
import traceback
from typing import TYPE_CHECKING

from git_helper import __version__
from git_helper.errors import GitHelperError, StoreError
from git_helper.system import files

if TYPE_CHECKING:
    from collections.abc import Sequence


def write(folder: str, error: BaseException, words: Sequence[str]) -> GitHelperError:
    """Writes the call stack to a new file in `folder`; returns what to tell the person.

    The exception's text and all values stay out, because they may hold a secret; of `words` only the first plain ones
    are kept.
    """
    command = [word for word in words[:2] if word.isascii() and word.isalpha()]
    lines = [f"git-helper {__version__}, Python {sys.version.split()[0]}, {sys.platform}, command: {' '.join(command)}"]
    name = type(error).__name__
    while True:
        lines.append(f"{type(error).__module__}.{type(error).__qualname__}")
        lines += [
            f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
        ]
        cause = error.__cause__ or error.__context__
        if cause is None:
            break
        error = cause
    path = os.path.join(folder, f"bug-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt")
    try:
        files.replace(path, ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape"))
    except StoreError:
        return GitHelperError(f"a bug in git-helper: {name}", "; ".join(lines[1:3]))
    return GitHelperError(
        f"a bug in git-helper: {name}; the details are in '{path}'",
        "please report it with that file: it holds no secret",
    )
