"""The controlling terminal of a POSIX system: `/dev/tty` (termios(3), tty(4))."""

from __future__ import annotations

import contextlib
import locale
import os
import select
import signal
import sys
import threading
from typing import TYPE_CHECKING

from git_helper.errors import Cancelled, UsageError
from git_helper.secret import Secret
from git_helper.system.line_editor import LIMIT, LineEditor, Outcome

assert sys.platform != "win32"  # noqa: S101 (for the type checker)
import fcntl  # noqa: E402
import termios  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import FrameType
    from typing import Any, Self

    Modes = list[Any]
    """What tcgetattr(3) gives: iflag, oflag, cflag, lflag, two speeds, the control characters."""

MASKS = 32
"""Never more mask characters than this: enough to see that a paste arrived, too few to tell the length of a token."""

_ESCAPE_SECONDS = 0.05
_LFLAG, _CC = 3, 6
_KEYS = {termios.VINTR: signal.SIGINT, termios.VQUIT: signal.SIGQUIT, termios.VSUSP: signal.SIGTSTP}


class PosixTerminal:
    """The terminal while a question is asked; a context manager that closes it. `output` is the file to draw on."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        # A locale of another encoding, or of none, gets what it can show.
        self.output = open(descriptor, "w", encoding=locale.getencoding(), errors="replace")  # noqa: SIM115

    @classmethod
    def open(cls) -> Self | None:
        """The controlling terminal; None without one, or in the background, where asking would stop the whole job."""
        try:
            descriptor = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError:
            return None
        if not _in_foreground(descriptor):
            os.close(descriptor)
            return None
        # Helpers of submodules that git fetches at once take turns; the kernel frees the lock with its holder. /dev/tty is
        # one file for all terminals of the machine, so each session has a byte of it.
        fcntl.lockf(descriptor, fcntl.LOCK_EX, 1, os.getsid(0))
        return cls(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # A terminal that hung up has nothing to flush to.
        with contextlib.suppress(OSError):
            self.output.close()

    def size(self) -> tuple[int, int]:
        """Columns and lines; 80 and 24 where the terminal does not know."""
        try:
            columns, lines = os.get_terminal_size(self._descriptor)
        except OSError:
            columns, lines = 0, 0
        return columns or 80, lines or 24

    def read_line(self, prompt: str) -> bytes:
        """A visible line without its end. `prompt` is written as it is. Raises Cancelled."""
        with _cancelled_by_interrupt():
            modes = termios.tcgetattr(self._descriptor)
            modes[_LFLAG] |= termios.ICANON | termios.ECHO | termios.ISIG
            with _Modes(self._descriptor, modes).applied(lambda: self._write(prompt)):
                self._write(prompt)
                return self._read_line()

    def _read_line(self) -> bytes:
        line = b""
        while not line.endswith(b"\n"):
            block = os.read(self._descriptor, 4096)
            if not block:
                self._write("\n")
                raise Cancelled("cancelled")
            line += block
        return line[:-1]

    def read_secret(self, prompt: str, masks: int = MASKS) -> Secret:
        """A line without echo, `*` for each of the first `masks` characters. `prompt` is written as it is.

        Any length that git can carry (canonical mode cuts at 4,095 bytes). Raises Cancelled; UsageError when longer.
        """
        with _cancelled_by_interrupt():
            return _SecretQuestion(self._descriptor, self._write, prompt, min(masks, MASKS)).answer()

    def _write(self, text: str) -> None:
        self.output.write(text)
        self.output.flush()


class _Modes:
    """Terminal modes for a while. Whatever ends that while, the modes from before come back."""

    def __init__(self, descriptor: int, wanted: Modes) -> None:
        self._descriptor = descriptor
        self._wanted = wanted
        self._before: Modes = termios.tcgetattr(descriptor)

    def enter(self) -> None:
        # TCSAFLUSH as in getpass(3): what was typed before the question is no answer to it.
        termios.tcsetattr(self._descriptor, termios.TCSAFLUSH, self._wanted)

    def leave(self) -> None:
        # In the background the terminal is the shell's again, with its own modes; we would be stopped for touching it.
        if _in_foreground(self._descriptor):
            with contextlib.suppress(termios.error):
                termios.tcsetattr(self._descriptor, termios.TCSAFLUSH, self._before)

    @contextlib.contextmanager
    def applied(self, resumed: Callable[[], None] = lambda: None) -> Iterator[None]:
        """With the wanted modes. `resumed` is called when the process was stopped and goes on."""

        def end(number: int, _: FrameType | None) -> None:
            self.leave()
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

        def go_on(_: int, __: FrameType | None) -> None:
            self.enter()
            resumed()

        handlers = {signal.SIGTERM: end, signal.SIGHUP: end, signal.SIGCONT: go_on}
        with _handled(handlers):
            try:
                self.enter()
                yield
            finally:
                self.leave()


class _SecretQuestion:
    """One question that is answered without echo."""

    def __init__(self, descriptor: int, write: Callable[[str], None], prompt: str, masks: int) -> None:
        self._descriptor = descriptor
        self._write = write
        self._prompt = prompt
        self._masks = masks
        self._shown = 0
        self._line = LineEditor()
        before = termios.tcgetattr(descriptor)
        quiet = termios.tcgetattr(descriptor)
        # Without ISIG the keys that end or stop the job reach us as bytes, so that the modes are restored before git
        # dies of the signal and the shell takes the terminal back; with it, whoever is first wins.
        quiet[_LFLAG] &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.IEXTEN | termios.ISIG)
        quiet[_CC][termios.VMIN], quiet[_CC][termios.VTIME] = 1, 0
        self._signals = _signal_keys(before, os.fpathconf(descriptor, "PC_VDISABLE"))
        self._modes = _Modes(descriptor, quiet)

    def answer(self) -> Secret:
        """Asks. Raises Cancelled and UsageError."""
        with self._modes.applied(self._draw_again):
            self._draw_again()
            try:
                outcome = self._read()
            finally:
                with contextlib.suppress(OSError):
                    self._write("\n")
        if outcome is Outcome.TOO_LONG:
            raise UsageError(f"cannot take a token of more than {LIMIT} bytes")
        if outcome is Outcome.CANCELLED:
            raise Cancelled("cancelled")
        return Secret(self._line.text)

    def _read(self) -> Outcome:
        while True:
            if self._line.in_escape and not select.select([self._descriptor], [], [], _ESCAPE_SECONDS)[0]:
                self._line.end_escape()
            block = os.read(self._descriptor, 4096)
            if not block:
                return Outcome.CANCELLED
            # `next` stops at the line's end: what was pasted behind it is dropped.
            outcome = next((end for end in map(self._key, block) if end is not None), None)
            self._draw()
            if outcome is not None:
                return outcome

    def _key(self, byte: int) -> Outcome | None:
        number = None if self._line.in_paste else self._signals.get(byte)
        if number is None:
            return self._line.feed(byte)
        # What the terminal would have done: a signal for the whole job, git included.
        self._modes.leave()
        os.kill(0, number)
        if number != signal.SIGTSTP:
            return Outcome.CANCELLED
        # Here again after `fg`; or at once, in a job that no shell can continue and that is therefore never stopped.
        self._modes.enter()
        return None

    def _draw_again(self) -> None:
        self._shown = 0
        self._write(self._prompt)
        self._draw()

    def _draw(self) -> None:
        wanted = min(self._line.length(), self._masks)
        more = wanted - self._shown
        self._shown = wanted
        if more:
            self._write("*" * more if more > 0 else "\b \b" * -more)


def _signal_keys(modes: Modes, disabled: int) -> dict[int, signal.Signals]:
    """The keys of this terminal that send signals. Stopping needs our SIGCONT handler, so the main thread."""
    if not modes[_LFLAG] & termios.ISIG:
        return {}
    keys = {modes[_CC][at][0]: number for at, number in _KEYS.items() if modes[_CC][at][0] != disabled}
    if threading.current_thread() is not threading.main_thread():
        keys = {key: number for key, number in keys.items() if number != signal.SIGTSTP}
    return keys


def _in_foreground(descriptor: int) -> bool:
    try:
        return os.tcgetpgrp(descriptor) == os.getpgrp()
    except OSError:
        return False


@contextlib.contextmanager
def _cancelled_by_interrupt() -> Iterator[None]:
    try:
        yield
    except (KeyboardInterrupt, OSError, termios.error) as error:
        # The two errors: the terminal hung up, or was taken from us while we read (EIO).
        raise Cancelled("cancelled") from error


@contextlib.contextmanager
def _handled(handlers: Mapping[signal.Signals, Callable[[int, FrameType | None], None]]) -> Iterator[None]:
    """With these signal handlers, where signals are not ignored; only the main thread can have any."""
    before: dict[signal.Signals, Any] = {}
    try:
        if threading.current_thread() is threading.main_thread():
            for number, handler in handlers.items():
                if signal.getsignal(number) is not signal.SIG_IGN:
                    before[number] = signal.signal(number, handler)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
