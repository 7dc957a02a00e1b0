"""The agent: a program that holds keys and signs with them (draft-miller-ssh-agent, OpenSSH's PROTOCOL.agent)."""

from __future__ import annotations

import socket
import struct
import sys
from typing import TYPE_CHECKING, Any

from git_helper.errors import StoreError
from git_helper.git.ssh.fields import Fields, Malformed, packed
from git_helper.git.ssh.library import get_agent_connection
from git_helper.git.ssh.public_key import CERTIFIED, Public

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from git_helper.git.ssh.options import SshOptions
    from git_helper.git.ssh.transport import SshTransport

_LIST, _LISTED, _SIGN, _SIGNED, _EXTENSION = 11, 12, 13, 14, 27
_SECONDS = 10.0
_LONGEST = 1 << 20
_MOST_KEYS = 2048
_HASH_FLAGS = {"rsa-sha2-256": 2, "rsa-sha2-512": 4}


def agent_place(options: SshOptions, environ: Mapping[str, str]) -> str | None:
    """The socket of the agent to ask (IdentityAgent, SSH_AUTH_SOCK); None for no agent."""
    place = options.identity_agent
    if place in (None, "SSH_AUTH_SOCK"):
        place = environ.get("SSH_AUTH_SOCK")
    return None if not place or place == "none" else place


class Agent:
    """The agent behind a socket. Raises StoreError when it cannot be reached, does not answer or refuses.

    `seconds`: for a signature, since a key may wait for a finger on it, or for a person to agree. The rest has at most 10.
    """

    def __init__(self, place: str, seconds: float) -> None:
        self._place = place
        self._to_sign = seconds
        self._seconds = min(seconds, _SECONDS)
        self._connection = _connect(place, self._seconds)

    def __enter__(self) -> Agent:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()

    def bind(self, transport: SshTransport) -> None:
        """Tells the agent which server this is about; it refuses keys that are not for that one (session-bind@openssh.com).

        Agents that do not know this refuse the message, and that is fine.
        """
        session = transport.session_id or b""
        key = transport.host_key_blob or b""
        body = packed(b"session-bind@openssh.com") + packed(key) + packed(session) + packed(transport.host_signature)
        self._ask(_EXTENSION, body + b"\0", self._seconds)

    def keys(self) -> list[tuple[Public, str]]:
        """Its keys and certificates in its order, with their comments."""
        number, answer = self._ask(_LIST, b"", self._seconds)
        if number != _LISTED:
            return []
        fields = Fields(answer)
        found = []
        try:
            for _ in range(min(fields.uint32(), _MOST_KEYS)):
                public, comment = Public.parse(fields.string()), fields.string()
                if public is not None:
                    found.append((public, comment.decode("utf-8", "replace")))
        except Malformed:
            raise self._error("its answer cannot be read") from None
        return found

    def sign(self, blob: bytes, data: bytes, algorithm: str) -> bytes:
        """A signature as RFC 4253 §6.6 packs it."""
        flags = _HASH_FLAGS.get(algorithm.removesuffix(CERTIFIED), 0)
        body = packed(blob) + packed(data) + struct.pack(">I", flags)
        number, answer = self._ask(_SIGN, body, self._to_sign)
        try:
            if number == _SIGNED:
                return Fields(answer).string()
        except Malformed:
            pass
        raise self._error("it refused to sign")

    def _ask(self, number: int, body: bytes, seconds: float) -> tuple[int, bytes]:
        try:
            if isinstance(self._connection, socket.socket):
                self._connection.settimeout(seconds)
            message = packed(bytes([number]) + body)
            if isinstance(self._connection, socket.socket):
                self._connection.sendall(message)
            else:
                self._connection.send(message)
            (length,) = struct.unpack(">I", self._read(4))
            if not 1 <= length <= _LONGEST:
                raise self._error("its answer cannot be read")
            answer = self._read(length)
        except TimeoutError:
            raise self._error(f"no answer in {seconds:g} seconds") from None
        except OSError as error:
            raise self._error((error.strerror or "the connection broke").lower()) from None
        return answer[0], answer[1:]

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self._connection.recv(size - len(data))
            if not more:
                raise self._error("it closed the connection")
            data += more
        return data

    def _error(self, reason: str) -> StoreError:
        return StoreError(f"cannot use the SSH agent at '{self._place}': {reason}")


def _connect(place: str, seconds: float) -> Any:
    if sys.platform == "win32":
        connection = get_agent_connection()
        if connection is None:
            raise StoreError("cannot use the SSH agent: there is none")
        return connection
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(seconds)
    try:
        connection.connect(place)
    except (OSError, ValueError) as error:
        connection.close()
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise StoreError(f"cannot use the SSH agent at '{place}': {reason.lower()}") from None
    return connection
