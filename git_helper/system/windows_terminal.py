"""The console of Windows: `CONIN$` and `CONOUT$`, whatever stdin and stdout are (Microsoft: "Console Handles")."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

from git_helper.errors import Cancelled, UsageError
from git_helper.secret import Secret
from git_helper.system.line_editor import LIMIT, LineEditor, Outcome

assert sys.platform == "win32"  # noqa: S101 (for the type checker)
import msvcrt  # noqa: E402

if TYPE_CHECKING:
    from typing import Self, TextIO

MASKS = 32
"""Never more mask characters than this; see `posix_terminal`."""

_KEY_PREFIXES = ("\x00", "\xe0")
"""What getwch() gives before the code of a function or arrow key."""


class WindowsTerminal:
    """The console while a question is asked; a context manager that closes it. `output` is the file to draw on."""

    def __init__(self, keyboard: TextIO, output: TextIO) -> None:
        self._keyboard = keyboard
        self.output = output

    @classmethod
    def open(cls) -> Self | None:
        """The console of this process, or None."""
        try:
            keyboard = open("CONIN$", encoding="utf-8", errors="surrogateescape")  # noqa: SIM115
        except OSError:
            return None
        try:
            return cls(keyboard, open("CONOUT$", "w", encoding="utf-8", errors="replace"))
        except OSError:
            keyboard.close()
            return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._keyboard.close()
        with contextlib.suppress(OSError):
            self.output.close()

    def size(self) -> tuple[int, int]:
        """Columns and lines; 80 and 24 where the console does not know."""
        try:
            columns, lines = os.get_terminal_size(self.output.fileno())
        except OSError:
            columns, lines = 0, 0
        return columns or 80, lines or 24

    def read_line(self, prompt: str) -> bytes:
        """A visible line without its end. `prompt` is written as it is. Raises Cancelled."""
        self._write(prompt)
        try:
            line = self._keyboard.readline()
        except (KeyboardInterrupt, OSError) as error:
            raise Cancelled("cancelled") from error
        if not line or line.startswith("\x1a"):
            raise Cancelled("cancelled")
        return line.rstrip("\r\n").encode("utf-8", "surrogateescape")

    def read_secret(self, prompt: str, masks: int = MASKS) -> Secret:
        """A line without echo, `*` for each of the first `masks` characters. `prompt` is written as it is.

        Raises Cancelled; UsageError when it is longer than git can carry.
        """
        while msvcrt.kbhit():
            msvcrt.getwch()
        self._write(prompt)
        try:
            line, outcome = self._read(min(masks, MASKS))
        except KeyboardInterrupt as error:
            raise Cancelled("cancelled") from error
        finally:
            self._write("\n")
        if outcome is Outcome.TOO_LONG:
            raise UsageError(f"cannot take a token of more than {LIMIT} bytes")
        if outcome is Outcome.CANCELLED:
            raise Cancelled("cancelled")
        return Secret(line.text)

    def _read(self, masks: int) -> tuple[LineEditor, Outcome]:
        line, shown = LineEditor(), 0
        while True:
            for byte in _character():
                outcome = line.feed(byte)
                if outcome is not None:
                    return line, outcome
            if line.in_escape and not msvcrt.kbhit():
                line.end_escape()
            more = min(line.length(), masks) - shown
            shown += more
            if more:
                self._write("*" * more if more > 0 else "\b \b" * -more)

    def _write(self, text: str) -> None:
        self.output.write(text)
        self.output.flush()


def _character() -> bytes:
    """The next character in UTF-8; nothing for a function key. getwch() gives UTF-16, one unit a call."""
    unit = msvcrt.getwch()
    if unit in _KEY_PREFIXES:
        msvcrt.getwch()
        return b""
    if "\ud800" <= unit <= "\udbff":
        unit += msvcrt.getwch()
    return unit.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()
