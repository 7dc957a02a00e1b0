"""What a person is asked for while we connect, and the answers, kept until the command ends."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

from git_helper.git.ssh.private_key import Encrypted, PrivateKey, load_private
from git_helper.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_helper.git.ssh.userauth import Questions


class Prompter(Protocol):
    """Asks a person. Each answer is None when there is nobody to ask; raises Cancelled.

    All texts are cleaned. `again`: the answer before was wrong.
    """

    def ask_passphrase(self, file: str, *, again: bool = False) -> Secret | None:
        """The passphrase of a private key."""

    def ask_password(self, user: str, host: str, *, again: bool = False) -> Secret | None:
        """The password of `user` on `host` (with its port unless that is 22)."""

    def ask_keyboard_interactive(
        self, host: str, name: str, instruction: str, prompts: Sequence[tuple[str, bool]]
    ) -> list[Secret] | None:
        """An answer for each prompt of the server; with False it must not be seen while it is typed."""

    def confirm_host_key(self, host: str, key_type: str, fingerprint: str) -> bool | None:
        """Whether the key of a host that nobody knows yet is right; `fingerprint` as `SHA256:…`."""


class Answers:
    """A Prompter that asks nothing twice; several threads may use it, one question at a time."""

    def __init__(self, prompter: Prompter | None) -> None:
        self._prompter = prompter
        self._lock = threading.RLock()
        self._keys: dict[str, PrivateKey] = {}
        self._passwords: dict[tuple[str, str], Secret] = {}

    @property
    def may_ask(self) -> bool:
        """Whether there may be somebody to ask."""
        return self._prompter is not None

    def private_key(self, file: str, times: int) -> PrivateKey | None:
        """The key in `file`; its passphrase is asked for at most so many times. None when the answer is empty.

        Raises Encrypted when nobody answers or all answers are wrong, UnusableKey.
        """
        with self._lock:
            key = self._keys.get(file)
            if key is None:
                key = self._open(file, times)
                if key is not None:
                    self._keys[file] = key
            return key

    def _open(self, file: str, times: int) -> PrivateKey | None:
        try:
            return load_private(file)
        except Encrypted as error:
            locked = error
        if self._prompter is None:
            times = 0
        for attempt in range(times):
            passphrase = None if self._prompter is None else self._prompter.ask_passphrase(file, again=attempt > 0)
            if passphrase is None:
                break
            if passphrase == Secret(b""):
                return None
            try:
                return load_private(file, passphrase)
            except Encrypted as error:
                locked = error
        raise locked

    def password(self, user: str, host: str, *, again: bool) -> Secret | None:
        """None when nobody answers. `again`: the one before was wrong and is forgotten."""
        with self._lock:
            if again:
                self._passwords.pop((user, host), None)
            kept = self._passwords.get((user, host))
            if kept is not None or self._prompter is None:
                return kept
            answer = self._prompter.ask_password(user, host, again=again)
            if answer is not None:
                self._passwords[user, host] = answer
            return answer

    def keyboard_interactive(self, host: str, questions: Questions) -> list[Secret] | None:
        """None when nobody answers."""
        if not questions.prompts:
            return []
        with self._lock:
            if self._prompter is None:
                return None
            name, instruction, prompts = questions
            answers = self._prompter.ask_keyboard_interactive(host, name, instruction, prompts)
        return answers if answers is not None and len(answers) == len(questions.prompts) else None

    def confirms(self, host: str, key_type: str, fingerprint: str) -> bool | None:
        """None when nobody answers."""
        with self._lock:
            return None if self._prompter is None else self._prompter.confirm_host_key(host, key_type, fingerprint)
