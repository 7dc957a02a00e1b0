"""A command's house in a home of its own, with servers, and what its sources know: for tests of whole conversations."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from keyring.credentials import SimpleCredential

from git_helper.core.command_settings import CommandSettings
from git_helper.core.credential import Account, Credential, Origin
from git_helper.core.given import of_environment, of_options
from git_helper.core.indexes import Index
from git_helper.errors import GitHelperError
from git_helper.registry.client import Client
from git_helper.secret import Secret
from git_helper.system.environment import environment
from git_helper.ui.progress import Display
from git_helper.wiring.commands import CommandHouse
from tests.commands import on_path, program
from tests.contracts.memory_keyring import FileKeyring
from tests.net.ports import Ports
from tests.support import BIN, ROOT


class PipKeyring(FileKeyring):
    """Entries of pip and uv in a file: by service and user, or of anyone."""

    def get_credential(self, service: str, username: str | None) -> SimpleCredential | None:
        for key, password in sorted(self._read().items()):
            user, _, name = key.partition("\n")
            if name == service and username in (None, user):
                return SimpleCredential(user, password)
        return None


class World:
    """`home` is HOME. What is reported is in `warnings`, the calls of the program `keyring` in `calls`."""

    def __init__(self, ports: Ports, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ports = ports
        self.home = home
        self.warnings: list[str] = []
        self.options: dict[str, list[str]] = {"store": ["file"], "no-input": ["1"]}
        self._monkeypatch = monkeypatch
        self._calls = home / "keyring.calls"
        self._houses: list[CommandHouse] = []

    def house(self) -> CommandHouse:
        """Furnished by `options` and the environment as it is now."""

        def report(name: str, error: GitHelperError) -> None:
            self.warnings.append(f"{name}: {error} ({error.hint})")

        settings = CommandSettings(of_options(self.options), of_environment(environment()))
        self._houses.append(CommandHouse(settings, report, "git-helper index"))
        return self._houses[-1]

    def client(self, *indexes: Index, house: CommandHouse | None = None) -> Client:
        """A client of a new command."""
        return (house or self.house()).registry(Display(quiet=True), indexes)

    def close(self) -> None:
        for house in self._houses:
            house.close()

    def setenv(self, name: str, value: str) -> None:
        self._monkeypatch.setenv(name, value)

    # ------------------------------------------------------------------ what sources know

    def write_netrc(self, text: str, mode: int = 0o600, name: str = ".netrc") -> Path:
        """`name`: below the home folder."""
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        path.chmod(mode)
        return path

    def store(self, url: str, user: str, password: str) -> None:
        """Keeps an account in the file store."""
        parts = urlsplit(url)
        account = Account(
            parts.scheme.encode(),
            parts.netloc.encode(),
            parts.path.strip("/").encode() or None,
            Credential(user.encode(), Secret(password.encode())),
        )
        self.house().store("file").store(account)

    def keep_in_keyring(self, entries: Mapping[str, str], backend: str = "tests.registry.world.PipKeyring") -> None:
        """`service|user` → password, for the program `keyring`, which writes down its calls."""
        self.setenv("PYTHON_KEYRING_BACKEND", backend)
        self.setenv("PYTHONPATH", str(ROOT))
        self.setenv("PATH", on_path(self._bin()))
        path = PipKeyring.path()
        path.parent.mkdir(parents=True, exist_ok=True)
        keys = {PipKeyring.key(*name.partition("|")[::2]): value for name, value in entries.items()}
        path.write_text(json.dumps(keys), "ascii")

    def _bin(self) -> Path:
        folder = self.home / "bin"
        folder.mkdir(exist_ok=True)
        script = f"""#!{sys.executable}
import json, os, sys
stdin = os.readlink("/proc/self/fd/0") if os.path.exists("/proc/self/fd/0") else "/dev/null"
with open({str(self._calls)!r}, "a") as file:
    file.write(json.dumps([sys.argv[1:], stdin, sys.stdin.read(), dict(os.environ)]) + "\\n")
os.execv({str(BIN / "keyring")!r}, ["keyring", *sys.argv[1:]])
"""
        program(folder, "keyring", script)
        return folder

    def _records(self) -> list[Any]:
        return [json.loads(line) for line in self._calls.read_text().split("\n")[:-1]] if self._calls.exists() else []

    @property
    def calls(self) -> list[list[str]]:
        return [record[0] for record in self._records()]

    @property
    def stdins(self) -> list[tuple[str, str]]:
        """What stdin was and what it said, for each call."""
        return [(record[1], record[2]) for record in self._records()]

    @property
    def environments(self) -> list[dict[str, str]]:
        return [record[3] for record in self._records()]

    # ------------------------------------------------------------------ requests

    def get(self, client: Client, url: str) -> int | GitHelperError:
        """The status, or the error."""
        try:
            with client.get(url) as response:
                response.read()
                return response.status
        except GitHelperError as error:
            return error


def origin_of(url: str) -> Origin:
    parts = urlsplit(url)
    origin = Origin.parse(parts.scheme.encode(), parts.netloc.encode())
    assert origin is not None
    return origin


def with_userinfo(url: str, user: str, password: str | None = None) -> str:
    scheme, _, rest = url.partition("://")
    secret = "" if password is None else ":" + quote(password, safe="")
    return f"{scheme}://{quote(user, safe='')}{secret}@{rest}"


@contextmanager
def a_world(ports: Ports, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Closed at the end."""
    world = World(ports, home, monkeypatch)
    try:
        yield world
    finally:
        world.close()


def statuses(outcomes: Sequence[int | GitHelperError]) -> list[int | None]:
    """The statuses of what was no error."""
    return [one if isinstance(one, int) else None for one in outcomes]
