"""Whole clones over SSH: the same as git's own."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from git_helper.core.giturl import GitUrl
from git_helper.core.reference import Reference
from git_helper.errors import GitHelperError, Unreachable
from git_helper.git.clone_options import Options
from git_helper.git.full_clone import FullClone, LfsObjects
from git_helper.git.ssh.clone import ssh_client
from git_helper.git.ssh.repository import Connector
from tests.git.clones import facts
from tests.git.ssh.served import Client
from tests.servers.isolated import environment, git
from tests.servers.sshd import USER, Sshd
from tests.support import needs


class SshOnly:
    """Connections of full_clone over SSH alone."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector

    def client(self, url: GitUrl) -> tuple[object, str]:
        """See Connections."""
        return ssh_client(self._connector, url), ""

    def lfs(self, url: GitUrl, endpoint: str | None) -> LfsObjects:
        """See Connections."""
        raise AssertionError("there is no LFS here")


@pytest.mark.parametrize(
    ("rev", "depth"), [(None, None), ("develop", None), ("v1.0.0", None), (None, 1), ("develop", 2)]
)
def test_a_clone_is_what_git_makes(
    client: Client, sshd: Sshd, bare: Path, tmp_path: Path, rev: str | None, depth: int | None
) -> None:
    url = f"ssh://{USER}@127.0.0.1:{sshd.port}{bare}"
    cloning = FullClone(SshOnly(client.connections))  # type: ignore[arg-type]
    cloning.clone(GitUrl.parse(url), str(tmp_path / "ours"), Options(Reference.parse(rev), depth))
    ssh = f"{needs('ssh')} -F {client.folder / 'config'} -o UserKnownHostsFile={client.folder / 'known_hosts'}"
    env = environment(client.home, GIT_SSH_COMMAND=ssh)
    words = [*(["--branch", rev] if rev else []), *(["--depth", str(depth)] if depth else [])]
    git("clone", "--quiet", *words, url, tmp_path / "theirs", env=env)
    assert facts(tmp_path / "ours", env) == facts(tmp_path / "theirs", env)
    client.connections.close()
    sshd.wait_for_end()


def test_a_repository_that_is_not_there(client: Client, sshd: Sshd, tmp_path: Path) -> None:
    url = GitUrl.parse(f"ssh://{USER}@127.0.0.1:{sshd.port}{tmp_path}/none.git")
    with pytest.raises(GitHelperError, match="does not appear to be a git repository"):
        FullClone(SshOnly(client.connections)).clone(url, str(tmp_path / "new"), Options())  # type: ignore[arg-type]
    assert not (tmp_path / "new").exists()


def test_a_server_that_is_killed(client: Client, sshd: Sshd, large: Path, tmp_path: Path) -> None:
    class Killing(SshOnly):
        def client(self, url: GitUrl) -> tuple[object, str]:
            found, path = super().client(url)
            connect = found._connect  # type: ignore[attr-defined]

            def connected(*words: object) -> object:
                protocol, *rest = connect(*words)
                read = protocol.read
                count = iter(range(1 << 30))

                def counted(size: int) -> bytes:
                    if next(count) == 40:
                        sshd.signal_sessions(signal.SIGKILL)
                    return bytes(read(size))

                protocol.read = counted
                return protocol, *rest

            found._connect = connected  # type: ignore[attr-defined]
            return found, path

    url = GitUrl.parse(f"ssh://{USER}@127.0.0.1:{sshd.port}{large}")
    with pytest.raises(Unreachable):
        FullClone(Killing(client.connections)).clone(url, str(tmp_path / "new"), Options())  # type: ignore[arg-type]
    assert os.listdir(tmp_path) == [] or not (tmp_path / "new").exists()
