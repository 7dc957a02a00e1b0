"""A server that is reached through a program (ProxyCommand, ssh_config(5)): the program's stdin and stdout are the line."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from git_helper.git.ssh.child import Child
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Mapping

_GRACE = 0.05


class Proxy:
    """`command` run by `shell` (the tokens in it are already replaced); `socket` is the line to the server.

    `may_ask`: whether it may use our terminal. Raises Unreachable when it does not start.
    """

    def __init__(self, command: str, shell: str, environ: Mapping[str, str], *, may_ask: bool) -> None:
        self.socket, theirs = socket.socketpair()
        failure = f"cannot start the ProxyCommand '{visible(command)}'"
        try:
            # `exec`, so that what we end is the program itself (sshconnect.c of OpenSSH).
            self._child = Child([shell, "-c", f"exec {command}"], environ, failure, may_ask=may_ask, line=theirs)
        except BaseException:
            self.socket.close()
            raise
        finally:
            theirs.close()
        self.said = self._child.said

    def close(self) -> None:
        """Ends the program."""
        self.socket.close()
        self._child.end(_GRACE)
