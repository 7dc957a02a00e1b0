"""The messages of the login (RFC 4252, RFC 4256): one request, one answer; what to ask for is authentication's affair.

paramiko's own handler never asks whether a key would do before it signs, and so would ask people for passphrases of keys
that the server refuses.
"""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING, NamedTuple

from git_helper.core.redaction import redact
from git_helper.git.ssh.fields import packed
from git_helper.git.ssh.library import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from git_helper.git.ssh.transport import SshTransport
    from git_helper.secret import Secret

_SERVICE_REQUEST, _SERVICE_ACCEPT = 5, 6
_REQUEST, _FAILURE, _SUCCESS, _BANNER = 50, 51, 52, 53
SPECIAL = 60
"""USERAUTH_PK_OK, USERAUTH_PASSWD_CHANGEREQ and USERAUTH_INFO_REQUEST: which one, the method tells."""
_INFO_RESPONSE = 61
_SERVICE = b"ssh-connection"
_MOST_WAITING = 16
_LONGEST_BANNER = 4000
_MOST_PROMPTS = 20


class Disconnected(Exception):
    """The connection ended; the message is the reason."""


class Answer(NamedTuple):
    """What came back: `methods` that can go on, `partial`: accepted, but not enough; `special`: a message of SPECIAL."""

    success: bool = False
    methods: tuple[str, ...] = ()
    partial: bool = False
    special: Message | None = None


class UserAuth:
    """The login on `transport`, which calls us from its thread. `seconds`: for each answer of the server."""

    def __init__(self, transport: SshTransport, user: str, seconds: float) -> None:
        self.banner = ""
        self._transport = transport
        self._user = user
        self._seconds = seconds
        self._answers: queue.Queue[tuple[int, Message] | None] = queue.Queue(_MOST_WAITING)
        self._authenticated = False
        self._handler_table: dict[int, Callable[[Message], None]] = {
            number: self._keeper(number) for number in (_SERVICE_ACCEPT, _FAILURE, _SUCCESS, SPECIAL)
        }
        self._handler_table[_BANNER] = self._keep_banner
        transport.auth_handler = self  # type: ignore[assignment]

    def begin(self) -> None:
        """Asks for the login service."""
        self._send(Message(bytes([_SERVICE_REQUEST]) + packed(b"ssh-userauth")))
        if self._receive()[0] != _SERVICE_ACCEPT:
            raise Disconnected("it does not let anybody log in")

    def asks_for_methods(self) -> Answer:
        """With which methods one may log in; and maybe one is in already."""
        return self.request("none", b"")

    def asks_for(self, algorithm: str, blob: bytes) -> Answer:
        """Whether the server would take this key; `special` when it would. Nothing is signed (RFC 4252 §7)."""
        return self.request("publickey", b"\0" + packed(algorithm.encode()) + packed(blob))

    def with_key(self, algorithm: str, blob: bytes, sign: Callable[[bytes], bytes]) -> Answer:
        """Logs in with a key; `sign` gets what is to be signed."""
        body = self._request("publickey", b"\1" + packed(algorithm.encode()) + packed(blob))
        signature = sign(packed(self._transport.session_id or b"") + body)
        self._send(Message(body + packed(signature)))
        return self._answer()

    def with_password(self, password: Secret) -> Answer:
        """Logs in with a password; `special` when the server wants another one."""
        return self.request("password", b"\0" + packed(password.reveal()))

    def respond(self, answers: Sequence[Secret]) -> Answer:
        """Answers the questions of keyboard-interactive."""
        body = len(answers).to_bytes(4, "big") + b"".join(packed(answer.reveal()) for answer in answers)
        self._send(Message(bytes([_INFO_RESPONSE]) + body))
        return self._answer()

    def request(self, method: str, fields: bytes) -> Answer:
        """One request and its answer. Raises Disconnected; TimeoutError without an answer."""
        self._send(Message(self._request(method, fields)))
        return self._answer()

    def _request(self, method: str, fields: bytes) -> bytes:
        return bytes([_REQUEST]) + packed(self._user.encode()) + packed(_SERVICE) + packed(method.encode()) + fields

    def _send(self, message: Message) -> None:
        try:
            self._transport._send_message(message)  # type: ignore[attr-defined]
        except (OSError, EOFError):
            self._transport.join(1)
            raise Disconnected(self._transport.why()) from None

    def _answer(self) -> Answer:
        number, message = self._receive()
        if number == _SUCCESS:
            return Answer(success=True)
        if number == SPECIAL:
            return Answer(special=message)
        if number != _FAILURE:
            raise Disconnected("it does not keep to the protocol")
        methods = message.get_binary().decode("ascii", "replace")
        return Answer(methods=tuple(methods.split(",")), partial=message.get_boolean())

    def _receive(self) -> tuple[int, Message]:
        try:
            found = self._answers.get(timeout=self._seconds)
        except queue.Empty:
            raise TimeoutError from None
        if found is None:
            raise Disconnected(self._transport.why())
        return found

    # ------------------------------------------------------------------ what paramiko calls, in its thread

    def is_authenticated(self) -> bool:
        """Whether the server let us in."""
        return self._authenticated

    def abort(self) -> None:
        """The connection has ended."""
        try:
            self._answers.put_nowait(None)
        except queue.Full:
            pass

    def _keeper(self, number: int) -> Callable[[Message], None]:
        def keep(message: Message) -> None:
            if self._authenticated:
                return
            if number == _SUCCESS:
                self._authenticated = True
                self._transport._auth_trigger()  # type: ignore[attr-defined]
            self._answers.put_nowait((number, message))  # a server that floods us ends the connection

        return keep

    def _keep_banner(self, message: Message) -> None:
        if len(self.banner) < _LONGEST_BANNER:
            self.banner += redact(message.get_binary()[:_LONGEST_BANNER].decode("utf-8", "replace"))


class Questions(NamedTuple):
    """What a server asks by keyboard-interactive: cleaned, each prompt with whether the answer may be seen."""

    name: str
    instruction: str
    prompts: tuple[tuple[str, bool], ...]

    @classmethod
    def read(cls, message: Message) -> Questions:
        """From USERAUTH_INFO_REQUEST (RFC 4256 §3.2)."""
        name, instruction, _ = (redact(message.get_binary().decode("utf-8", "replace")) for _ in range(3))
        count = message.get_int()
        if count > _MOST_PROMPTS:
            raise Disconnected("it asks too many questions")
        prompts = [
            (redact(message.get_binary().decode("utf-8", "replace")), message.get_boolean()) for _ in range(count)
        ]
        return cls(name, instruction, tuple(prompts))
