"""Who the server is: each state of known_hosts, each value of StrictHostKeyChecking, certificates, and the person's word."""

from __future__ import annotations

import base64
import contextlib
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import paramiko
import pytest

from git_helper.core.reference import Oid
from git_helper.errors import Unreachable
from git_helper.git.ssh.answers import Answers
from git_helper.git.ssh.host_key import HostTrust
from git_helper.git.ssh.host_key_policy import HostKeyRefused
from git_helper.git.ssh.known_hosts import KnownHostsError
from git_helper.git.ssh.options import SshOptions
from tests.git.ssh.served import Client, FakePerson
from tests.servers.repositories import resolve
from tests.servers.ssh_asking import Account, AskingServer
from tests.servers.sshd import USER, Keys, Sshd, fingerprint, public

StartSshd = Callable[..., Sshd]


@pytest.fixture
def visit(home: Path, keys: Keys, bare: Path) -> Iterator[Callable[..., Client]]:
    """`visit(server, known_hosts lines, config lines, person)` asks for refs and gives the client."""
    clients: list[Client] = []

    def attempt(
        server: Sshd | AskingServer,
        known: list[str],
        *config: str,
        person: FakePerson | None = None,
        host: str = "127.0.0.1",
    ) -> Client:
        client = Client(home, person=person)
        clients.append(client)
        if known:
            client.knows(*(line.format(port=server.port) for line in known))
        client.configure("Host *", f"IdentityFile {keys.key('user')}", *config)
        client.repository(f"git+ssh://{USER}@{host}:{server.port}{bare}").ls_refs(["refs/heads/main"])
        return client

    yield attempt
    for client in clients:
        client.connections.close()


Visit = Callable[..., Client]


def line_of(key: Path, hosts: str = "[127.0.0.1]:{port}") -> str:
    """A line of known_hosts."""
    return f"{hosts} {public(key)}"


# ---------------------------------------------------------------------- unknown hosts


@pytest.mark.parametrize(("strict", "added"), [("accept-new", True), ("no", True), ("off", True)])
def test_an_unknown_host_that_is_taken(sshd: Sshd, visit: Visit, keys: Keys, strict: str, added: bool) -> None:
    client = visit(sshd, [], f"StrictHostKeyChecking {strict}")
    assert (public(keys.key("host")).split(" ")[1] in client.known) is added
    assert client.known.startswith(f"[127.0.0.1]:{sshd.port} ssh-ed25519 ")


@pytest.mark.parametrize(
    ("strict", "person", "asked"),
    [
        ("yes", FakePerson(trusts=True), 0),
        ("ask", None, 0),
        ("ask", FakePerson(trusts=False), 1),
        ("ask", FakePerson(trusts=None), 1),
        ("ask\n BatchMode yes", FakePerson(trusts=True), 0),
    ],
)
def test_an_unknown_host_that_is_refused(
    sshd: Sshd, visit: Visit, keys: Keys, strict: str, person: FakePerson | None, asked: int
) -> None:
    with pytest.raises(HostKeyRefused) as caught:
        visit(sshd, [], *f"StrictHostKeyChecking {strict}".split("\n"), person=person)
    assert fingerprint(keys.key("host")) in caught.value.message
    assert "unknown" in caught.value.message
    assert len(person.asked if person else []) == asked
    assert "Accepted" not in sshd.log, "nothing is sent before the host is trusted"


def test_the_person_trusts_a_host_once(sshd: Sshd, visit: Visit, keys: Keys) -> None:
    person = FakePerson(trusts=True)
    client = visit(sshd, [], person=person)
    assert person.asked == [f"host key ssh-ed25519 {fingerprint(keys.key('host'))}"]
    found = subprocess.run(
        ["ssh-keygen", "-F", f"[127.0.0.1]:{sshd.port}", "-f", client.folder / "known_hosts"],
        capture_output=True,
        check=True,
    )
    assert public(keys.key("host")).split(" ")[1].encode() in found.stdout
    visit(sshd, [], person=person)
    assert len(person.asked) == 1


def test_new_names_are_hashed(sshd: Sshd, visit: Visit) -> None:
    client = visit(sshd, [], "StrictHostKeyChecking accept-new", "HashKnownHosts yes")
    assert client.known.startswith("|1|")
    visit(sshd, [])


# ---------------------------------------------------------------------- known hosts


@pytest.mark.parametrize(
    "hosts",
    ["[127.0.0.1]:{port}", "[127.0.0.*]:{port}", "good.example,[127.0.0.1]:{port}", "127.0.0.1", "[*]:{port},!evil"],
)
def test_a_host_that_is_known(sshd: Sshd, visit: Visit, keys: Keys, hosts: str) -> None:
    visit(sshd, [line_of(keys.key("other"), "evil.example"), "garbage", line_of(keys.key("host"), hosts)])
    assert "Accepted publickey" in sshd.log


def test_a_host_key_alias(sshd: Sshd, visit: Visit, keys: Keys) -> None:
    visit(sshd, [line_of(keys.key("host"), "nick.example")], "HostKeyAlias nick.example")
    with pytest.raises(HostKeyRefused):
        visit(sshd, [line_of(keys.key("host"))], "HostKeyAlias nick.example")


def test_a_key_of_the_machine(sshd: Sshd, visit: Visit, keys: Keys, tmp_path: Path) -> None:
    (tmp_path / "known").write_text(line_of(keys.key("host")).format(port=sshd.port))
    visit(sshd, [], f"GlobalKnownHostsFile {tmp_path / 'known'}")
    assert "Accepted publickey" in sshd.log


def test_several_files_of_known_hosts(sshd: Sshd, visit: Visit, keys: Keys, tmp_path: Path) -> None:
    (tmp_path / "second").write_text(line_of(keys.key("host")).format(port=sshd.port))
    visit(sshd, [], f"UserKnownHostsFile {tmp_path / 'first'} {tmp_path / 'second'}")
    assert "Accepted publickey" in sshd.log


@pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ed25519"])
def test_the_server_shows_the_key_that_is_known(start_sshd: StartSshd, visit: Visit, keys: Keys, kind: str) -> None:
    ours = {name: keys.key(f"host-{name}", name) for name in ("ed25519", "ecdsa", "rsa")}
    server = start_sshd(host_keys=list(ours.values()))
    visit(server, [line_of(ours[kind])])
    assert "Accepted publickey" in server.log


def test_one_of_two_keys_of_a_type(sshd: Sshd, visit: Visit, keys: Keys) -> None:
    visit(sshd, [line_of(keys.key("other")), line_of(keys.key("host"))])
    assert "Accepted publickey" in sshd.log


# ---------------------------------------------------------------------- changed and revoked keys


@pytest.mark.parametrize("strict", ["yes", "ask", "accept-new", "no"])
@pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
def test_a_changed_key_is_refused(sshd: Sshd, visit: Visit, keys: Keys, strict: str, kind: str) -> None:
    person = FakePerson(trusts=True)
    before = keys.key(f"before-{kind}", kind)
    with pytest.raises(HostKeyRefused) as caught:
        visit(sshd, ["# a comment", line_of(before)], f"StrictHostKeyChecking {strict}", person=person)
    assert "known_hosts', line 2" in caught.value.message
    assert fingerprint(keys.key("host")) in caught.value.message
    assert person.asked == []


@pytest.mark.parametrize("strict", ["yes", "no"])
@pytest.mark.parametrize("hosts", ["*", "[127.0.0.1]:{port}"])
def test_a_revoked_key_is_refused(sshd: Sshd, visit: Visit, keys: Keys, strict: str, hosts: str) -> None:
    host = keys.key("host")
    with pytest.raises(HostKeyRefused, match=r"is revoked \('.*known_hosts', line 2\)"):
        visit(sshd, [line_of(host), f"@revoked {line_of(host, hosts)}"], f"StrictHostKeyChecking {strict}")


def test_a_list_of_revoked_keys(sshd: Sshd, visit: Visit, keys: Keys, tmp_path: Path) -> None:
    revoked = tmp_path / "revoked"
    revoked.write_text(public(keys.key("host")) + "\n")
    with pytest.raises(HostKeyRefused, match="revoked"):
        visit(sshd, [line_of(keys.key("host"))], f"RevokedHostKeys {revoked}")
    revoked.unlink()
    with pytest.raises(KnownHostsError):
        visit(sshd, [line_of(keys.key("host"))], f"RevokedHostKeys {revoked}")


# ---------------------------------------------------------------------- CheckHostIP

ADDRESS = "192.0.2.7"


def trust_at(address: str, keys: Keys, folder: Path, known: list[str], **options: object) -> str:
    """Has the key `host` of good.example:2222 at `address` checked; the known_hosts afterwards."""
    path = folder / "known_hosts"
    path.write_text("".join(f"{line}\n" for line in known))
    common = {"hostname": "good.example", "strict_host_key_checking": "yes", "check_host_ip": True}
    found = SshOptions(port=2222, user=USER, user_known_hosts_files=(str(path),), **{**common, **options})  # type: ignore[arg-type]
    blob = base64.b64decode(public(keys.key("host")).split(" ")[1])
    HostTrust(found, Answers(None)).check(blob, address)
    return path.read_text()


def test_a_new_address_of_a_known_host_is_remembered(keys: Keys, tmp_path: Path) -> None:
    known = [line_of(keys.key("host"), "[good.example]:2222")]
    after = trust_at(ADDRESS, keys, tmp_path, known).rstrip("\n").split("\n")
    assert after[:-1] == known
    assert after[-1].split(" ")[:2] == [f"[{ADDRESS}]:2222", "ssh-ed25519"]
    assert trust_at(ADDRESS, keys, tmp_path, after).rstrip("\n").split("\n") == after


@pytest.mark.parametrize("marker", ["", "@revoked "])
def test_an_address_with_another_key_is_refused(keys: Keys, tmp_path: Path, marker: str) -> None:
    key = keys.key("host" if marker else "other")
    known = [line_of(keys.key("host"), "[good.example]:2222"), marker + line_of(key, f"[{ADDRESS}]:2222")]
    with pytest.raises(HostKeyRefused, match=r"192\.0\.2\.7.*line 2"):
        trust_at(ADDRESS, keys, tmp_path, known)
    assert (tmp_path / "known_hosts").read_text().count("\n") == 2


@pytest.mark.parametrize(
    ("address", "options"),
    [(ADDRESS, {"check_host_ip": False}), ("127.0.0.1", {}), ("::1", {}), (ADDRESS, {"hostname": ADDRESS})],
    ids=["off", "loopback", "loopback of IPv6", "no name beside it"],
)
def test_addresses_that_are_not_looked_at(keys: Keys, tmp_path: Path, address: str, options: dict[str, object]) -> None:
    known = [line_of(keys.key("host"), f"[{options.get('hostname', 'good.example')}]:2222")]
    if "hostname" not in options:
        known.append(line_of(keys.key("other"), f"[{address}]:2222"))
    assert trust_at(address, keys, tmp_path, known, **options).rstrip("\n").split("\n") == known


# ---------------------------------------------------------------------- certificates


@pytest.fixture
def certified(start_sshd: StartSshd, keys: Keys) -> Callable[..., Sshd]:
    """A server whose key has a certificate of `host-authority`; arguments as for Keys.certificate."""

    def start(kind: str = "ed25519", principals: str = "127.0.0.1", validity: str = "always:forever") -> Sshd:
        name = f"host-certified-{kind}"
        key = keys.key(name, kind)
        certificate = keys.certificate(name, "host-authority", principals, host=True, validity=validity)
        return start_sshd(host_keys=[key], HostCertificate=str(certificate))

    return start


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_host_certificate(certified: Callable[..., Sshd], visit: Visit, keys: Keys, kind: str) -> None:
    authority = line_of(keys.key("host-authority"), "@cert-authority [127.0.0.*]:*")
    client = visit(certified(kind), [authority], "StrictHostKeyChecking yes")
    assert client.known.count("\n") == 1


@pytest.mark.parametrize(
    "wrong", [{"principals": "good.example"}, {"validity": "20200101:20210101"}, {"validity": "20990101:21000101"}]
)
def test_a_host_certificate_that_does_not_count(
    certified: Callable[..., Sshd], visit: Visit, keys: Keys, wrong: dict[str, str]
) -> None:
    authority = line_of(keys.key("host-authority"), "@cert-authority *")
    with pytest.raises(HostKeyRefused, match="does not count"):
        visit(certified(**wrong), [authority], "StrictHostKeyChecking yes")


def test_the_key_in_a_certificate_of_an_unknown_authority(
    certified: Callable[..., Sshd], visit: Visit, keys: Keys
) -> None:
    visit(certified(), [line_of(keys.key("host-certified-ed25519"))])
    person = FakePerson(trusts=True)
    client = visit(certified(), ["# nothing"], person=person)
    assert public(keys.key("host-certified-ed25519")).split(" ")[1] in client.known
    assert person.asked == [f"host key ssh-ed25519 {fingerprint(keys.key('host-certified-ed25519'))}"]


def test_a_revoked_authority(certified: Callable[..., Sshd], visit: Visit, keys: Keys) -> None:
    authority = line_of(keys.key("host-authority"), "*")
    with pytest.raises(HostKeyRefused, match="revoked"):
        visit(certified(), [f"@cert-authority {authority}", f"@revoked {authority}"], "StrictHostKeyChecking no")


# ---------------------------------------------------------------------- algorithms


@pytest.mark.parametrize(
    ("server", "config", "works"),
    [
        ({"Ciphers": "aes256-ctr", "MACs": "hmac-sha2-512"}, [], True),
        ({"KexAlgorithms": "curve25519-sha256"}, [], True),
        ({"KexAlgorithms": "diffie-hellman-group-exchange-sha256"}, [], True),
        ({"KexAlgorithms": "ecdh-sha2-nistp521", "Ciphers": "aes256-gcm@openssh.com"}, [], True),
        ({}, ["Ciphers aes128-ctr", "MACs hmac-sha2-256", "KexAlgorithms ecdh-sha2-nistp256"], True),
        ({"Ciphers": "aes128-cbc,3des-cbc"}, [], False),
        ({"MACs": "hmac-md5,hmac-sha1", "Ciphers": "aes128-ctr"}, [], False),
        ({"KexAlgorithms": "diffie-hellman-group14-sha1"}, [], False),
        ({}, ["Ciphers chacha20-poly1305@openssh.com"], False),
        ({}, ["HostKeyAlgorithms ssh-rsa"], False),
        ({}, ["HostKeyAlgorithms ecdsa-sha2-nistp256"], False),
    ],
)
def test_algorithms(
    start_sshd: StartSshd, visit: Visit, keys: Keys, server: dict[str, str], config: list[str], works: bool
) -> None:
    if works:
        visit(start_sshd(**server), [line_of(keys.key("host"))], *config)
    else:
        with pytest.raises(Unreachable, match="it knows none of our algorithms"):
            visit(start_sshd(**server), [line_of(keys.key("host"))], *config)


def test_the_fastest_cipher_is_agreed_on(start_sshd: StartSshd, visit: Visit, keys: Keys) -> None:
    server = start_sshd(LogLevel="DEBUG2")
    visit(server, [line_of(keys.key("host"))])
    assert "cipher: aes128-gcm@openssh.com" in server.log


def test_an_rsa_key_that_is_too_short(start_sshd: StartSshd, visit: Visit, keys: Keys) -> None:
    key = keys.key("host-rsa", "rsa")
    with pytest.raises(HostKeyRefused, match="an RSA key of 2048 bits is too short"):
        visit(start_sshd(host_keys=[key]), [line_of(key)], "RequiredRSASize 3072")


@pytest.mark.parametrize("name", ["host", "other"])
def test_keys_that_are_renewed(home: Path, keys: Keys, large: Path, name: str) -> None:
    """paramiko alone would take any host key then."""
    first, second = (paramiko.Ed25519Key.from_private_key_file(str(keys.key(one))) for one in ("host", name))
    server = AskingServer(first, lambda: Account(password="right"))
    received = 0

    def feed(data: bytes) -> None:
        nonlocal received
        if not received:
            with contextlib.suppress(paramiko.SSHException, EOFError, OSError):
                server.renew_keys(second)
        received += len(data)

    with server, Client(home, person=FakePerson(passwords=["right"])) as client:
        client.knows(f"[127.0.0.1]:{server.port} {public(keys.key('host'))}")
        repository = client.repository(f"git+ssh://ada@127.0.0.1:{server.port}{large}")
        if name == "host":
            repository.fetch(Oid(resolve(large, "main")), feed)
            assert received > 10_000_000
        else:
            with pytest.raises(Unreachable, match="another host key when keys were renewed"):
                repository.fetch(Oid(resolve(large, "main")), feed)
