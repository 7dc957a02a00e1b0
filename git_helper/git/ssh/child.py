"""A program that we start: its stderr is drained, and it ends when we say so."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from typing import IO, TYPE_CHECKING

from git_helper.errors import Unreachable
from git_helper.git.ssh.said import Said
from git_helper.system.trace import note

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_STDERR_READ = 1 << 16
_SECONDS_TO_END = 1.0


class Child:
    """`words` as a program; its stdin and stdout are `line`, else pipes. `said` is what it writes to stderr.

    `may_ask`: whether it may use our terminal. `failure` begins the message of Unreachable, raised when it does not start.
    """

    def __init__(
        self,
        words: Sequence[str],
        environ: Mapping[str, str],
        failure: str,
        *,
        may_ask: bool,
        line: socket.socket | None = None,
    ) -> None:
        self._own_session = not may_ask
        note("program", name=os.path.basename(words[0]))
        try:
            self._process = subprocess.Popen(
                words,
                stdin=subprocess.PIPE if line is None else line.fileno(),
                stdout=subprocess.PIPE if line is None else line.fileno(),
                stderr=subprocess.PIPE,
                env=dict(environ),
                bufsize=0,
                start_new_session=self._own_session,
            )
        except (OSError, ValueError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
            raise Unreachable(f"{failure}: {reason}") from error
        self._stderr = _there(self._process.stderr)
        self.said = Said(lambda: os.read(self._stderr.fileno(), _STDERR_READ))

    @property
    def stdin(self) -> IO[bytes]:
        """The pipe to it."""
        return _there(self._process.stdin)

    @property
    def stdout(self) -> IO[bytes]:
        """The pipe from it."""
        return _there(self._process.stdout)

    @property
    def runs(self) -> bool:
        """Whether it still does."""
        return self._process.poll() is None

    def exit_code(self, seconds: float) -> int | None:
        """Waits for its end; None when it still runs."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Signals it, and what it started itself, if it has a session of its own."""
        try:
            if sys.platform != "win32" and self._own_session:
                os.killpg(self._process.pid, number)
            else:
                self._process.send_signal(number)
        except OSError:
            pass

    def end(self, grace: float = 0.0) -> None:
        """Ends it, after `grace` seconds in which it may end by itself; the harder way when it does not listen."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        if self.exit_code(grace) is None:
            self.stop()
            if self.exit_code(_SECONDS_TO_END) is None:
                self.stop(getattr(signal, "SIGKILL", signal.SIGTERM))
                self._process.wait()
        self.said.wait(_SECONDS_TO_END)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._stderr.close()


def _there(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise ValueError("it has no such pipe")
    return pipe
