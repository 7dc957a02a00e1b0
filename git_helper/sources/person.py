"""The person: the last source, asked on the terminal for the secret of a user whose name is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from git_helper.core.credential import ANY_USER, Credential, Origin
from git_helper.errors import Cancelled
from git_helper.frozen import frozen
from git_helper.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    from git_helper.core.credential import Description

    Role = Literal["server", "proxy"]


@frozen
class Question:
    """What is asked: the secret of `username` for protocol, host and path; the other fields are bytes as git sent them.

    `program` asks, cleaned for display. `remembered`: whether an answer that works will be kept; any answer, if it is not
    `checked`. `refused`: whether an answer has just been refused. `role`: what it is for, a server or a proxy.
    """

    protocol: bytes
    host: bytes
    path: bytes | None = None
    username: bytes | None = None
    program: str = "git"
    remembered: bool = True
    refused: bool = False
    role: Role = "server"
    checked: bool = True

    def is_exposed(self) -> bool:
        """Whether the answer would cross a network unencrypted."""
        origin = Origin.parse(self.protocol, self.host)
        return origin is not None and not origin.may_get_tokens()


class Prompter(Protocol):
    """Asks a person."""

    def ask_username(self, question: Question) -> bytes | None:
        """The user name, maybe empty; None when there is no terminal. Raises Cancelled."""

    def ask_secret(self, question: Question) -> Secret | None:
        """The answer, maybe empty; None when there is no terminal. Raises Cancelled."""


class Person:
    """Asks for the secret of one user; for the user name before that only if `names`, as git itself does that, too."""

    def __init__(
        self,
        prompter: Prompter,
        program: str,
        *,
        remembered: bool = True,
        names: bool = False,
        role: Role = "server",
    ) -> None:
        self._prompter = prompter
        self._program = program
        self._remembered = remembered
        self._names = names
        self._role = role

    def find(self, wanted: Description) -> Iterator[Credential]:
        """The answer, and another one for whom goes on because it was refused; none without a terminal.

        Raises Cancelled for an empty answer, Ctrl-C and Ctrl-D.
        """
        for refused in (False, True):
            username = self._username(wanted)
            if username is None:
                return
            answer = self._prompter.ask_secret(self._question(wanted.narrowed(username), refused=refused))
            if answer is None:
                return
            if answer == Secret(b""):
                raise Cancelled("cancelled: the answer was empty")
            yield Credential(username, answer)

    def _username(self, wanted: Description) -> bytes | None:
        if wanted.username is not None or not self._names:
            return wanted.username
        username = self._prompter.ask_username(self._question(wanted))
        return ANY_USER if username == b"" else username

    def _question(self, wanted: Description, *, refused: bool = False) -> Question:
        place = (wanted.protocol, wanted.host, wanted.path, wanted.username, self._program)
        return Question(*place, remembered=self._remembered, refused=refused, role=self._role)
