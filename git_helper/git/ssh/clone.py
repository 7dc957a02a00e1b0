"""dulwich's client over our own SSH, for whole clones (the `client` of full_clone's Connections)."""

from __future__ import annotations

import io
import re
from typing import IO, TYPE_CHECKING

from dulwich.client import TraditionalGitClient
from dulwich.protocol import Protocol

from git_helper.git.pkt_line import Packets
from git_helper.git.pool import with_features
from git_helper.git.ssh.command import check_url
from git_helper.git.ssh.repository import no_answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from git_helper.core.giturl import GitUrl
    from git_helper.git.ssh.repository import Connector, Resting

_BUFFER = 1 << 20
_REFUSAL = re.compile(b"[0-9a-f]{4}ERR ")


def ssh_client(connector: Connector, url: GitUrl) -> SshClient:
    """A client for the repository; the path that its methods ask for does not matter. Raises UsageError.

    Its methods raise what `connector` raises, Unreachable, Refused (ServerError), NotFound.
    """
    check_url(url)
    return SshClient(connector, url)


class SshClient(TraditionalGitClient):
    """One command for each request."""

    def __init__(self, connector: Connector, url: GitUrl) -> None:
        super().__init__(path_encoding="utf-8", include_tags=True)
        self._connector = connector
        self._url = url

    def get_url(self, path: str) -> str:
        """For people."""
        return self._url.safe_url

    def _connect(
        self, cmd: bytes, path: str | bytes, protocol_version: int | None = None
    ) -> tuple[Protocol, Callable[[], bool], IO[bytes] | None]:
        command = self._connector.start(self._url)
        conversation = _Conversation(command, self._url.masked_clone_url)
        try:
            if not conversation.begins():
                raise no_answer(command, self._url.masked_clone_url)
        except BaseException:
            command.close()
            raise
        protocol = Protocol(conversation.read, conversation.write, command.close)
        # It is asked only while both sides look for commits that they share; a clone has none.
        return protocol, lambda: False, None


class _Conversation:
    """What is said is kept until an answer is asked for, and then made complete as over HTTP."""

    def __init__(self, command: Resting, shown: str) -> None:
        self._command = command
        self._shown = shown
        self._file = io.BufferedReader(_Raw(command), _BUFFER)
        self._to_say = b""

    def begins(self) -> bool:
        """Whether there is an answer at all."""
        return bool(self._file.peek(1))

    def write(self, data: bytes) -> None:
        """Says it with the next read."""
        self._to_say += data

    def read(self, size: int) -> bytes:
        """Exactly so many bytes, fewer only at the end. Raises ServerError for a refusal, which dulwich would not tell."""
        if self._to_say:
            said, self._to_say = self._to_say, b""
            self._command.write(with_features(said))
            head = self._file.peek(8)
            if _REFUSAL.match(head):
                line = self._file.read(int(head[:4], 16))
                raise Packets(self._command.read, self._shown).refusal(line[8:])
        return self._file.read(size)


class _Raw(io.RawIOBase):
    """What the command writes."""

    def __init__(self, command: Resting) -> None:
        super().__init__()
        self._command = command
        self._rest = b""

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """See io.RawIOBase."""
        view = memoryview(buffer).cast("B")
        data = self._rest or self._command.read(len(view))
        taken = data[: len(view)]
        self._rest = data[len(view) :]
        view[: len(taken)] = taken
        return len(taken)
