"""How long is waited: for a connection, for a sign of life; and which setting says so."""

from __future__ import annotations

import contextlib
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from git_helper.core.giturl import GitUrl
from git_helper.errors import Unreachable
from git_helper.git.ssh.answers import Answers
from git_helper.git.ssh.command import LONGER, TooManyChannels
from git_helper.git.ssh.way import CONNECT_SECONDS, Means, plan
from tests.git.ssh.served import Client, FakePerson, connection_to
from tests.servers.listener import Listener
from tests.servers.sshd import USER, Keys, Sshd, public

StartSshd = Callable[..., Sshd]

IN_CONFIG = "allow more time: ConnectTimeout in ~/.ssh/config"


@contextlib.contextmanager
def silent() -> Iterator[int]:
    """A port where somebody listens who never says anything."""
    open_ones: list[socket.socket] = []
    listener = Listener(open_ones.append)
    try:
        yield listener.port
    finally:
        listener.close()
        for one in open_ones:
            one.close()


# ---------------------------------------------------------------------- connecting


@pytest.mark.parametrize(
    ("written", "wanted", "seconds"),
    [
        ([], None, CONNECT_SECONDS),
        ([], 5.0, 5.0),
        ([], 300.0, CONNECT_SECONDS),
        (["ConnectTimeout 3"], None, 3.0),
        (["ConnectTimeout 300"], None, 300.0),
        (["ConnectTimeout 300"], 5.0, 5.0),
        (["ConnectTimeout 3"], 5.0, 3.0),
        (["ConnectTimeout none"], None, CONNECT_SECONDS),
    ],
)
def test_the_limit_for_connecting(home: Path, written: list[str], wanted: float | None, seconds: float) -> None:
    """ConnectTimeout, else 20 seconds; never more than the person allows for each wait."""
    with Client(home) as client:
        client.configure("Host *", *written)
        means = Means(client.resolve, {}, "/bin/sh", 120.0, wanted)
        assert plan(means, "good.example", None, None).seconds == seconds


@pytest.mark.parametrize(
    ("line", "connect", "hint"), [("ConnectTimeout 1", None, IN_CONFIG), ("ConnectTimeout 30", 1.0, LONGER)]
)
def test_who_set_the_limit_is_in_the_hint(home: Path, bare: Path, line: str, connect: float | None, hint: str) -> None:
    with silent() as port, Client(home, connect=connect) as client:
        client.configure("Host *", line)
        with pytest.raises(Unreachable, match="no answer in 1 seconds") as caught:
            client.repository(f"git+ssh://{USER}@127.0.0.1:{port}{bare}").ls_refs([""])
    assert caught.value.hint == hint


# ---------------------------------------------------------------------- signs of life


@pytest.fixture
def patient(home: Path, keys: Keys, sshd: Sshd) -> Iterator[Client]:
    """Somebody who waits for a minute."""
    with Client(home, idle=60) as found:
        found.knows(f"[127.0.0.1]:{sshd.port} {public(keys.key('host'))}")
        yield found


def url_of(sshd: Sshd, path: str = "/x") -> GitUrl:
    return GitUrl.parse(f"git+ssh://{USER}@127.0.0.1:{sshd.port}{path}")


def test_a_dead_server_is_noticed(patient: Client, sshd: Sshd, keys: Keys) -> None:
    patient.configure("Host *", f"IdentityFile {keys.key('user')}", "ServerAliveInterval 1", "ServerAliveCountMax 2")
    command = patient.connections.run(url_of(sshd), "echo ready; exec sleep 60")
    assert command.read(6) == b"ready\n"
    sshd.signal_sessions(signal.SIGSTOP)
    begun = time.monotonic()
    with pytest.raises(Unreachable) as caught:
        command.read(1)
    assert 2 <= time.monotonic() - begun < 8
    assert "no sign of life for 2 seconds (ServerAliveInterval)" in caught.value.message
    sshd.signal_sessions(signal.SIGCONT)


@pytest.mark.parametrize("count", [1, 0])
def test_a_server_that_is_only_busy_is_waited_for(patient: Client, sshd: Sshd, keys: Keys, count: int) -> None:
    lines = ["ServerAliveInterval 1", f"ServerAliveCountMax {count}"]
    patient.configure("Host *", f"IdentityFile {keys.key('user')}", *lines)
    command = patient.connections.run(url_of(sshd), "sleep 4; echo done")
    assert command.read(5) == b"done\n"


def test_without_the_setting_the_limit_for_answers_counts(home: Path, sshd: Sshd, keys: Keys) -> None:
    with Client(home, idle=1) as client:
        client.knows(f"[127.0.0.1]:{sshd.port} {public(keys.key('host'))}")
        client.configure("Host *", f"IdentityFile {keys.key('user')}")
        command = client.connections.run(url_of(sshd), "exec sleep 60")
        with pytest.raises(Unreachable, match="nothing came for 1 seconds"):
            command.read(1)


class Stopper(FakePerson):
    """Trusts every host; while it thinks, the server stops."""

    def __init__(self, server: Sshd) -> None:
        super().__init__()
        self._server = server

    def confirm_host_key(self, host: str, key_type: str, fingerprint: str) -> bool:
        """See Prompter."""
        self._server.signal_sessions(signal.SIGSTOP)
        return True


def test_a_server_that_stalls_at_the_login(home: Path, sshd: Sshd, keys: Keys) -> None:
    with Client(home, idle=1, person=Stopper(sshd)) as client:
        client.configure("Host *", f"IdentityFile {keys.key('user')}")
        begun = time.monotonic()
        with pytest.raises(Unreachable, match=r"cannot log in to .*: no answer in 1 seconds") as caught:
            client.connections.run(url_of(sshd), "true")
        assert time.monotonic() - begun < 6
    assert caught.value.hint == LONGER
    sshd.kill_sessions()


@pytest.mark.parametrize("rested", [True, False], ids=["another command", "the first command"])
def test_a_server_that_stalls_at_a_command(patient: Client, sshd: Sshd, keys: Keys, rested: bool) -> None:
    patient.configure("Host *", f"IdentityFile {keys.key('user')}")
    means = Means(patient.resolve, patient.environ, "/bin/sh", 60)
    connection = connection_to(means, Answers(None), "127.0.0.1", USER, sshd.port)
    try:
        if rested:
            assert connection.run("echo done", 5).read(5) == b"done\n"
        sshd.signal_sessions(signal.SIGSTOP)
        with pytest.raises(Unreachable, match="no answer in 1 seconds") as caught:
            connection.run("true", 1)
        with pytest.raises(Unreachable, match="no answer in 1 seconds"):
            connection.channel_to("127.0.0.1", 1, 1)
    finally:
        connection.close()
        sshd.kill_sessions()
    assert caught.value.hint == LONGER
    assert not isinstance(caught.value, TooManyChannels), "another connection would not help"
