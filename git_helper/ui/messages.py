"""What is said to people: data on stdout, words on stderr, colour only where it is wanted."""

from __future__ import annotations

import contextlib
import json
import sys
from functools import cached_property
from typing import TYPE_CHECKING, Any, TextIO

from rich import console
from rich import text as rich_text

from git_helper.secret import visible
from git_helper.system.environment import environment
from git_helper.system.messages import say
from git_helper.ui import colors

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from git_helper.errors import GitHelperError

PLAIN = "plain text"
PLAIN_NOTICE = (
    "the file store is plain text: whoever can read your files can read the tokens (mode 0600). "
    "Where an OS keyring works, choose it: git-helper configure --store keyring"
)
_LONG_LINE = 10_000
_TERMINALS = ("FORCE_COLOR", "TTY_COMPATIBLE")  # make a terminal of a file, says rich


class Messages:
    """`color`: a key of `colors.NO_COLOR`; `quiet` leaves out what went well."""

    def __init__(self, *, color: str, quiet: bool) -> None:
        self.quiet = quiet
        self.color = color

    @cached_property
    def _out(self) -> Console:
        drawn = self._console(sys.stdout)
        if not sys.stdout.isatty():
            drawn.width = _LONG_LINE  # nothing is folded that grep is to find
        return drawn

    @cached_property
    def _err(self) -> Console:
        return self._console(sys.stderr)

    def _console(self, file: TextIO) -> Console:
        no_color = colors.NO_COLOR[self.color]
        force = None if no_color is None else not no_color
        return console.Console(
            file=file, force_terminal=force, no_color=no_color, markup=False, highlight=False, emoji=False
        )

    def done(self, text: str) -> None:
        """One thing that went well."""
        self._say("✓ ", "green", text)

    def note(self, text: str) -> None:
        """Something a person should know."""
        self._say("! ", "yellow", text)

    def hint(self, text: str) -> None:
        """A command to type next."""
        self._say("→ ", "cyan", text)

    def show(self, renderable: RenderableType) -> None:
        """Data drawn for a person, on stdout."""
        self._out.print(renderable)

    def tell(self, renderable: RenderableType) -> None:
        """Words drawn for a person, on stderr."""
        if not self.quiet:
            self._err.print(renderable)

    def data(self, value: Any) -> None:
        """Data for a program, as JSON on stdout."""
        sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")

    def line(self, value: Any) -> None:
        """One object as one line of JSON on stdout."""
        sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")

    def text(self, line: str) -> None:
        """One line of data on stdout."""
        sys.stdout.write(visible(line) + "\n")

    def raw(self, text: str) -> None:
        """Data on stdout, its line ends as they are."""
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
        sys.stdout.buffer.flush()

    def error(self, error: GitHelperError) -> None:
        """One of several failures."""
        say(sys.stderr, "error", error)

    def _say(self, mark: str, style: str, text: str) -> None:
        if self.quiet:
            return
        encodable = (sys.stderr.encoding or "ascii").lower().startswith("utf")
        mark = mark if encodable else "- "
        if self._is_drawn():
            self._err.print(rich_text.Text.assemble((mark, style), visible(text)), soft_wrap=True)
        else:
            with contextlib.suppress(OSError):  # nobody is there to be told
                sys.stderr.write(f"{mark}{visible(text)}\n")

    def _is_drawn(self) -> bool:
        """Whether rich has something to do; else it need not be loaded, which takes as long as a small answer."""
        if sys.stderr.isatty() or self.color == "always":
            return True
        return self.color == "auto" and any(environment().get(name) for name in _TERMINALS)
