"""Ways to a server: names and ports of the configuration, hops, programs, and servers that do not answer as they should."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from git_helper.core.reference import Oid
from git_helper.errors import Refused, Unreachable, UsageError
from git_helper.git.ssh.host_key_policy import HostKeyRefused
from git_helper.git.ssh.way import Departure, Means, plan
from tests.git.downloads import download
from tests.git.packs import checked_out, snapshot
from tests.git.ssh.served import Client, FakePerson
from tests.servers.repositories import resolve
from tests.servers.sshd import USER, Keys, Sshd, public

StartSshd = Callable[..., Sshd]

# A program that connects its stdin and stdout with a port of this machine: what `nc` is elsewhere.
PIPE = """
import socket, sys, threading, os
line = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
def back():
    while data := line.recv(65536):
        os.write(1, data)
    os._exit(0)
threading.Thread(target=back, daemon=True).start()
while data := os.read(0, 65536):
    line.sendall(data)
"""


@pytest.fixture
def far(start_sshd: StartSshd) -> Sshd:
    """Where the repository is."""
    return start_sshd()


@pytest.fixture
def near(start_sshd: StartSshd) -> Sshd:
    """A hop."""
    return start_sshd()


@pytest.fixture
def traveller(home: Path, keys: Keys, far: Sshd, near: Sshd) -> Iterator[Client]:
    """Knows both, and has the key for both."""
    with Client(home) as client:
        client.knows(*(f"[127.0.0.1]:{server.port} {public(keys.key('host'))}" for server in (far, near)))
        yield client


def far_block(far: Sshd, keys: Keys) -> list[str]:
    """How `far.example` is reached."""
    return [
        "Host far.example",
        "HostName 127.0.0.1",
        f"Port {far.port}",
        f"User {USER}",
        f"IdentityFile {keys.key('user')}",
    ]


def near_block(near: Sshd, keys: Keys, name: str = "near.example") -> list[str]:
    """How `near.example` is reached."""
    return [
        f"Host {name}",
        "HostName 127.0.0.1",
        f"Port {near.port}",
        f"User {USER}",
        f"IdentityFile {keys.key('user')}",
    ]


def has_main(client: Client, url: str) -> bool:
    """Whether the repository answers."""
    return "refs/heads/main" in {ref.name for ref in client.repository(url).ls_refs(["refs/heads/main"])}


# ---------------------------------------------------------------------- configuration


def test_name_port_and_user_of_the_configuration(traveller: Client, far: Sshd, keys: Keys, bare: Path) -> None:
    traveller.configure(*far_block(far, keys))
    assert has_main(traveller, f"git+ssh://far.example{bare}")
    assert far.connections == 1


def test_the_url_comes_before_the_configuration(traveller: Client, far: Sshd, keys: Keys, bare: Path) -> None:
    traveller.configure("Host *", "User nobody", "Port 1", f"IdentityFile {keys.key('user')}")
    assert has_main(traveller, f"git+ssh://{USER}@127.0.0.1:{far.port}{bare}")


def test_variables_that_are_sent(start_sshd: StartSshd, home: Path, keys: Keys, bare: Path, tmp_path: Path) -> None:
    forced = tmp_path / "forced"
    forced.write_text(f'#!/bin/sh\nenv > {tmp_path}/seen\nexec sh -c "$SSH_ORIGINAL_COMMAND"\n')
    forced.chmod(0o755)
    server = start_sshd(ForceCommand=str(forced), AcceptEnv="GIT_PROTOCOL LC_* MINE")
    with Client(home, environ={"LC_MINE": "yes", "LC_OTHER": "too", "SECRET": "no"}) as client:
        client.knows(f"[127.0.0.1]:{server.port} {public(keys.key('host'))}")
        client.configure("Host *", f"IdentityFile {keys.key('user')}", "SendEnv LC_*", "SetEnv MINE=1")
        assert has_main(client, f"git+ssh://{USER}@127.0.0.1:{server.port}{bare}")
    seen = (tmp_path / "seen").read_text()
    assert "LC_MINE=yes" in seen
    assert "MINE=1" in seen
    assert "SECRET" not in seen


@pytest.mark.parametrize("line", ["Match localnetwork 10.0.0.0/8", "NoSuchKeyword yes", "Port 99999"])
def test_a_configuration_that_cannot_be_followed(
    traveller: Client, far: Sshd, keys: Keys, bare: Path, line: str
) -> None:
    traveller.configure(line, *far_block(far, keys))
    with pytest.raises(UsageError, match="config"):
        has_main(traveller, f"git+ssh://far.example{bare}")
    assert far.connections == 0


# ---------------------------------------------------------------------- hops


def test_a_hop(traveller: Client, far: Sshd, near: Sshd, keys: Keys, bare: Path, tmp_path: Path) -> None:
    traveller.configure(*far_block(far, keys), "ProxyJump near.example", *near_block(near, keys))
    repository = traveller.repository(f"git+ssh://far.example{bare}")
    download(repository, Oid(resolve(bare, "main")), tmp_path / "new")
    assert snapshot(tmp_path / "new") == checked_out(bare, "main", tmp_path / "git")
    assert (near.connections, far.connections) == (1, 1)
    traveller.connections.close()
    near.wait_for_end()
    far.wait_for_end()


@pytest.mark.parametrize("count", [2, 3, 4])
def test_several_hops(traveller: Client, far: Sshd, start_sshd: StartSshd, keys: Keys, bare: Path, count: int) -> None:
    hops = [start_sshd() for _ in range(count)]
    traveller.knows(*(f"[127.0.0.1]:{one.port} {public(keys.key('host'))}" for one in [far, *hops]))
    names = ",".join(f"hop{number}.example" for number in range(count))
    lines = [line for number, hop in enumerate(hops) for line in near_block(hop, keys, f"hop{number}.example")]
    traveller.configure(*far_block(far, keys), f"ProxyJump {names}", *lines)
    assert has_main(traveller, f"git+ssh://far.example{bare}")
    assert [hop.connections for hop in hops] == [1] * count


def test_a_hop_with_a_hop_of_its_own(
    traveller: Client, far: Sshd, near: Sshd, start_sshd: StartSshd, keys: Keys, bare: Path
) -> None:
    first = start_sshd()
    traveller.knows(*(f"[127.0.0.1]:{one.port} {public(keys.key('host'))}" for one in (far, near, first)))
    traveller.configure(
        *far_block(far, keys),
        "ProxyJump near.example",
        *near_block(near, keys),
        "ProxyJump first.example",
        *near_block(first, keys, "first.example"),
    )
    assert has_main(traveller, f"git+ssh://far.example{bare}")
    assert first.connections == 1


def test_a_hop_written_out(traveller: Client, far: Sshd, near: Sshd, keys: Keys, bare: Path) -> None:
    lines = [*far_block(far, keys), f"ProxyJump {USER}@127.0.0.1:{near.port}", "Host 127.0.0.1"]
    traveller.configure(*lines, f"IdentityFile {keys.key('user')}")
    assert has_main(traveller, f"git+ssh://far.example{bare}")


def test_hops_in_a_circle(traveller: Client, far: Sshd, near: Sshd, keys: Keys, bare: Path) -> None:
    traveller.configure(
        *far_block(far, keys), "ProxyJump a.example", "Host a.example", "ProxyJump b.example", "Host b.example",
        "ProxyJump a.example",
    )  # fmt: skip
    with pytest.raises(Unreachable, match="more than 16 hosts"):
        has_main(traveller, f"git+ssh://far.example{bare}")


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"AllowTcpForwarding": "no"}, "cannot reach '127.0.0.1:"), ({"MaxSessions": "10"}, None)],
)
def test_a_hop_that_does_not_lead_on(
    traveller: Client,
    far: Sshd,
    start_sshd: StartSshd,
    keys: Keys,
    bare: Path,
    settings: dict[str, str],
    said: str | None,
) -> None:
    hop = start_sshd(**settings)
    traveller.knows(*(f"[127.0.0.1]:{one.port} {public(keys.key('host'))}" for one in (far, hop)))
    closed = free_port()
    block = far_block(far, keys) if said else ["Host far.example", "HostName 127.0.0.1", f"Port {closed}"]
    traveller.configure(*block, "ProxyJump near.example", *near_block(hop, keys))
    with pytest.raises(Unreachable, match=r"cannot reach '127\.0\.0\.1:[0-9]+' from"):
        has_main(traveller, f"git+ssh://far.example{bare}")
    hop.wait_for_end()


def test_an_unknown_hop_is_not_trusted(traveller: Client, far: Sshd, near: Sshd, keys: Keys, bare: Path) -> None:
    traveller.knows(f"[127.0.0.1]:{far.port} {public(keys.key('host'))}")
    traveller.configure(*far_block(far, keys), "ProxyJump near.example", *near_block(near, keys))
    with pytest.raises(HostKeyRefused, match=str(near.port)):
        has_main(traveller, f"git+ssh://far.example{bare}")
    assert far.connections == 0


def test_a_hop_that_refuses_us(traveller: Client, far: Sshd, near: Sshd, keys: Keys, bare: Path) -> None:
    block = [line for line in near_block(near, keys) if not line.startswith("IdentityFile")]
    traveller.configure(*far_block(far, keys), "ProxyJump near.example", *block, f"IdentityFile {keys.key('other')}")
    with pytest.raises(Refused, match=r"near\.example"):
        has_main(traveller, f"git+ssh://far.example{bare}")


# ---------------------------------------------------------------------- programs on the way


@pytest.fixture
def pipe(tmp_path: Path) -> str:
    """A command that leads to a port of this machine."""
    (tmp_path / "pipe.py").write_text(PIPE)
    return f"{sys.executable} {tmp_path / 'pipe.py'}"


@pytest.mark.parametrize("command", ["{pipe} %p", "{pipe} %p 2>/dev/null", "sh -c '{pipe} %p; exit 3'"])
def test_a_proxy_command(traveller: Client, far: Sshd, keys: Keys, bare: Path, pipe: str, command: str) -> None:
    traveller.configure(*far_block(far, keys), f"ProxyCommand {command.format(pipe=pipe)}")
    assert has_main(traveller, f"git+ssh://far.example{bare}")
    traveller.connections.close()
    far.wait_for_end()


def test_a_proxy_command_that_writes_much_to_stderr(
    traveller: Client, far: Sshd, keys: Keys, bare: Path, pipe: str, tmp_path: Path
) -> None:
    noisy = tmp_path / "noisy"
    noisy.write_text(f"#!/bin/sh\nhead -c 3000000 /dev/zero | tr '\\0' x >&2\nexec {pipe} $1\n")
    noisy.chmod(0o755)
    traveller.configure(*far_block(far, keys), f"ProxyCommand {noisy} %p")
    assert has_main(traveller, f"git+ssh://far.example{bare}")


def test_a_proxy_command_that_says_much_before_it_fails(traveller: Client, far: Sshd, keys: Keys, bare: Path) -> None:
    noise = "head -c 9000000 /dev/zero | tr '\\0' x | fold -w 99 >&2; echo 'no way there' >&2; exit 1"
    traveller.configure(*far_block(far, keys), f'ProxyCommand sh -c "{noise}"')
    with pytest.raises(Unreachable, match=r"the ProxyCommand says: .*no way there") as caught:
        has_main(traveller, f"git+ssh://far.example{bare}")
    assert len(caught.value.message) < 3000


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("no-such-program-anywhere %h", "no-such-program-anywhere"),
        ("echo 'not \x1b[31mtoday' >&2; exit 1", "the ProxyCommand says: not %1B[31mtoday"),
        ("echo HTTP/1.1 403 Forbidden", "HTTP/1.1 403 Forbidden"),
        ("true", "it closed the connection before it began"),
    ],
)
def test_a_proxy_command_that_fails(
    traveller: Client, far: Sshd, keys: Keys, bare: Path, command: str, said: str
) -> None:
    traveller.configure(*far_block(far, keys), f"ProxyCommand {command}")
    with pytest.raises(Unreachable) as caught:
        has_main(traveller, f"git+ssh://far.example{bare}")
    assert said in caught.value.message


def test_a_proxy_command_that_stalls_is_ended(home: Path, far: Sshd, keys: Keys, bare: Path, tmp_path: Path) -> None:
    with Client(home, connect=0.5) as client:
        client.configure(*far_block(far, keys), f"ProxyCommand sh -c 'echo $$ > {tmp_path}/pid; exec sleep 60'")
        with pytest.raises(Unreachable, match=r"no answer in 0\.5 seconds"):
            has_main(client, f"git+ssh://far.example{bare}")
    pid = int((tmp_path / "pid").read_text())
    assert not Path(f"/proc/{pid}").exists()


# ---------------------------------------------------------------------- servers that are none


@contextmanager
def speaking(*said: bytes, stays: bool = True) -> Iterator[int]:
    """A port that says this to whoever comes, and then nothing."""
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                try:
                    for text in said:
                        connection.sendall(text)
                except OSError:
                    pass
                if stays:
                    done.wait(30)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            done.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(10)


# SSH_MSG_DISCONNECT, in a packet of 44 bytes with 10 of padding (RFC 4253 §6, §11.1).
DISCONNECT = b"\0\0\0\x2c\x0a\x01\0\0\0\x02\0\0\0\x10go \x1b[31maway now" + b"\0" * 50


def free_port() -> int:
    """Where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@pytest.mark.parametrize(
    ("said", "stays", "reason"),
    [
        ([], True, "no answer in 1 seconds"),
        ([], False, "it closed the connection before it began"),
        ([b"HTTP/1.1 400 Bad Request\r\n\r\n"], False, "HTTP/1.1 400 Bad Request"),
        ([b"\x00\xff\xfe garbage\n" * 200], True, "does not speak SSH"),
        ([b"Exceeded MaxStartups\r\n"], False, "Exceeded MaxStartups"),
        ([b"x" * 1_000_000], True, "it sent too much before it began"),
        ([b"SSH-1.5-old\r\n"], True, "none of our algorithms"),
        ([b"SSH-2.0-new\r\n"], True, "no answer in 1 seconds"),
        ([b"SSH-2.0-new\r\n"], False, "it closed the connection"),
        ([b"SSH-2.0-new\r\n", b"\x00\x10\x00\x04" + b"x" * 2_000_000], True, "too long"),
        ([b"SSH-2.0-new\r\n", b"\x00\x00\x00\x0c\x0a\x01" + b"\x00" * 10], True, "cannot reach"),
        ([b"SSH-2.0-new\r\n", DISCONNECT], True, "it hung up: go %1B[31maway"),
    ],
)  # fmt: skip
def test_a_server_that_is_none(
    home: Path, bare: Path, said: list[bytes], stays: bool, reason: str, capfd: pytest.CaptureFixture[str]
) -> None:
    before = threading.active_count()
    with speaking(*said, stays=stays) as port, Client(home, connect=1) as client:
        begun = time.monotonic()
        with pytest.raises(Unreachable) as caught:
            has_main(client, f"git+ssh://{USER}@127.0.0.1:{port}{bare}")
        assert time.monotonic() - begun < 5
    assert reason in caught.value.message
    assert threading.active_count() == before
    assert capfd.readouterr() == ("", "")


def test_nobody_listens(home: Path, bare: Path) -> None:
    with Client(home) as client, pytest.raises(Unreachable, match="connection refused"):
        has_main(client, f"git+ssh://{USER}@127.0.0.1:{free_port()}{bare}")


def test_who_departs_tells_later_how_it_went(traveller: Client, far: Sshd, keys: Keys) -> None:
    traveller.configure(*far_block(far, keys), "Host nobody.example", "HostName 127.0.0.1", f"Port {free_port()}")
    means = Means(traveller.resolve, traveller.environ, "/bin/sh", 10)
    line = Departure(means, plan(means, "far.example", None, None)).line()
    assert line.address == "127.0.0.1"
    line.close()
    failed = Departure(means, plan(means, "nobody.example", None, None))
    for _ in range(2):
        with pytest.raises(Unreachable, match="connection refused"):
            failed.line()


def test_a_name_that_is_not_known(home: Path, bare: Path) -> None:
    with Client(home) as client, pytest.raises(Unreachable, match="its name is not known"):
        has_main(client, f"git+ssh://{USER}@host.invalid{bare}")


def test_the_family_of_addresses(traveller: Client, far: Sshd, keys: Keys, bare: Path) -> None:
    traveller.configure(*far_block(far, keys), "AddressFamily inet6")
    with pytest.raises(Unreachable):
        has_main(traveller, f"git+ssh://far.example{bare}")


def test_nobody_is_asked_for_what_a_broken_server_wants(home: Path, bare: Path) -> None:
    person = FakePerson(trusts=True, passwords=["secret"])
    with (
        speaking(b"SSH-2.0-x\r\n", stays=False) as port,
        Client(home, person=person) as client,
        pytest.raises(Unreachable),
    ):
        has_main(client, f"git+ssh://{USER}@127.0.0.1:{port}{bare}")
    assert person.asked == []
