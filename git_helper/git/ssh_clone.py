"""dulwich's client over our own SSH, for whole clones (the `client` of full_clone's Connections)."""

from __future__ import annotations

import io
from typing import IO, TYPE_CHECKING

from dulwich.client import TraditionalGitClient
from dulwich.protocol import Protocol

from git_helper.git import ssh_command

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import WriteableBuffer
    from dulwich.client import GitClient

    from git_helper.core.giturl import GitUrl
    from git_helper.git.ssh_repository import Connector, Resting

_BUFFER = 1 << 20


def ssh_client(connector: Connector, url: GitUrl) -> GitClient:
    """A client for the repository; the path that its methods ask for does not matter. Raises UsageError."""
    ssh_command.check(url)
    return _SshClient(connector, url)


class _SshClient(TraditionalGitClient):
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
        reader = io.BufferedReader(_Reader(command), _BUFFER)
        protocol = Protocol(reader.read, command.write, command.close)
        # It is asked only while both sides look for commits that they share; a clone has none.
        return protocol, lambda: False, _Said(command)


class _Reader(io.RawIOBase):
    """What the command writes."""

    def __init__(self, command: Resting) -> None:
        super().__init__()
        self._command = command
        self._rest = b""

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """See io.RawIOBase."""
        view = memoryview(buffer).cast("B")
        data = self._rest or self._command.read(len(view))
        taken = data[: len(view)]
        self._rest = data[len(view) :]
        view[: len(taken)] = taken
        return len(taken)


class _Said(io.BytesIO):
    """What it says on stderr, read when somebody wants to know, after its end."""

    def __init__(self, command: Resting) -> None:
        super().__init__()
        self._command = command

    def readlines(self, hint: int | None = -1) -> list[bytes]:
        """The last lines, cleaned."""
        self._command.said.wait(1)
        return [self._command.said.text().encode()]
