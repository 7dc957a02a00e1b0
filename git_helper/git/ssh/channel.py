"""One command on a server, over a channel of an encrypted connection (RFC 4254 §6)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from git_helper.errors import Unreachable
from git_helper.git.ssh.command import LONGER, TooManyChannels
from git_helper.git.ssh.fields import packed
from git_helper.git.ssh.library import Message, SSHException
from git_helper.git.ssh.said import Said
from git_helper.system.trace import note

if TYPE_CHECKING:
    from git_helper.git.ssh.transport import SshTransport

WINDOW = 4 << 20
"""Bytes under way to us: 70 MB/s at a round trip of 50 ms; with more than 8 MiB the reader starves (6-ssh §3)."""

_CHANNEL_REQUEST = 98
_READ = 1 << 20
_STDERR_READ = 1 << 16
_SECONDS_FOR_END = 2.0


class ChannelCommand:
    """`command` running on the server of `transport`; see `command.Command`. `shown`: the server, for people."""

    def __init__(
        self, transport: SshTransport, command: str, environment: dict[str, str], idle: float, shown: str
    ) -> None:
        self._transport = transport
        self._shown = shown
        self._idle = idle
        note("channel", host=shown, command=command)
        try:
            self._channel = transport.open("session", WINDOW, idle)
        except TimeoutError:
            raise Unreachable(f"cannot ask '{shown}': no answer in {idle:g} seconds", LONGER) from None
        except (SSHException, EOFError, OSError) as error:
            raise self._not_opened(error) from None
        self._channel.settimeout(idle)
        for name, value in environment.items():
            # As bytes: paramiko cannot encode what is not UTF-8 in the environment.
            self._channel.set_environment_variable(*(word.encode("utf-8", "surrogateescape") for word in (name, value)))
        # Not exec_command: that waits for the answer without a limit, and costs a round trip.
        self._request("exec", packed(command.encode()))
        self.said = Said(self._read_stderr)

    @property
    def is_open(self) -> bool:
        """Whether the command still runs, as far as we know."""
        return self._transport.is_active() and not self._channel.closed and not self._channel.eof_received

    def read(self, size: int) -> bytes:
        """See Command."""
        try:
            data = self._channel.recv(max(size, _READ))
        except TimeoutError:
            reason = f"nothing came for {self._idle:g} seconds"
            raise Unreachable(f"the answer of '{self._shown}' stopped: {reason}", LONGER) from None
        if data or self._channel.eof_received or self._transport.is_active():
            return data
        raise Unreachable(f"the connection to '{self._shown}' broke: {self._transport.why()}")

    def write(self, data: bytes) -> None:
        """See Command."""
        try:
            view = memoryview(data)
            while view:
                sent = self._channel.send(bytes(view[:_STDERR_READ]))
                if not sent:
                    raise BrokenPipeError
                view = view[sent:]
        except TimeoutError:
            reason = f"it takes nothing for {self._idle:g} seconds"
            raise Unreachable(f"cannot ask '{self._shown}': {reason}", LONGER) from None
        except (OSError, EOFError, SSHException):
            if not self._transport.is_active():
                self._transport.join(_SECONDS_FOR_END)
                raise Unreachable(f"the connection to '{self._shown}' broke: {self._transport.why()}") from None
            # The command has ended; what it said before is still to be read.

    def exit_code(self) -> int | None:
        """See Command."""
        self._channel.status_event.wait(_SECONDS_FOR_END)
        code = self._channel.exit_status
        return None if code < 0 else code

    def was_refused(self) -> bool:
        """See Command."""
        return not self._channel.event_ready and self._channel.exit_status < 0

    def close(self) -> None:
        """See Command."""
        try:
            self._channel.close()
        except (OSError, EOFError, SSHException):
            pass
        self.said.wait(_SECONDS_FOR_END)

    def _read_stderr(self) -> bytes:
        while True:
            try:
                return self._channel.recv_stderr(_STDERR_READ)
            except TimeoutError:
                continue  # the limit is for what we read from stdout

    def _request(self, kind: str, fields: bytes) -> None:
        body = (
            struct.pack(">BI", _CHANNEL_REQUEST, self._channel.remote_chanid) + packed(kind.encode()) + b"\1" + fields
        )
        self._transport._send_user_message(Message(body))  # type: ignore[attr-defined]

    def _not_opened(self, error: Exception) -> Unreachable:
        if not self._transport.is_active():
            return Unreachable(f"the connection to '{self._shown}' broke: {self._transport.why()}")
        return TooManyChannels(f"'{self._shown}' refused to open a channel: {error}")
