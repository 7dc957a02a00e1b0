"""Logins: every kind of key and where it may lie, agents, certificates, passwords; nothing is asked in vain."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import paramiko
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL

from git_helper.errors import Cancelled, NoCredential, Refused
from git_helper.git.ssh.fields import Fields, packed
from git_helper.secret import Secret
from git_helper.system import trace_file
from tests.commands import leaks
from tests.git.ssh.served import Client, FakePerson
from tests.servers.listener import Listener
from tests.servers.ssh_asking import Account, AskingServer
from tests.servers.sshd import USER, Keys, Sshd, agent, public
from tests.support import needs

StartSshd = Callable[..., Sshd]
Login = Callable[..., Client]
MAIN = "refs/heads/main"


@pytest.fixture
def login(home: Path, keys: Keys, bare: Path) -> Iterator[Login]:
    """`login(server, *config, person=…, environ=…)` asks for the branch MAIN and gives the client."""
    clients: list[Client] = []

    def attempt(
        server: Sshd | AskingServer,
        *config: str,
        person: FakePerson | None = None,
        user: str = USER,
        times: int = 1,
        idle: float = 10,
        **environ: str,
    ) -> Client:
        client = Client(home, person=person, environ=environ, idle=idle)
        clients.append(client)
        client.knows(f"[127.0.0.1]:{server.port} {public(keys.key('host'))}")
        client.configure("Host *", *config)
        for _ in range(times):
            repository = client.repository(f"git+ssh://{user}@127.0.0.1:{server.port}{bare}")
            client.refs = [ref.name for ref in repository.ls_refs([MAIN])]
            assert MAIN in client.refs
            client.connections.close()
        return client

    yield attempt
    for client in clients:
        client.connections.close()


# ---------------------------------------------------------------------- keys in files

FORMS = [
    ("ed25519", "RFC4716"),
    ("ecdsa", "RFC4716"),
    ("ecdsa", "PEM"),
    ("ecdsa", "PKCS8"),
    ("rsa", "RFC4716"),
    ("rsa", "PEM"),
    ("rsa", "PKCS8"),
]


@pytest.mark.parametrize("locked", [False, True], ids=["open", "locked"])
@pytest.mark.parametrize(("kind", "form"), FORMS)
def test_a_key_of_every_kind(
    start_sshd: StartSshd, login: Login, keys: Keys, kind: str, form: str, locked: bool
) -> None:
    key = keys.key(f"{kind}-{form}-{locked}", kind, "passphrase" if locked else "", form)
    person = FakePerson(passphrases=["passphrase"])
    login(start_sshd(authorized=[public(key)]), f"IdentityFile {key}", person=person)
    assert person.asked == ([f"passphrase {key.name}"] if locked else [])


@pytest.mark.parametrize(("kind", "form"), FORMS)
def test_a_key_without_its_public_file(
    start_sshd: StartSshd, login: Login, keys: Keys, tmp_path: Path, kind: str, form: str
) -> None:
    key = keys.key(f"{kind}-{form}-False", kind, "", form)
    alone = shutil.copy(key, tmp_path / "alone")
    assert MAIN in login(start_sshd(authorized=[public(key)]), f"IdentityFile {alone}").refs


def test_a_key_with_line_ends_of_windows(sshd: Sshd, login: Login, keys: Keys, tmp_path: Path) -> None:
    key = tmp_path / "windows"
    key.write_bytes(keys.key("user").read_bytes().replace(b"\n", b"\r\n"))
    key.chmod(0o600)
    assert MAIN in login(sshd, f"IdentityFile {key}").refs


def test_the_default_files_are_found(sshd: Sshd, login: Login, keys: Keys, home: Path) -> None:
    (home / ".ssh").mkdir(mode=0o700)
    shutil.copy(keys.key("user"), home / ".ssh/id_ed25519")
    assert MAIN in login(sshd).refs


def test_a_wrong_passphrase_may_be_corrected(start_sshd: StartSshd, login: Login, keys: Keys) -> None:
    key = keys.key("locked", passphrase="passphrase")
    person = FakePerson(passphrases=["wrong", "passphrase"])
    login(start_sshd(authorized=[public(key)]), f"IdentityFile {key}", person=person)
    assert person.asked == ["passphrase locked", "passphrase locked again"]


def test_three_wrong_passphrases_are_enough(start_sshd: StartSshd, login: Login, keys: Keys) -> None:
    key = keys.key("locked", passphrase="passphrase")
    person = FakePerson(passphrases=["wrong"] * 5)
    with pytest.raises(NoCredential, match="the passphrase is wrong"):
        login(start_sshd(authorized=[public(key)]), f"IdentityFile {key}", person=person)
    assert len(person.asked) == 3


def test_an_empty_passphrase_goes_on_to_the_next_key(start_sshd: StartSshd, login: Login, keys: Keys) -> None:
    locked, user = keys.key("locked", passphrase="passphrase"), keys.key("user")
    server = start_sshd(authorized=[public(locked), public(user)])
    person = FakePerson(passphrases=[""])
    assert MAIN in login(server, f"IdentityFile {locked}", f"IdentityFile {user}", person=person).refs
    assert person.asked == ["passphrase locked"]


def test_a_passphrase_is_asked_for_once(start_sshd: StartSshd, login: Login, keys: Keys) -> None:
    key = keys.key("locked", passphrase="passphrase")
    person = FakePerson(passphrases=["passphrase"])
    login(start_sshd(authorized=[public(key)]), f"IdentityFile {key}", person=person, times=3)
    assert len(person.asked) == 1


def test_a_key_that_the_server_refuses_needs_no_passphrase(sshd: Sshd, login: Login, keys: Keys) -> None:
    person = FakePerson(passphrases=["passphrase"])
    locked = keys.key("locked", passphrase="passphrase")
    login(sshd, f"IdentityFile {locked}", f"IdentityFile {keys.key('user')}", person=person)
    assert person.asked == []
    with pytest.raises(Refused, match="locked"):
        login(sshd, f"IdentityFile {locked}", person=person)
    assert person.asked == []


@pytest.mark.parametrize("batch", [True, False])
def test_nobody_to_ask_for_a_passphrase(start_sshd: StartSshd, login: Login, keys: Keys, batch: bool) -> None:
    key = keys.key("locked", passphrase="passphrase")
    person = FakePerson(passphrases=["passphrase"]) if batch else None
    config = [f"IdentityFile {key}", f"BatchMode {'yes' if batch else 'no'}"]
    with pytest.raises(NoCredential) as caught:
        login(start_sshd(authorized=[public(key)]), *config, person=person)
    assert "it is encrypted" in caught.value.message
    assert caught.value.hint == f"open the key for this session: ssh-add {key}"


def test_who_cancels_ends_it(start_sshd: StartSshd, login: Login, keys: Keys) -> None:
    class Gone(FakePerson):
        def ask_passphrase(self, file: str, *, again: bool = False) -> Secret | None:
            raise Cancelled("cancelled")

    key = keys.key("locked", passphrase="passphrase")
    server = start_sshd(authorized=[public(key)])
    with pytest.raises(Cancelled):
        login(server, f"IdentityFile {key}", person=Gone())
    server.wait_for_end()


def test_a_key_that_others_can_read_is_not_used(sshd: Sshd, login: Login, keys: Keys, tmp_path: Path) -> None:
    key = tmp_path / "shared"
    shutil.copy(keys.key("user"), key)
    key.chmod(0o644)
    with pytest.raises(Refused, match="its mode 0644 lets others read it: chmod 600"):
        login(sshd, f"IdentityFile {key}")


@pytest.mark.parametrize("content", [b"", b"no key\n", b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n", b"\xff" * 2000])
def test_a_file_that_is_no_key(sshd: Sshd, login: Login, keys: Keys, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "broken").write_bytes(content)
    (tmp_path / "broken").chmod(0o600)
    login(sshd, f"IdentityFile {tmp_path / 'broken'}", f"IdentityFile {keys.key('user')}")
    with pytest.raises(Refused, match=r"'.*broken' cannot be used: it is no private key"):
        login(sshd, f"IdentityFile {tmp_path / 'broken'}")


def test_a_public_key_that_is_another_ones(sshd: Sshd, login: Login, keys: Keys, tmp_path: Path) -> None:
    mixed = tmp_path / "mixed"
    shutil.copy(keys.key("rsa-PEM-False", "rsa", "", "PEM"), mixed)
    (tmp_path / "mixed.pub").write_text(public(keys.key("user")))
    with pytest.raises(Refused, match="it does not belong to the public key beside it"):
        login(sshd, f"IdentityFile {mixed}")


def test_too_many_keys(start_sshd: StartSshd, login: Login, keys: Keys) -> None:
    wrong = [f"IdentityFile {keys.key(f'wrong-{number}')}" for number in range(7)]
    server = start_sshd(MaxAuthTries="3")
    with pytest.raises(Refused, match="Too many authentication failures") as caught:
        login(server, *wrong, f"IdentityFile {keys.key('user')}")
    assert "IdentitiesOnly" in (caught.value.hint or "")


def test_too_many_keys_in_the_agent(start_sshd: StartSshd, login: Login, keys: Keys, tmp_path: Path) -> None:
    server = start_sshd(MaxAuthTries="3")
    mine, named = keys.key("user"), f"IdentityFile {keys.key('user')}"
    with agent(tmp_path / "agent", *(keys.key(f"wrong-{number}") for number in range(7)), mine) as place:
        with pytest.raises(Refused, match="Too many authentication failures"):
            login(server, SSH_AUTH_SOCK=place)
        login(server, named, "IdentitiesOnly yes", SSH_AUTH_SOCK=place)
        login(server, named, SSH_AUTH_SOCK=place)  # what is named goes before what is only there


def test_no_key_at_all(sshd: Sshd, login: Login) -> None:
    with pytest.raises(Refused, match=r"\(it accepts publickey\): there is no key to offer"):
        login(sshd, "IdentityFile none")


def test_the_banner_is_shown(start_sshd: StartSshd, login: Login, keys: Keys, tmp_path: Path) -> None:
    (tmp_path / "banner").write_text("Only for \x1b[31mmembers\n")
    server = start_sshd(Banner=str(tmp_path / "banner"))
    with pytest.raises(Refused, match=r"it says: Only for .*members"):
        login(server, f"IdentityFile {keys.key('other')}")


@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [
        ("rsa-sha2-256", "rsa-sha2-256", None),
        ("rsa-sha2-512", "rsa-sha2-512", None),
        ("-rsa-sha2-512", "rsa-sha2-256", None),
        ("ssh-ed25519", "rsa-sha2-512", "no signature that both sides take"),
        ("rsa-sha2-512", "rsa-sha2-256", "it refused"),
    ],
)
def test_signatures_of_rsa_keys(
    start_sshd: StartSshd, login: Login, keys: Keys, ours: str, theirs: str, said: str | None
) -> None:
    key = keys.key("rsa-PEM-False", "rsa", "", "PEM")
    server = start_sshd(authorized=[public(key)], PubkeyAcceptedAlgorithms=theirs)
    config = [f"IdentityFile {key}", f"PubkeyAcceptedAlgorithms {ours}"]
    if said is None:
        login(server, *config)
    else:
        with pytest.raises(Refused, match=said):
            login(server, *config)


@pytest.mark.parametrize("line", ["PubkeyAuthentication no", "PreferredAuthentications password"])
def test_keys_that_are_switched_off(sshd: Sshd, login: Login, keys: Keys, line: str) -> None:
    with pytest.raises((Refused, NoCredential)):
        login(sshd, f"IdentityFile {keys.key('user')}", line)


# ---------------------------------------------------------------------- agents


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_a_key_in_the_agent(start_sshd: StartSshd, login: Login, keys: Keys, tmp_path: Path, kind: str) -> None:
    key = keys.key(f"agent-{kind}", kind)
    with agent(tmp_path / "agent", key) as place:
        assert MAIN in login(start_sshd(authorized=[public(key)]), SSH_AUTH_SOCK=place).refs


@pytest.mark.parametrize(
    ("line", "works"),
    [
        ("IdentityAgent {place}", True),
        ("IdentityAgent $OTHER", True),
        ("IdentityAgent SSH_AUTH_SOCK", False),
        ("IdentityAgent none", False),
        ("IdentitiesOnly yes", False),
        ("IdentityFile none", False),
    ],
)
def test_which_agent(sshd: Sshd, login: Login, keys: Keys, tmp_path: Path, line: str, works: bool) -> None:
    with agent(tmp_path / "agent", keys.key("user")) as place:
        if works:
            login(sshd, line.format(place=place), OTHER=place)
        else:
            with pytest.raises(Refused):
                login(sshd, line, **({"SSH_AUTH_SOCK": place} if line == "IdentitiesOnly yes" else {}))


def test_identities_only_takes_named_keys_from_the_agent(sshd: Sshd, login: Login, keys: Keys, tmp_path: Path) -> None:
    """Only the public half is on disk; the private one is in the agent."""
    (tmp_path / "user.pub").write_text(public(keys.key("user")))
    with agent(tmp_path / "agent", keys.key("other"), keys.key("user")) as place:
        login(sshd, "IdentitiesOnly yes", f"IdentityFile {tmp_path / 'user.pub'}", SSH_AUTH_SOCK=place)
    assert sshd.log.count("Failed publickey") == 0


def test_the_order_of_identities(start_sshd: StartSshd, login: Login, keys: Keys, tmp_path: Path) -> None:
    """Named keys that the agent has, the agent's others, then files (ssh_config(5), IdentityFile; pubkey_prepare)."""
    names = ["order-file", "order-named", "order-agent"]
    order = [keys.key(name) for name in names]
    server = start_sshd(authorized=[])
    with agent(tmp_path / "agent", order[2], order[1]) as place, pytest.raises(Refused) as caught:
        login(server, f"IdentityFile {order[0]}", f"IdentityFile {order[1]}", SSH_AUTH_SOCK=place)
    said = caught.value.message
    assert said.index("order-named") < said.index("order-agent") < said.index("order-file")


@pytest.mark.parametrize("broken", ["gone", "no socket", "unset"])
def test_an_agent_that_is_broken(sshd: Sshd, login: Login, keys: Keys, tmp_path: Path, broken: str) -> None:
    place = tmp_path / "agent"
    if broken == "no socket":
        place.write_text("")
    socket_of = "" if broken == "unset" else str(place)
    assert MAIN in login(sshd, f"IdentityFile {keys.key('user')}", SSH_AUTH_SOCK=socket_of).refs


@contextlib.contextmanager
def speaking_agent(place: Path, *answers: bytes) -> Iterator[str]:
    """An agent that gives these answers to the first questions of each connection, then none."""
    open_ones: list[socket.socket] = []

    def serve(connection: socket.socket) -> None:
        open_ones.append(connection)
        for answer in answers:
            connection.recv(1 << 16)
            connection.sendall(packed(answer))

    listener = Listener(serve, str(place))
    try:
        yield str(place)
    finally:
        listener.close()
        for one in open_ones:
            one.close()


NO = b"\x05"  # SSH_AGENT_FAILURE: it knows no session-bind


def holding(key: Path) -> bytes:
    """What an agent with this key says it has."""
    return b"\x0c" + (1).to_bytes(4, "big") + packed(base64.b64decode(public(key).split(" ")[1])) + packed(b"held")


def test_a_silent_agent_does_not_keep_other_keys_from_being_used(
    sshd: Sshd, login: Login, keys: Keys, tmp_path: Path
) -> None:
    with speaking_agent(tmp_path / "agent") as place:
        begun = time.monotonic()
        login(sshd, f"IdentityFile {keys.key('user')}", idle=1, SSH_AUTH_SOCK=place)
    assert 1 <= time.monotonic() - begun < 6


@pytest.mark.parametrize("answers", [(), (NO,)], ids=["at once", "when asked for its keys"])
def test_a_silent_agent_is_named_when_nothing_else_opens(
    sshd: Sshd, login: Login, tmp_path: Path, answers: tuple[bytes, ...]
) -> None:
    with speaking_agent(tmp_path / "agent", *answers) as place, pytest.raises(Refused) as caught:
        login(sshd, idle=1, SSH_AUTH_SOCK=place)
    assert f"cannot use the SSH agent at '{place}': no answer in 1 seconds" in caught.value.message


def test_an_agent_that_falls_silent_at_the_signature(
    start_sshd: StartSshd, login: Login, keys: Keys, tmp_path: Path
) -> None:
    held, other = keys.key("held"), keys.key("user")
    server = start_sshd(authorized=[public(held), public(other)])
    with speaking_agent(tmp_path / "agent", NO, holding(held)) as place:
        login(server, f"IdentityFile {other}", idle=1, SSH_AUTH_SOCK=place)
        with pytest.raises(Refused, match="no answer in 1 seconds"):
            login(server, "IdentityFile none", idle=1, SSH_AUTH_SOCK=place)


def test_an_agent_that_refuses_to_sign(sshd: Sshd, login: Login, keys: Keys, tmp_path: Path) -> None:
    """Destination constraints: the key may be used for another host only."""
    with agent(tmp_path / "agent") as place:
        other = f"good.example {public(keys.key('other-host'))}\n"
        (tmp_path / "hosts").write_text(other)
        environment = {**os.environ, "SSH_AUTH_SOCK": place}
        words = ["ssh-add", "-q", "-H", str(tmp_path / "hosts"), "-h", "good.example", str(keys.key("user"))]
        subprocess.run(words, env=environment, check=True, capture_output=True, timeout=10)
        with pytest.raises(Refused):
            login(sshd, SSH_AUTH_SOCK=place)


@pytest.mark.parametrize("agrees", [True, False])
def test_an_agent_that_asks_before_it_signs(
    sshd: Sshd, login: Login, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, agrees: bool
) -> None:
    monkeypatch.setenv("SSH_ASKPASS", needs("true" if agrees else "false"))
    monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "force")
    monkeypatch.setenv("DISPLAY", ":none")
    with agent(tmp_path / "agent") as place:
        words = ["ssh-add", "-q", "-c", str(keys.key("user"))]
        subprocess.run(words, env={**os.environ, "SSH_AUTH_SOCK": place}, check=True, capture_output=True, timeout=10)
        if agrees:
            login(sshd, SSH_AUTH_SOCK=place)
        else:
            with pytest.raises(Refused, match="it refused to sign"):
                login(sshd, SSH_AUTH_SOCK=place)


# ---------------------------------------------------------------------- keys on hardware

SK = "sk-ssh-ed25519@openssh.com"


class Token:
    """What a hardware key does, in software (PROTOCOL.u2f): an Ed25519 key for the application `ssh:`."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        point = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.blob = packed(SK.encode()) + packed(point) + packed(b"ssh:")
        self.line = f"{SK} {base64.b64encode(self.blob).decode()}"

    def sign(self, data: bytes) -> bytes:
        """A signature of somebody who is there (flag 1), the seventh of this key."""
        counted = b"\1" + (7).to_bytes(4, "big")
        signed = hashlib.sha256(b"ssh:").digest() + counted + hashlib.sha256(data).digest()
        return packed(SK.encode()) + packed(self._key.sign(signed)) + counted

    def write(self, path: Path) -> Path:
        """The file that ssh-keygen makes of it: the private part is a handle, which only the hardware understands."""
        check = b"\0\0\0\1" * 2
        private = check + self.blob + b"\1" + packed(b"handle") + packed(b"") + packed(b"mine")
        private += bytes(range(1, 1 + -len(private) % 8))
        content = b"openssh-key-v1\0" + packed(b"none") * 2 + packed(b"") + (1).to_bytes(4, "big")
        text = base64.encodebytes(content + packed(self.blob) + packed(private)).decode()
        path.write_text(f"-----BEGIN OPENSSH PRIVATE KEY-----\n{text}-----END OPENSSH PRIVATE KEY-----\n")
        path.chmod(0o600)
        return path


def test_a_key_on_hardware_needs_an_agent(start_sshd: StartSshd, login: Login, keys: Keys, tmp_path: Path) -> None:
    token = Token()
    named = f"IdentityFile {token.write(tmp_path / 'id_sk')}"
    with pytest.raises(Refused, match="its type is not supported; an agent may be able to use it"):
        login(start_sshd(authorized=[token.line]), named)
    login(start_sshd(authorized=[token.line, public(keys.key("user"))]), named, f"IdentityFile {keys.key('user')}")


def test_a_key_on_hardware_behind_an_agent(start_sshd: StartSshd, login: Login, tmp_path: Path) -> None:
    token = Token()

    def serve(connection: socket.socket) -> None:
        with connection:
            while asked := connection.recv(1 << 16):
                answer = NO
                if asked[4] == 11:  # SSH_AGENTC_REQUEST_IDENTITIES
                    answer = b"\x0c" + (1).to_bytes(4, "big") + packed(token.blob) + packed(b"token")
                if asked[4] == 13:  # SSH_AGENTC_SIGN_REQUEST
                    fields = Fields(asked[5:])
                    assert fields.string() == token.blob
                    answer = b"\x0e" + packed(token.sign(fields.string()))
                connection.sendall(packed(answer))

    listener = Listener(serve, str(tmp_path / "agent"))
    try:
        login(start_sshd(authorized=[token.line]), SSH_AUTH_SOCK=str(tmp_path / "agent"))
    finally:
        listener.close()


# ---------------------------------------------------------------------- certificates


@pytest.fixture
def certifying(start_sshd: StartSshd, keys: Keys) -> Sshd:
    """A server that trusts certificates of `authority` only."""
    return start_sshd(authorized=[], TrustedUserCAKeys=f"{keys.key('authority')}.pub")


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
@pytest.mark.parametrize("way", ["beside", "named", "agent", "agent and file", "file and agent"])
def test_a_certificate(certifying: Sshd, login: Login, keys: Keys, tmp_path: Path, kind: str, way: str) -> None:
    name = f"certified-{kind}"
    keys.key(name, kind)
    certificate = keys.certificate(name, "authority", USER)
    key = Path(shutil.copy(keys.key(name), tmp_path / "key"))
    shutil.copy(f"{keys.key(name)}.pub", f"{key}.pub")
    if way in ("beside", "agent"):
        shutil.copy(certificate, f"{key}-cert.pub")
    if way in ("beside", "named"):
        named = [f"CertificateFile {certificate}"] if way == "named" else []
        assert MAIN in login(certifying, f"IdentityFile {key}", *named).refs
        return
    with agent(tmp_path / "agent", key) as place:
        lines = {
            "agent": [],
            "agent and file": [f"CertificateFile {certificate}"],
            "file and agent": [f"CertificateFile {certificate}", f"IdentityFile {key}.pub", "IdentitiesOnly yes"],
        }[way]
        assert MAIN in login(certifying, *lines, SSH_AUTH_SOCK=place).refs


@pytest.mark.parametrize("wrong", ["expired", "principal", "authority", "host"])
def test_a_certificate_that_does_not_count(certifying: Sshd, login: Login, keys: Keys, wrong: str) -> None:
    keys.certificate(
        f"certified-{wrong}",
        "other" if wrong == "authority" else "authority",
        "nobody" if wrong == "principal" else USER,
        host=wrong == "host",
        validity="20200101:20210101" if wrong == "expired" else "always:forever",
    )
    with pytest.raises(Refused):
        login(certifying, f"IdentityFile {keys.key(f'certified-{wrong}')}")


def test_a_certificate_of_a_locked_key(certifying: Sshd, login: Login, keys: Keys) -> None:
    key = keys.key("certified-locked", passphrase="passphrase")
    keys.certificate("certified-locked", "authority", USER)
    person = FakePerson(passphrases=["passphrase"])
    login(certifying, f"IdentityFile {key}", person=person)
    assert person.asked == ["passphrase certified-locked"]


# ---------------------------------------------------------------------- passwords and questions


@pytest.fixture
def asking(keys: Keys) -> Iterator[Callable[..., AskingServer]]:
    """`asking(Account arguments)` starts a server with such an account; `account` of it is the last login."""
    servers: list[AskingServer] = []
    host_key = paramiko.Ed25519Key.from_private_key_file(str(keys.key("host")))

    def start(**arguments: object) -> AskingServer:
        account = Account(**arguments)  # type: ignore[arg-type]
        server = AskingServer(host_key, lambda: account)
        server.account = account  # type: ignore[attr-defined]
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.__exit__()


Asking = Callable[..., AskingServer]


def test_a_password(asking: Asking, login: Login) -> None:
    person = FakePerson(passwords=["päss wörd"])
    server = asking(password="päss wörd")
    login(server, person=person, user="ada")
    assert person.asked == ["password ada"]
    assert server.account.tried == ["ada:päss wörd"]  # type: ignore[attr-defined]


def test_no_trace_has_an_answer_in_it(
    asking: Asking, start_sshd: StartSshd, login: Login, keys: Keys, tmp_path: Path
) -> None:
    path, key = tmp_path / "trace", keys.key("traced", passphrase="0pen-sesame")
    questions = [("Code:", False, "s3cret-code")]
    trace_file.start(str(path))
    try:
        login(asking(password="s3cret-word"), person=FakePerson(passwords=["s3cret-wrong", "s3cret-word"]))
        interactive = asking(methods=["keyboard-interactive"], questions=questions)
        login(interactive, person=FakePerson(interactive=["s3cret-code"]))
        server = start_sshd(authorized=[public(key)])
        login(server, f"IdentityFile {key}", person=FakePerson(passphrases=["0pen-wrong", "0pen-sesame"]))
        with pytest.raises(NoCredential):
            login(server, f"IdentityFile {key}")
    finally:
        trace_file.stop()
    events = [json.loads(line) for line in path.read_text().splitlines()]
    logins = [(one["method"], one.get("outcome", one.get("failed"))) for one in events if one["event"] == "login"]
    assert logins == [
        ("password", "refused"),
        ("password", "accepted"),
        ("keyboard-interactive", "goes on"),
        ("keyboard-interactive", "accepted"),
        ("publickey", "goes on"),
        ("publickey", "accepted"),
        ("publickey", "goes on"),
        ("publickey", "it is encrypted"),
    ]
    answers = ["s3cret-word", "s3cret-wrong", "s3cret-code", "0pen-sesame", "0pen-wrong"]
    assert not leaks(path.read_bytes(), *answers)


def test_a_wrong_password_may_be_corrected(asking: Asking, login: Login) -> None:
    person = FakePerson(passwords=["wrong", "right"])
    login(asking(password="right"), person=person, user="ada")
    assert person.asked == ["password ada", "password ada again"]


@pytest.mark.parametrize(("prompts", "asked"), [(3, 3), (1, 1), (2, 2)])
def test_wrong_passwords(asking: Asking, login: Login, prompts: int, asked: int) -> None:
    person = FakePerson(passwords=["wrong"] * 9)
    with pytest.raises(Refused, match="it refused the password"):
        login(asking(password="right"), f"NumberOfPasswordPrompts {prompts}", person=person, user="ada")
    assert len(person.asked) == asked


@pytest.mark.parametrize("line", ["BatchMode yes", "PasswordAuthentication no", "PreferredAuthentications publickey"])
def test_a_password_is_not_asked_for(asking: Asking, login: Login, line: str) -> None:
    person = FakePerson(passwords=["right"])
    with pytest.raises((Refused, NoCredential)):
        login(asking(password="right"), line, person=person, user="ada")
    assert person.asked == []


def test_nobody_to_ask_for_a_password(asking: Asking, login: Login) -> None:
    with pytest.raises(NoCredential, match=r"it accepts password") as caught:
        login(asking(password="right"), user="ada")
    assert "terminal" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "questions",
    [
        [("Password: ", False, "right")],
        [("Name: ", True, "ada"), ("Code: ", False, "123456")],
    ],
)
def test_keyboard_interactive(asking: Asking, login: Login, questions: Sequence[tuple[str, bool, str]]) -> None:
    person = FakePerson(interactive=[answer for _, _, answer in questions])
    login(asking(methods=["keyboard-interactive"], questions=questions), person=person, user="ada")
    assert person.asked == [f"{text}{' (seen)' * seen}" for text, seen, _ in questions]


def test_wrong_answers_may_be_corrected(asking: Asking, login: Login) -> None:
    person = FakePerson(interactive=["wrong", "right"])
    server = asking(methods=["keyboard-interactive"], questions=[("Code: ", False, "right")])
    login(server, person=person, user="ada")
    assert len(person.asked) == 2


def test_a_hostile_prompt_is_cleaned(asking: Asking, login: Login) -> None:
    person = FakePerson(interactive=["right"])
    server = asking(methods=["keyboard-interactive"], questions=[("Password for \x1b[2Jbank: ", False, "right")])
    login(server, person=person, user="ada")
    assert person.asked == ["Password for %1B[2Jbank: "]


@pytest.mark.parametrize("methods", [["publickey", "password"], ["password", "keyboard-interactive"]])
def test_several_factors(asking: Asking, login: Login, keys: Keys, methods: list[str]) -> None:
    person = FakePerson(passwords=["right"], interactive=["code"])
    server = asking(
        methods=methods,
        password="right",
        questions=[("Code: ", False, "code")],
        key=paramiko.Ed25519Key.from_private_key_file(str(keys.key("user"))),
    )
    login(server, f"IdentityFile {keys.key('user')}", person=person, user="ada")
    assert len(person.asked) == (1 if "publickey" in methods else 2)


class Watched(Account):
    """Also writes down who comes without anything."""

    def check_auth_none(self, username: str) -> int:
        self.tried.append("none")
        return super().check_auth_none(username)

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        self.tried.append("key")
        return AUTH_SUCCESSFUL if key == self._key else AUTH_FAILED


@pytest.mark.parametrize(
    ("lines", "tried"),
    [
        (["IdentityFile {0}"], ["key", "key"]),
        (["IdentityFile none"], ["none", "me:secret"]),
        (["IdentityFile {0}", "PreferredAuthentications password,publickey"], ["none", "me:secret"]),
        (["IdentityFile {1}"], ["key", "me:secret"]),
    ],
    ids=["a key", "no key", "a password first", "a key that is refused"],
)
def test_the_first_question_is_a_key_that_we_have(login: Login, keys: Keys, lines: list[str], tried: list[str]) -> None:
    """A round trip less than with `none`; then the query and the signature."""
    key, other = keys.key("first-rsa", "rsa"), keys.key("second-rsa", "rsa")
    methods = ["publickey"] if tried[-1] == "key" else ["password"]
    account = Watched(methods, "secret", key=paramiko.RSAKey.from_private_key_file(str(key)))
    person = FakePerson(passwords=["secret"])
    with AskingServer(paramiko.Ed25519Key.from_private_key_file(str(keys.key("host"))), lambda: account) as server:
        login(server, *(line.format(key, other) for line in lines), person=person, user="me")
    assert account.tried == tried


def test_two_keys_as_factors(start_sshd: StartSshd, login: Login, keys: Keys) -> None:
    user, second = keys.key("user"), keys.key("second")
    server = start_sshd(authorized=[public(user), public(second)], AuthenticationMethods="publickey,publickey")
    login(server, f"IdentityFile {user}", f"IdentityFile {second}")
    with pytest.raises(Refused):
        login(server, f"IdentityFile {user}")


def test_a_password_is_kept_for_the_command(asking: Asking, keys: Keys, login: Login) -> None:
    host_key = paramiko.Ed25519Key.from_private_key_file(str(keys.key("host")))
    person = FakePerson(passwords=["right"])
    with AskingServer(host_key, lambda: Account(password="right")) as server:
        login(server, person=person, user="ada", times=3)
    assert person.asked == ["password ada"]
