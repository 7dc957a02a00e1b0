"""The one place that opens the controlling terminal, where people are asked: never stdin, stdout or stderr.

`Terminal.open()` gives the terminal, or None where there is none that we may use.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    from git_helper.system.windows_terminal import WindowsTerminal as Terminal
else:
    from git_helper.system.posix_terminal import PosixTerminal as Terminal

__all__ = ["Terminal"]
