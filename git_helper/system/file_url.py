"""The path that a file URL names on this system (RFC 8089)."""

from __future__ import annotations

import sys

__all__ = ["url2pathname"]

if sys.platform == "win32":
    from urllib.request import url2pathname
else:
    # Elsewhere the library does nothing else, but brings HTTP, mail and much more with it.
    from urllib.parse import unquote as url2pathname
