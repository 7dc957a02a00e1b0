"""An SSH server on loopback with accounts of its own, for what OpenSSH's asks the machine's accounts: passwords, questions.

It is paramiko's server side. Commands run as children of this process.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import subprocess
import threading
from collections.abc import Callable, Sequence
from typing import IO

import paramiko
from paramiko.common import AUTH_FAILED, AUTH_PARTIALLY_SUCCESSFUL, AUTH_SUCCESSFUL, OPEN_SUCCEEDED
from paramiko.server import InteractiveQuery

from tests.servers.listener import Listener

logging.getLogger("paramiko").addHandler(logging.NullHandler())

_CHUNK = 1 << 16
_GONE = (OSError, EOFError, ValueError, paramiko.SSHException)


class Account(paramiko.ServerInterface):
    """One login. `methods`: what opens the door, one after another; a `password`; `questions` with their answers."""

    def __init__(
        self,
        methods: Sequence[str] = ("password",),
        password: str = "",
        questions: Sequence[tuple[str, bool, str]] = (),
        key: paramiko.PKey | None = None,
    ) -> None:
        self.tried: list[str] = []
        self.banner: str | None = None
        self._left = list(methods)
        self._password = password
        self._questions = list(questions)
        self._key = key

    def get_allowed_auths(self, username: str) -> str:
        return self._left[0] if self._left else ""

    def get_banner(self) -> tuple[str | None, str | None]:
        return self.banner, "en"

    def _passed(self, method: str) -> int:
        if not self._left or self._left[0] != method:
            return AUTH_FAILED
        self._left.pop(0)
        return AUTH_PARTIALLY_SUCCESSFUL if self._left else AUTH_SUCCESSFUL

    def check_auth_password(self, username: str, password: str) -> int:
        self.tried.append(f"{username}:{password}")
        return self._passed("password") if password == self._password else AUTH_FAILED

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return self._passed("publickey") if key == self._key else AUTH_FAILED

    def check_auth_interactive(self, username: str, submethods: str) -> int | InteractiveQuery:
        if not self._questions:
            return AUTH_FAILED
        return InteractiveQuery("Door", "Tell us", *((text, seen) for text, seen, _ in self._questions))

    def check_auth_interactive_response(self, responses: list[str]) -> int:
        self.tried.append(",".join(responses))
        right = [answer for _, _, answer in self._questions] == responses
        return self._passed("keyboard-interactive") if right else AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        threading.Thread(target=_run, args=(channel, command), daemon=True).start()
        return True


def _run(channel: paramiko.Channel, command: bytes) -> None:
    with subprocess.Popen(
        ["/bin/sh", "-c", command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        feeder = threading.Thread(target=_feed, args=(channel, child.stdin), daemon=True)
        feeder.start()
        with contextlib.suppress(*_GONE):
            while data := child.stdout.read(_CHUNK):
                channel.sendall(data)
        child.kill()
        with contextlib.suppress(*_GONE):
            channel.send_exit_status(child.wait(10) & 0xFF)
        with contextlib.suppress(*_GONE):
            channel.close()
        feeder.join(10)  # it may be writing to what is closed next


def _feed(channel: paramiko.Channel, stdin: IO[bytes]) -> None:
    with contextlib.suppress(*_GONE):
        while data := channel.recv(_CHUNK):
            stdin.write(data)
        stdin.close()


class AskingServer:
    """`account` gives the login of each connection."""

    def __init__(self, host_key: paramiko.PKey, account: Callable[[], paramiko.ServerInterface]) -> None:
        self._host_key = host_key
        self._account = account
        self._transports: list[paramiko.Transport] = []
        self._listener = Listener(self._serve)
        self.port = self._listener.port

    def __enter__(self) -> AskingServer:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        for transport in self._transports:
            transport.close()
            transport.join(10)

    def renew_keys(self, host_key: paramiko.PKey) -> None:
        """Has new keys on the last connection (RFC 4253 §9), signed with `host_key`; paramiko.SSHException if that fails."""
        transport = self._transports[-1]
        transport.server_key_dict.clear()
        transport.add_server_key(host_key)
        transport.renegotiate_keys()

    def _serve(self, connection: socket.socket) -> None:
        transport = paramiko.Transport(connection)
        transport.add_server_key(self._host_key)
        transport.start_server(event=threading.Event(), server=self._account())
        self._transports.append(transport)
