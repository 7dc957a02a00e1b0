"""A server that is reached through a program (ProxyCommand, ssh_config(5)): the program's stdin and stdout are the line."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

from git_helper.errors import Unreachable
from git_helper.git.ssh_said import Said
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Mapping

_STDERR_READ = 1 << 16
_SECONDS_TO_END = 1.0


class Proxy:
    """`command` run by `shell` (the tokens in it are already replaced); `socket` is the line to the server.

    `may_ask`: whether it may use our terminal. Raises Unreachable when it does not start.
    """

    def __init__(self, command: str, shell: str, environ: Mapping[str, str], *, may_ask: bool) -> None:
        self._own_session = not may_ask
        self.socket, theirs = socket.socketpair()
        try:
            # `exec`, so that what we end is the program itself (sshconnect.c of OpenSSH).
            self._child = subprocess.Popen(
                [shell, "-c", f"exec {command}"],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.PIPE,
                env=dict(environ),
                bufsize=0,
                start_new_session=self._own_session,
            )
        except (OSError, ValueError) as error:
            self.socket.close()
            reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
            raise Unreachable(f"cannot start the ProxyCommand '{visible(command)}': {reason}") from error
        finally:
            theirs.close()
        stderr = self._child.stderr
        self.said = Said(lambda: os.read(stderr.fileno(), _STDERR_READ) if stderr is not None else b"")

    def close(self) -> None:
        """Ends the program."""
        self.socket.close()
        try:
            self._child.wait(0.05)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGTERM)
            try:
                self._child.wait(_SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                self._signal(getattr(signal, "SIGKILL", signal.SIGTERM))
                self._child.wait()
        self.said.wait(_SECONDS_TO_END)
        if self._child.stderr is not None:
            self._child.stderr.close()

    def _signal(self, number: int) -> None:
        try:
            if sys.platform != "win32" and self._own_session:
                os.killpg(self._child.pid, number)
            else:
                self._child.send_signal(number)
        except OSError:
            pass
