"""A line of secret text that grows key by key: bytes of a terminal in, the secret out. Pure; the terminals drive it.

Keys as a person knows them from the shell: Backspace, Ctrl-U, Ctrl-W, Ctrl-D on the empty line. Arrow and function keys
(ECMA-48 control sequences) do nothing, and a paste in brackets (xterm's mode 2004) loses its brackets and line ends.
"""

from __future__ import annotations

from enum import Enum, auto

LIMIT = 65_535 - len(b"password=\n")
"""bytes; git-credential(1) promises no longer line."""

_BACKSPACE = (0x08, 0x7F)
_CTRL_C, _CTRL_D, _TAB, _CTRL_U, _CTRL_W, _ESCAPE = 0x03, 0x04, 0x09, 0x15, 0x17, 0x1B
_LINE_ENDS = (0x0A, 0x0D)
_BLANKS = b" \t"
_SEQUENCE_LIMIT = 32


class Outcome(Enum):
    """How a line ended."""

    ENTERED = auto()
    CANCELLED = auto()
    TOO_LONG = auto()


class LineEditor:
    """The line so far. `feed` returns an Outcome when it is at its end."""

    def __init__(self) -> None:
        self._text = bytearray()
        self._sequence: bytearray | None = None
        self.in_paste = False

    @property
    def text(self) -> bytes:
        """The bytes typed, as the terminal encoded them."""
        return bytes(self._text)

    @property
    def in_escape(self) -> bool:
        """Whether an escape was seen that may be the begin of a longer key, or the Escape key alone."""
        return self._sequence is not None

    def length(self) -> int:
        """How many characters there are (UTF-8; another encoding's bytes may be counted wrongly, never lost)."""
        return sum(not _continues(byte) for byte in self._text)

    def end_escape(self) -> None:
        """Nothing followed the escape: it was the Escape key, which does nothing."""
        self._sequence = None

    def feed(self, byte: int) -> Outcome | None:
        """Takes one byte of input."""
        if self._sequence is not None and byte >= 0x20:
            self._continue_sequence(self._sequence, byte)
            return None
        self._sequence = None
        if byte == _ESCAPE:
            self._sequence = bytearray()
        elif byte in _LINE_ENDS:
            # A token copied with the line end behind it, or broken in two by a narrow window, is still one token.
            return None if self.in_paste else Outcome.ENTERED
        elif byte == _CTRL_C or (byte == _CTRL_D and not self._text):
            return Outcome.CANCELLED
        elif byte < 0x20 or byte == 0x7F:
            self._control(byte)
        else:
            self._text.append(byte)
        return Outcome.TOO_LONG if len(self._text) > LIMIT else None

    def _control(self, byte: int) -> None:
        if byte in _BACKSPACE:
            self._drop_character()
        elif byte == _CTRL_U:
            self._text.clear()
        elif byte == _CTRL_W:
            self._drop_word()
        elif byte == _TAB:
            self._text.append(byte)

    def _continue_sequence(self, sequence: bytearray, byte: int) -> None:
        sequence.append(byte)
        if len(sequence) == 1:
            ended = byte not in b"[O"
        else:
            ended = sequence[0] == ord("O") or 0x40 <= byte <= 0x7E or len(sequence) > _SEQUENCE_LIMIT
        if ended:
            self._end_sequence(bytes(sequence))

    def _end_sequence(self, sequence: bytes) -> None:
        if sequence == b"[200~":
            self.in_paste = True
        elif sequence == b"[201~":
            self.in_paste = False
        self._sequence = None

    def _drop_character(self) -> None:
        # A character of UTF-8 is a leading byte and up to three that continue it.
        for _ in range(3):
            if not (self._text and _continues(self._text[-1])):
                break
            self._text.pop()
        if self._text:
            self._text.pop()

    def _drop_word(self) -> None:
        while self._text and self._text[-1] in _BLANKS:
            self._text.pop()
        while self._text and self._text[-1] not in _BLANKS:
            self._text.pop()


def _continues(byte: int) -> bool:
    return byte & 0xC0 == 0x80
