"""Our SSH client without its command, for programs of the benchmark: `python _ssh_client.py HOME first-refs URL COUNT`, …

`first-refs` asks so often for main, each time over a new connection; `bulk HOST COMMAND` reads all that the command writes.
"""

from __future__ import annotations

import getpass
import os
import sys
from functools import partial

from git_helper.core.giturl import GitUrl
from git_helper.git.ssh import config
from git_helper.git.ssh.answers import Answers
from git_helper.git.ssh.connection import Connection, log_in
from git_helper.git.ssh.connections import Connections
from git_helper.git.ssh.machine import LocalReader, shell
from git_helper.git.ssh.options import SshOptions
from git_helper.git.ssh.repository import SshRepository
from git_helper.git.ssh.way import Means, plan, reach

_SECONDS = 60
_NOBODY = Answers(None)


def _options(home: str, host: str, user: str | None, port: int | None) -> SshOptions:
    return config.resolve(
        host,
        user=user,
        port=port,
        reader=LocalReader(),
        environ=os.environ,
        local_user=getpass.getuser(),
        home=home,
        run=shell(os.environ),
    )


def _connect(means: Means, host: str, user: str | None, port: int | None) -> Connection:
    leg = plan(means, host, user, port)
    return log_in(means, _NOBODY, leg, reach(means, leg))


def _first_refs(means: Means, url: str, count: str) -> None:
    for _ in range(int(count)):
        connections = Connections(means, partial(_connect, means))
        print(SshRepository(connections, GitUrl.parse(url)).ls_refs(["refs/heads/main"]).refs)
        connections.close()


def _bulk(means: Means, host: str, command: str) -> None:
    connection = _connect(means, host, None, None)
    running = connection.run(command, _SECONDS)
    read = 0
    while data := running.read(1 << 16):
        read += len(data)
    running.close()
    connection.close()
    print(read)


def main(home: str, what: str, *words: str) -> None:
    """See the module."""
    means = Means(partial(_options, home), os.environ, "/bin/sh", _SECONDS)
    {"first-refs": _first_refs, "bulk": _bulk}[what](means, *words)


if __name__ == "__main__":
    main(*sys.argv[1:])
