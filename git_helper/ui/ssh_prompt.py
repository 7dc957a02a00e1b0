"""The questions of SSH to a person: passphrases, passwords, what a server asks, and whether a host's key is right."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from git_helper.secret import Secret, visible
from git_helper.system.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager


class SshPrompter:
    """The Prompter of `git/ssh/answers`, on the terminal. `pause`: takes a progress display off the screen meanwhile.

    All texts that come from servers are shown as text; each answer is None without a terminal.
    """

    def __init__(self, pause: Callable[[], AbstractContextManager[None]] = nullcontext) -> None:
        self._pause = pause

    def ask_passphrase(self, file: str, *, again: bool = False) -> Secret | None:
        """The passphrase of a private key."""
        return self._ask(f"Passphrase for the key '{file}': ", again=again)

    def ask_password(self, user: str, host: str, *, again: bool = False) -> Secret | None:
        """The password of a user on a host."""
        return self._ask(f"Password of {user}@{host}: ", again=again)

    def ask_keyboard_interactive(
        self, host: str, name: str, instruction: str, prompts: Sequence[tuple[str, bool]]
    ) -> list[Secret] | None:
        """An answer for each prompt of the server; with False it is not seen while it is typed."""
        heading = "\n".join(line for line in (f"'{host}' asks:", name, instruction) if line)
        answers: list[Secret] = []
        for number, (text, seen) in enumerate(prompts):
            answer = self._ask(text, heading="" if number else heading, seen=seen)
            if answer is None:
                return None
            answers.append(answer)
        return answers

    def confirm_host_key(self, host: str, key_type: str, fingerprint: str) -> bool | None:
        """Whether the key of a host that nobody knows yet is right."""
        heading = f"Nobody knows the host '{host}' yet.\nIts {key_type} key has the fingerprint {fingerprint}"
        answer = self._ask("Is that the right one, and is it to be remembered? [yes/no] ", heading=heading, seen=True)
        return None if answer is None else answer in (Secret(b"yes"), Secret(b"YES"), Secret(fingerprint.encode()))

    def _ask(self, prompt: str, *, heading: str = "", seen: bool = False, again: bool = False) -> Secret | None:
        with self._pause(), Terminal.open() or nullcontext() as terminal:
            if terminal is None:
                return None
            if again:
                terminal.output.write("That was not right. Once more:\n")
            for line in heading.split("\n") if heading else ():
                terminal.output.write(visible(line) + "\n")
            terminal.output.flush()
            if seen:
                return Secret(terminal.read_line(visible(prompt)).strip())
            return terminal.read_secret(visible(prompt))
