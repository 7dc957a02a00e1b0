"""A program on a real pseudo-terminal that is its controlling terminal, as a person's shell would start it."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import pexpect
from pexpect.fdpexpect import fdspawn

SECONDS = 10
CTRL_C, CTRL_D, CTRL_U, CTRL_W, CTRL_Z, BACKSPACE, ENTER = b"\x03", b"\x04", b"\x15", b"\x17", b"\x1a", b"\x7f", b"\r"

# pty.fork() would warn about our servers' threads (Python 3.12), so a child makes the terminal its own before it becomes
# the program. stdin, stdout and stderr stay what they are, or the terminal.
_LAUNCHER = """
import fcntl, os, sys, termios
terminal, redirected = int(sys.argv[1]), sys.argv[2]
fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
for number in range(3):
    if str(number) not in redirected:
        os.dup2(terminal, number)
os.close(terminal)
if "closed" in redirected:
    os.close(0)
os.execvp(sys.argv[3], sys.argv[3:])
"""


class PseudoTerminal:
    """`with PseudoTerminal(["git", "clone", url]) as terminal: terminal.expect("Token for"); terminal.send(b"…\\r")`

    stdin: bytes instead of the terminal; closed_stdin: none at all. stdout, stderr: files instead of the terminal.
    """

    def __init__(
        self,
        words: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        columns: int = 80,
        stdin: bytes | None = None,
        closed_stdin: bool = False,
        stdout: Path | None = None,
        stderr: Path | None = None,
    ) -> None:
        self._master, self._slave = pty.openpty()
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        redirected = ("0" if stdin is not None else "") + ("1" if stdout else "") + ("2" if stderr else "")
        outputs = [open(path, "wb") if path else None for path in (stdout, stderr)]  # noqa: SIM115
        launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(self._slave)]
        self.process = subprocess.Popen(
            [*launcher, f"{redirected} {'closed' if closed_stdin else ''}", *words],
            stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
            stdout=outputs[0] or subprocess.DEVNULL,
            stderr=outputs[1] or subprocess.DEVNULL,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            pass_fds=[self._slave],
            start_new_session=True,
        )
        for output in outputs:
            if output is not None:
                output.close()
        if self.process.stdin is not None:
            self.process.stdin.write(stdin or b"")
            self.process.stdin.close()
        self._log = io.BytesIO()
        self._child = fdspawn(self._master, timeout=SECONDS)
        self._child.logfile_read = self._log

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.hang_up()

    def hang_up(self) -> None:
        """Closes the terminal, as a window that is closed or a connection that is lost."""
        for descriptor in (self._slave, self._master):
            if descriptor >= 0:
                os.close(descriptor)
        self._slave = self._master = -1

    @property
    def shown(self) -> bytes:
        """Everything the terminal was given so far."""
        while select.select([self._master], [], [], 0)[0]:
            self._log.write(os.read(self._master, 65536))
        return self._log.getvalue()

    def expect(self, text: str) -> None:
        """Waits until `text` is shown. Fails after SECONDS."""
        try:
            self._child.expect_exact(text.encode())
        except pexpect.TIMEOUT:
            raise AssertionError(f"'{text}' is not shown, but: {self.shown!r}") from None

    def send(self, keys: bytes) -> None:
        """Types `keys`."""
        while keys:
            keys = keys[os.write(self._master, keys) :]

    def wait(self) -> int:
        """The exit code; negative for the signal it died of."""
        return self.process.wait(SECONDS)

    def echoes(self) -> bool:
        """Whether the terminal is as a shell wants it: echo, lines and signal keys on."""
        wanted = termios.ECHO | termios.ICANON | termios.ISIG
        return bool(termios.tcgetattr(self._slave)[3] & wanted == wanted)
