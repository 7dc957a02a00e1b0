"""Patterns that wait: what a module compiles while it loads is compiled when it is first used.

Compiling them is a sixth of the time to the first request, and a command uses a third of those that its modules have.
"""

from __future__ import annotations

import re
import sys
from typing import Any

_OURS = "git_helper."
# Modules with costly ones. Whoever else calls `re.compile` has the pattern at once, as ever.
_FOREIGN = frozenset(
    (
        *("calendar", "fractions", "gettext", "importlib.metadata", "locale", "logging", "platform", "shlex", "string"),
        *("textwrap", "tokenize", "urllib.parse", "rich._emoji_replace", "rich.color", "rich.markup"),
        *("email._encoded_words", "email.header", "email.message", "email.utils"),
        *("html", "html.parser"),
        *("packaging._tokenizer", "packaging.specifiers", "packaging.utils", "packaging.version"),
        *("http.client", "typer._click._compat", "typer._completion_shared", "urllib3.connection", "urllib3.util.url"),
    )
)
_compile = re.compile


class WaitingPattern:
    """A `re.Pattern` for who uses it, or asks what it is. A mistake in it is raised where it is first used."""

    def __init__(self, pattern: Any, flags: Any) -> None:
        self._words = (pattern, flags)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = getattr(_compile(*self._words), name)
        vars(self)[name] = value  # from now on, an attribute like any other
        return value

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """For isinstance(): with it, the functions of `re` take this instead of a text."""
        return re.Pattern

    def __repr__(self) -> str:
        return repr(_compile(*self._words))

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies are ordinary patterns."""
        return _compile, self._words


def install() -> None:
    """Lets patterns of our modules, and of a few others, wait from now on."""
    re.compile = _compile_later


def _compile_later(pattern: Any, flags: Any = 0) -> Any:
    module = sys._getframe(1).f_globals.get("__name__", "")
    if module in _FOREIGN or module.startswith(_OURS):
        return WaitingPattern(pattern, flags)
    return _compile(pattern, flags)
