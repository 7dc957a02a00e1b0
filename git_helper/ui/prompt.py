"""Questions to a person, drawn on the terminal itself: stdin, stdout and stderr may all belong to others.

Everything foreign (user, host, path, program) is shown as text, never as markup or control codes: percent-encoded as
git's own prompt does since CVE-2024-50349 (`credential.sanitizePrompt`).
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from git_helper.secret import visible
from git_helper.system.terminal import Terminal
from git_helper.ui.colors import NO_COLOR

if TYPE_CHECKING:
    from rich.console import RenderableType

    from git_helper.secret import Secret
    from git_helper.sources.person import Question

_WIDEST = 76
_NARROWEST = 24
"""Columns: a panel is never wider than the first, and below the second there is none."""

_ROOM = 8
"""Columns: with less than this behind the prompt, the answer gets a line of its own."""

_LONGEST = {"host": 255, "user": 100, "path": 300}
"""Characters shown of each; 64 KiB of user name must not scroll the question away."""

_LETTERS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_HOST_BYTES = _LETTERS | frozenset(b"-.:[]")
_UNSAFE = frozenset(b" <>\"%{}|\\^`:?#[]@!$&'()*+,;=")  # URL_UNSAFE_CHARS of git's strbuf.c
_PATH_BYTES = frozenset(range(0x20, 0x7F)) - _UNSAFE
_USER_BYTES = _PATH_BYTES - frozenset(b"/")


class RichPrompter:
    """The Prompter of `sources/person`, and the questions of our own commands. Each answers None without a terminal.

    color: a key of NO_COLOR.
    """

    def __init__(self, color: str = "auto") -> None:
        self._color = color
        self._introduced: object = None

    def ask_secret(self, question: Question) -> Secret | None:
        """The secret of the question's user, typed unseen; it may be empty. Raises Cancelled."""
        with Terminal.open() or nullcontext() as terminal:
            if terminal is None:
                return None
            console = self._introduce(terminal, question)
            prompt = Text(f"{_noun(question)} for ").append(_subject(question), "bold").append(": ")
            # The mask must not run over the line's end: no Backspace comes back from there.
            room = console.width - prompt.cell_len % console.width - 1
            if room < _ROOM:
                prompt.append("\n")
                room = console.width - 1
            return terminal.read_secret(_rendered(console, prompt), room)

    def ask_username(self, question: Question) -> bytes | None:
        """A user name for the question's host, without blanks around it; it may be empty. Raises Cancelled."""
        with Terminal.open() or nullcontext() as terminal:
            if terminal is None:
                return None
            console = self._introduce(terminal, question)
            noun = "Proxy user name" if question.role == "proxy" else "User name"
            prompt = Text(f"{noun} for ").append(_host(question), "bold").append(": ")
            return terminal.read_line(_rendered(console, prompt)).strip()

    def _console(self, terminal: Terminal) -> Console:
        columns, lines = terminal.size()
        return Console(
            file=terminal.output,
            force_terminal=True,
            no_color=NO_COLOR[self._color],
            width=columns,
            height=lines,
            markup=False,
            highlight=False,
            emoji=False,
        )

    def _introduce(self, terminal: Terminal, question: Question) -> Console:
        """Says who asks for what, once for the questions about one place."""
        console = self._console(terminal)
        place = (question.program, question.role, question.protocol, question.host, question.path)
        if question.refused:
            console.print(Text(f"The {question.role} refused that one. Once more:", "yellow"))
        elif self._introduced != place and console.width >= _NARROWEST:
            console.print(_panel(question, min(console.width, _WIDEST)))
        self._introduced = place
        return console


def _panel(question: Question, width: int) -> Panel:
    comma = "," if "," in question.program else ""
    heading = Text.assemble((visible(question.program), "bold cyan"), f"{comma} needs a {_noun(question).lower()}")
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    for name, value in _facts(question):
        facts.add_row(Text(name), Text(value, "bold"))
    parts: list[RenderableType] = [heading, Text(), facts, Text()]
    if question.is_exposed():
        parts.append(Text("This connection is not encrypted: others can read what you type.", "yellow"))
    parts.append(Text(_promise(question), "dim"))
    return Panel(
        Group(*parts),
        title=Text("git-helper", "bold"),
        title_align="left",
        subtitle=Text("Ctrl-C cancels", "dim"),
        subtitle_align="right",
        box=box.ROUNDED,
        border_style="cyan",
        padding=(0, 1),
        width=width,
    )


def _facts(question: Question) -> list[tuple[str, str]]:
    if question.protocol == b"cert":
        return [("file", _path(question))]
    facts: list[tuple[str, str]] = [(question.role, f"{_encoded(question.protocol, _HOST_BYTES)}://{_host(question)}")]
    if question.path:
        facts.append(("path", _path(question)))
    if question.username:
        facts.append(("user", _user(question)))
    return facts


def _promise(question: Question) -> str:
    if question.protocol == b"cert":
        kept = ", and is remembered" if question.remembered else ""
        return f"It opens the client certificate in this file{kept}."
    if question.remembered:
        when = "once it was accepted" if question.checked else "without being checked"
        return f"It goes to this {question.role} only and is remembered {when}."
    return f"It goes to this {question.role} only and is not remembered."


def _noun(question: Question) -> str:
    # git asks with the protocol `cert` for the passphrase of a client certificate (http.sslCertPasswordProtected).
    if question.protocol == b"cert":
        return "Passphrase"
    return "Proxy password" if question.role == "proxy" else "Token"


def _subject(question: Question) -> str:
    if question.protocol == b"cert":
        return _path(question)
    return f"{_user(question)}@{_host(question)}" if question.username else _host(question)


def _host(question: Question) -> str:
    return _shortened(_encoded(question.host, _HOST_BYTES), _LONGEST["host"])


def _user(question: Question) -> str:
    return _shortened(_encoded(question.username or b"", _USER_BYTES), _LONGEST["user"])


def _path(question: Question) -> str:
    return _shortened(_encoded(question.path or b"", _PATH_BYTES), _LONGEST["path"])


def _encoded(value: bytes, kept: frozenset[int]) -> str:
    return "".join(chr(byte) if byte in kept else f"%{byte:02x}" for byte in value)


def _shortened(text: str, longest: int) -> str:
    """The begin and, because a host's owner stands at its end, twice as much of the end."""
    if len(text) <= longest:
        return text
    begin = longest // 3
    return f"{text[:begin]}...{text[3 + begin - longest :]}"


def _rendered(console: Console, text: Text) -> str:
    """The text with its styles as control codes, on one line, for a terminal that draws it again when needed."""
    if console.legacy_windows:
        return text.plain
    with console.capture() as capture:
        console.print(text, end="", soft_wrap=True)
    return capture.get()
