"""The person: the last source, asked on the terminal for the secret of a user whose name is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from git_helper.core.credential import ANY_USER, Credential, Origin
from git_helper.errors import Cancelled
from git_helper.secret import Secret
from git_helper.system.environment import is_true

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from git_helper.core.credential import Description


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: the secret of `username` for protocol, host and path; the other fields are bytes as git sent them.

    `program` asks, cleaned for display. `remembered`: whether an answer that works will be kept. `refused`: whether an
    answer has just been refused.
    """

    protocol: bytes
    host: bytes
    path: bytes | None = None
    username: bytes | None = None
    program: str = "git"
    remembered: bool = True
    refused: bool = False

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

    def __init__(self, prompter: Prompter, program: str, *, remembered: bool = True, names: bool = False) -> None:
        self._prompter = prompter
        self._program = program
        self._remembered = remembered
        self._names = names

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
        return Question(*place, remembered=self._remembered, refused=refused)


def may_ask(environ: Mapping[str, str], *, no_input: bool, git_setting: Callable[[str], bytes | None]) -> bool:
    """Whether a person may be asked, and git would ask on the terminal too rather than by an askpass program.

    `git_setting`: a variable of git's configuration as bytes, b"" for a set but empty one, None for an unset one; it
    may cost a process, so it is asked last.
    """
    if no_input or is_true(environ.get("CI")) or _is_off(environ.get("GIT_TERMINAL_PROMPT")):
        return False
    if environ.get("GIT_ASKPASS"):
        return False
    interactive = git_setting("credential.interactive")
    if interactive == b"never" or _is_off(None if interactive is None else interactive.decode("utf-8", "replace")):
        return False
    # git_prompt() of git's prompt.c: the first of the three that is set decides, and an empty one means the terminal.
    if "GIT_ASKPASS" in environ:
        return True
    program = git_setting("core.askPass")
    return not environ.get("SSH_ASKPASS") if program is None else not program


def _is_off(value: str | None) -> bool:
    """Set, and not one of git's words for true. What is no boolean is off too: git is going to complain about it."""
    if value is None:
        return False
    number = value.lower().rstrip("kmg").lstrip("+-")
    if number.isascii() and number.isdigit():
        return int(number) == 0
    return value.lower() not in ("true", "yes", "on")
