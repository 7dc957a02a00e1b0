"""SSH for a command: opened when a URL asks for it, because its library takes a fifth of a second to load."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from git_helper.git import ssh_config
from git_helper.git.ssh import Connections, Means, SshProgram
from git_helper.git.ssh_answers import Answers
from git_helper.git.ssh_clone import ssh_client
from git_helper.git.ssh_machine import LocalReader, shell, user_name
from git_helper.git.ssh_repository import SshRepository
from git_helper.system import executables
from git_helper.system.places import home
from git_helper.ui.ssh_prompt import SshPrompter

if TYPE_CHECKING:
    from git_helper.git.ssh_options import SshOptions
    from git_helper.wiring.commands import CommandHouse, Pause

IDLE_SECONDS = 120.0


class Ssh:
    """The SSH connections of one command (`Ssh` of git/connections): `client` and `repository` open one by its URL."""

    def __init__(self, house: CommandHouse, pause: Pause) -> None:
        environ = house.environ
        folder, user = home(environ), user_name()
        reader, run = LocalReader(), shell(environ)

        def resolve(host: str, wanted: str | None, port: int | None) -> SshOptions:
            return ssh_config.resolve(
                host, user=wanted, port=port, reader=reader, environ=environ, local_user=user, home=folder, run=run
            )

        answers = Answers(SshPrompter(pause) if house.may_ask() else None)
        means = Means(resolve, environ, executables.shell(environ), answers, house.settings.timeout or IDLE_SECONDS)
        chosen = SshProgram.chosen(environ, house.git_config().setting, lambda: executables.shell(environ))
        self._connections = Connections(means, chosen)

        self.client = partial(ssh_client, self._connections)
        self.repository = partial(SshRepository, self._connections)

    def close(self) -> None:
        """Ends all connections."""
        self._connections.close()
