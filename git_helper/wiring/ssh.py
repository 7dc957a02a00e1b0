"""SSH for a command: what speaks it takes a tenth of a second to load, so a server is called meanwhile."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

from git_helper.errors import Unreachable
from git_helper.git.ssh import config
from git_helper.git.ssh.connections import Connections
from git_helper.git.ssh.machine import LocalReader, shell, user_name
from git_helper.git.ssh.program import SshProgram
from git_helper.git.ssh.repository import SshRepository
from git_helper.git.ssh.way import Departure, Means, plan
from git_helper.system import executables, process
from git_helper.system.places import home

if TYPE_CHECKING:
    from git_helper.core.giturl import GitUrl
    from git_helper.git.lfs import Sender
    from git_helper.git.ssh.answers import Answers
    from git_helper.git.ssh.clone import SshClient
    from git_helper.git.ssh.connection import Connection
    from git_helper.git.ssh.explanation import Stop
    from git_helper.git.ssh.lfs_authenticate import SshLfs
    from git_helper.git.ssh.options import SshOptions
    from git_helper.wiring.commands import CommandHouse, Pause

IDLE_SECONDS = 120.0


class Ssh:
    """The SSH connections of one command (`Ssh` of git/connections): `client` and `repository` open one by its URL.

    `program`: what the person has chosen to speak SSH instead of us.
    """

    def __init__(self, house: CommandHouse, pause: Pause) -> None:
        """Raises Unreachable with `--offline`."""
        if house.settings.offline:
            raise Unreachable("cannot ask a server over ssh: --offline")
        # ssh programs, ProxyCommand and Match exec are run with it.
        environ = process.for_children(house.environ)
        timeout = house.settings.timeout
        folder, user = home(environ), user_name()
        reader, run = LocalReader(), shell(environ)

        def resolve(host: str, wanted: str | None, port: int | None) -> SshOptions:
            return config.resolve(
                host, user=wanted, port=port, reader=reader, environ=environ, local_user=user, home=folder, run=run
            )

        self.program = SshProgram.chosen(environ, house.git_config().setting, lambda: executables.shell(environ))
        self._means = Means(
            resolve, environ, executables.shell(environ), timeout or IDLE_SECONDS, timeout, house.may_ask()
        )
        self._pause = pause
        self._lock = threading.Lock()
        self._kept: Answers | None = None
        self._connections = Connections(self._means, self._connect, self.program)
        self.repository = partial(SshRepository, self._connections)

    def client(self, url: GitUrl) -> SshClient:
        """dulwich's client for whole clones."""
        from git_helper.git.ssh.clone import ssh_client

        return ssh_client(self._connections, url)

    def lfs(self, session: Sender, url: GitUrl) -> SshLfs:
        """The LFS side of a repository, whose objects come by HTTPS."""
        from git_helper.git.ssh.lfs_authenticate import SshLfs

        return SshLfs(self._connections, session, url)

    def explain(self, url: GitUrl) -> tuple[Stop, ...]:
        """The hosts on the way to a repository, and what each of them will be shown; without `program`, which has its own."""
        from git_helper.git.ssh.explanation import explain

        user = None if url.userinfo is None else url.userinfo.username
        return explain(self._means, url.host or "", user, url.port)

    def close(self) -> None:
        """Ends all connections."""
        self._connections.close()

    def _connect(self, host: str, user: str | None, port: int | None) -> Connection:
        leg = plan(self._means, host, user, port)
        departure = Departure(self._means, leg)
        from git_helper.git.ssh.connection import log_in  # the server gets ready meanwhile

        answers = self._answers()
        return log_in(self._means, answers, leg, departure.line())

    def _answers(self) -> Answers:
        from git_helper.git.ssh.answers import Answers
        from git_helper.ui.ssh_prompt import SshPrompter

        with self._lock:
            if self._kept is None:
                self._kept = Answers(SshPrompter(self._pause) if self._means.may_ask else None)
            return self._kept
