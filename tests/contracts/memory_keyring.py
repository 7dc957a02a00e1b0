"""Back ends for keyring: one in memory, one in a file for several processes, and some that behave badly.

Named by `PYTHON_KEYRING_BACKEND`, e.g. `tests.contracts.memory_keyring.FileKeyring`.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError, PasswordSetError

ROOM = "tests.contracts.memory_keyring"
"""Where keyring finds these classes."""


class _Named(KeyringBackend):
    # keyring must never choose one of these by itself.
    priority = 0.1


class MemoryKeyring(_Named):
    """Values in this process, gone with it."""

    values: ClassVar[dict[tuple[str, str], str]] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.values.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        password.encode()  # a lone surrogate never reaches a back end
        self.values[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.values.pop((service, username), None) is None:
            raise PasswordDeleteError("no such password")


class RecommendedKeyring(MemoryKeyring):
    """The same with a priority at which keyring recommends a back end."""

    priority = 1


class FileKeyring(_Named):
    """Values in a file of XDG_DATA_HOME, for all processes. Each step is whole; replacing deletes, then adds, as on macOS."""

    def get_password(self, service: str, username: str) -> str | None:
        return self._read().get(self.key(service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        password.encode()
        key = self.key(service, username)
        self._change(lambda values: values.pop(key, None))
        self._change(lambda values: values.update({key: password}))

    def delete_password(self, service: str, username: str) -> None:
        if self._change(lambda values: values.pop(self.key(service, username), None)) is None:
            raise PasswordDeleteError("no such password")

    @staticmethod
    def key(service: str, username: str) -> str:
        """The name of a value in the file."""
        return f"{username}\n{service}"

    @staticmethod
    def path() -> Path:
        """The file; there is none before the first value."""
        return Path(os.environ["XDG_DATA_HOME"]) / "keyring.json"

    def _read(self) -> dict[str, str]:
        try:
            values = json.loads(self.path().read_bytes())
        except FileNotFoundError:
            return {}
        assert isinstance(values, dict)
        return values

    def _change(self, change: Callable[[dict[str, str]], object]) -> object:
        path = self.path()
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            values = self._read()
            result = change(values)
            new = path.with_suffix(".new")
            new.write_text(json.dumps(values), "ascii")
            new.replace(path)
        return result


class WinVaultKeyring(FileKeyring):
    """What keyring's back end of this name does on Windows: 2,560 bytes of UTF-16, names without regard to case, a byte
    order mark lost, and the previous value copied to `username@service` when it is overwritten."""

    def get_password(self, service: str, username: str) -> str | None:
        found = super().get_password(service, username)
        return None if found is None else found.encode("utf-16").decode("utf-16").removeprefix("\ufeff")

    def set_password(self, service: str, username: str, password: str) -> None:
        if len(password.encode("utf-16-le")) > 2560:
            # pywintypes.error has these words and is no KeyringError.
            raise OSError(1783, "The stub received bad data", password)
        if len(service) > 32767:
            raise OSError(87, "The parameter is incorrect")
        key, copy = self.key(service, username), self.key(f"{username}@{service}", username)
        existing = self._read().get(key)
        if existing is not None:
            self._change(lambda values: values.update({copy: existing}))
        self._change(lambda values: values.update({key: password}))

    def delete_password(self, service: str, username: str) -> None:
        super().delete_password(service, username)
        self._change(lambda values: values.pop(self.key(f"{username}@{service}", username), None))

    @staticmethod
    def key(service: str, username: str) -> str:
        """As in FileKeyring, but in lower case."""
        return f"{username}\n{service}".lower()


class HangingKeyring(MemoryKeyring):
    """Waits for ever, as one does behind a dialogue that nobody sees."""

    def get_password(self, service: str, username: str) -> str | None:
        threading.Event().wait()
        raise AssertionError("unreachable")

    def set_password(self, service: str, username: str, password: str) -> None:
        threading.Event().wait()


class LockedKeyring(MemoryKeyring):
    """Locked, and nobody unlocks it."""

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("the person said no")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise KeyringLocked("the person said no")


class TalkativeKeyring(MemoryKeyring):
    """Refuses every value, with the value in its error."""

    def set_password(self, service: str, username: str, password: str) -> None:
        raise PasswordSetError(f"cannot keep {password}")


class FullKeyring(MemoryKeyring):
    """Takes `left` values more."""

    left: ClassVar[int] = 0

    def set_password(self, service: str, username: str, password: str) -> None:
        if FullKeyring.left == 0:
            raise PasswordSetError("full")
        FullKeyring.left -= 1
        super().set_password(service, username, password)


class FirstLineKeyring(MemoryKeyring):
    """Gives back the first line of what it keeps."""

    def get_password(self, service: str, username: str) -> str | None:
        found = super().get_password(service, username)
        return None if found is None else found.split("\n")[0]


class StickyKeyring(MemoryKeyring):
    """Forgets nothing, and says that it did."""

    def delete_password(self, service: str, username: str) -> None:
        return None


class UnloadableKeyring(MemoryKeyring):
    """Cannot be made."""

    def __init__(self) -> None:
        raise TypeError("keyring skips only this one when it looks for back ends")
