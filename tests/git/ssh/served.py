"""Repositories behind servers of SSH as the tests of this room read them: our own client, a home folder, a fake person."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from git_helper.core.giturl import GitUrl
from git_helper.git.ssh import config
from git_helper.git.ssh.answers import Answers
from git_helper.git.ssh.connection import Connection, log_in
from git_helper.git.ssh.connections import Connections
from git_helper.git.ssh.machine import LocalReader, shell
from git_helper.git.ssh.options import SshOptions
from git_helper.git.ssh.program import SshProgram
from git_helper.git.ssh.repository import SshRepository
from git_helper.git.ssh.way import Means, plan, reach
from git_helper.secret import Secret
from tests.servers.sshd import USER


@dataclass
class FakePerson:
    """Answers from lists, and remembers what was asked. Without an answer: nobody is there."""

    passphrases: list[str] = field(default_factory=list)
    passwords: list[str] = field(default_factory=list)
    interactive: list[str] = field(default_factory=list)
    trusts: bool | None = None
    asked: list[str] = field(default_factory=list)

    def ask_passphrase(self, file: str, *, again: bool = False) -> Secret | None:
        """See Prompter."""
        self.asked.append(f"passphrase {os.path.basename(file)}{' again' * again}")
        return Secret(self.passphrases.pop(0).encode()) if self.passphrases else None

    def ask_password(self, user: str, host: str, *, again: bool = False) -> Secret | None:
        """See Prompter."""
        self.asked.append(f"password {user}{' again' * again}")
        return Secret(self.passwords.pop(0).encode()) if self.passwords else None

    def ask_keyboard_interactive(
        self, host: str, name: str, instruction: str, prompts: Sequence[tuple[str, bool]]
    ) -> list[Secret] | None:
        """See Prompter."""
        self.asked += [f"{text}{' (seen)' * seen}" for text, seen in prompts]
        if len(self.interactive) < len(prompts):
            return None
        return [Secret(self.interactive.pop(0).encode()) for _ in prompts]

    def confirm_host_key(self, host: str, key_type: str, fingerprint: str) -> bool | None:
        """See Prompter."""
        self.asked.append(f"host key {key_type} {fingerprint}")
        return self.trusts


def connection_to(means: Means, answers: Answers, host: str, user: str | None, port: int | None) -> Connection:
    """A connection to `host`, spelled as in a URL."""
    leg = plan(means, host, user, port)
    return log_in(means, answers, leg, reach(means, leg))


class Client:
    """Our client with `home` as the home folder. Connections are closed at its end. `refs`: what its test has seen."""

    def __init__(
        self,
        home: Path,
        *,
        person: FakePerson | None = None,
        idle: float = 10,
        connect: float | None = 10,
        environ: Mapping[str, str] | None = None,
        program: SshProgram | None = None,
    ) -> None:
        self.home = home
        self.refs: list[str] = []
        self.folder = home / ".ssh"
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.environ = {"PATH": os.environ["PATH"], "HOME": str(home), **(environ or {})}
        means = Means(self.resolve, self.environ, "/bin/sh", idle, connect, may_ask=person is not None)
        self.connections = Connections(means, partial(connection_to, means, Answers(person)), program)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.connections.close()

    def resolve(self, host: str, user: str | None, port: int | None) -> SshOptions:
        """What the configuration in the home folder says, and nothing of this machine's."""
        return config.resolve(
            host,
            user=user,
            port=port,
            reader=LocalReader(str(self.home / "etc")),
            environ=self.environ,
            local_user=USER,
            home=str(self.home),
            run=shell(self.environ),
        )

    def configure(self, *lines: str) -> None:
        """Writes ~/.ssh/config."""
        path = self.folder / "config"
        path.write_text("".join(f"{line}\n" for line in lines))
        path.chmod(0o600)

    def knows(self, *lines: str) -> None:
        """Writes ~/.ssh/known_hosts."""
        (self.folder / "known_hosts").write_text("".join(f"{line}\n" for line in lines))

    @property
    def known(self) -> str:
        """The content of ~/.ssh/known_hosts."""
        path = self.folder / "known_hosts"
        return path.read_text() if path.exists() else ""

    def repository(self, url: str) -> SshRepository:
        """The repository at `url`."""
        return SshRepository(self.connections, GitUrl.parse(url))
