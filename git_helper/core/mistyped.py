"""Half a URL. Where a path may stand too it would be taken for one, and shown, password and all."""

from __future__ import annotations

import re

from git_helper.core.parse_error import ParseError

_NAME = r"(?:[\w.-]+=)?"  # of an index: `NAME=URL`
_WITHOUT_SLASHES = re.compile(rf"{_NAME}((?:git\+)?(?:https?|ssh|ftp|file)):(?!//)", re.IGNORECASE | re.ASCII)
_USERINFO = re.compile(rf"{_NAME}(?://[^/?#]*@|(?![A-Za-z]:\\)[^\s:/?#@]*:[^\s/?#@]*@)", re.ASCII)


def refuse_missing_slashes(text: str) -> None:
    """Raises ParseError `invalid-url` for `https:/host` and `file:path`."""
    scheme = _WITHOUT_SLASHES.match(text)
    if scheme is not None:
        then = "whole path" if scheme[1].lower().endswith("file") else "host"
        hint = f"write '{scheme[1]}://' and then the {then}"
        raise ParseError("invalid-url", text, "two slashes are missing behind its scheme", scheme.span(), hint)


def refuse_mistyped(text: str) -> None:
    """Raises ParseError `invalid-url` for `https:/host` and `user:password@host`; a path may begin with `./` to be one.

    `file:path` is one (RFC 8089).
    """
    if not text.lower().startswith("file:"):
        refuse_missing_slashes(text)
    userinfo = _USERINFO.match(text)
    if userinfo is not None:
        hint = "write 'https://' before it, or './' if it is a path"
        raise ParseError("invalid-url", text, "it looks like a URL without its scheme", userinfo.span(), hint)
