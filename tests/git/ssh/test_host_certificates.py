"""Certificates of servers, made by ssh-keygen: which count, and what is left when one does not."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_helper.git.ssh.fields import Malformed
from git_helper.git.ssh.host_certificates import HostCertificate, check
from git_helper.git.ssh.known_hosts import Changed, Known, KnownHosts, Revoked, Unknown, Verdict
from git_helper.git.ssh.public_key import fingerprint
from tests.support import needs

HOST = "good.example"
NOW = 1_700_000_000.0  # 2023-11-14
VALID = ("-V", "20230101:20240101")


class Forge:
    """Keys and certificates in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def key(self, name: str, kind: str = "ed25519") -> bytes:
        """Makes a key and returns its public half."""
        if not (self.folder / name).exists():
            size = ["-b", "2048"] if kind == "rsa" else []
            self._keygen("-q", "-t", kind, *size, "-N", "", "-C", "", "-f", name)
        return self._blob(f"{name}.pub")

    def certificate(self, name: str, authority: str, *options: str, kind: str = "ed25519") -> bytes:
        """Lets `authority` certify the key `name`; `options` of ssh-keygen(1)."""
        self.key(name, kind)
        self._keygen("-q", "-s", authority, "-I", f"id of {name}", *options, f"{name}.pub")
        return self._blob(f"{name}-cert.pub")

    def known(self, *lines: str) -> KnownHosts:
        """Loads lines, in which `<name>` stands for a public key."""
        path = self.folder / "known_hosts"
        for public in self.folder.glob("*.pub"):
            lines = tuple(line.replace(f"<{public.stem}>", public.read_text().strip("\n ")) for line in lines)
        path.write_text("".join(line + "\n" for line in lines))
        hosts = KnownHosts.load([str(path)])
        assert not hosts.notes
        return hosts

    def _blob(self, name: str) -> bytes:
        return base64.b64decode((self.folder / name).read_bytes().split(b" ")[1])

    def _keygen(self, *arguments: str) -> None:
        environ = {"TZ": "UTC", "HOME": str(self.folder), "PATH": "/usr/bin:/bin"}
        argv = [needs("ssh-keygen"), *arguments]
        subprocess.run(argv, cwd=self.folder, env=environ, check=True, capture_output=True, timeout=60)


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    """A folder with the authority `ca`."""
    made = Forge(tmp_path)
    made.key("ca")
    return made


def verdict_on(
    blob: bytes, known: KnownHosts, host: str = HOST, port: int | None = 22, *, now: float = NOW, ca: str | None = None
) -> Verdict:
    """The verdict on a certificate."""
    name = HostCertificate.parse(blob).type
    return check(known, [host], port, name, blob, now=now, ca_algorithms=ca)


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
@pytest.mark.parametrize("ca", ["ed25519", "ecdsa", "rsa"])
def test_a_certificate_of_a_known_authority_is_trusted(kind: str, ca: str, forge: Forge) -> None:
    authority = forge.key("other-ca", ca)
    blob = forge.certificate("host", "other-ca", "-h", "-n", f"a.example,{HOST}", *VALID, kind=kind)
    hosts = forge.known("# comment", "@cert-authority *.example <other-ca>")
    assert verdict_on(blob, hosts) == Known(str(forge.folder / "known_hosts"), 2)
    certificate = HostCertificate.parse(blob)
    assert certificate.key == forge.key("host") and certificate.authority == authority
    assert certificate.key_id == b"id of host"
    assert certificate.principals == (b"a.example", HOST.encode())


def test_a_plain_key_is_judged_as_ever(forge: Forge) -> None:
    blob = forge.key("host")
    assert check(forge.known(f"{HOST} <host>"), [HOST], 22, "ssh-ed25519", blob, now=NOW) == Known(
        str(forge.folder / "known_hosts"), 1
    )


BAD: list[tuple[tuple[str, ...], float, str]] = [
    (("-h", "-n", "other.example", *VALID), NOW, "it is for other.example"),
    (("-h", "-n", "good.example.evil.example", *VALID), NOW, "it is for"),
    (("-n", HOST, *VALID), NOW, "for users"),
    (("-h", "-n", HOST, *VALID), 1_600_000_000, "not valid yet"),
    (("-h", "-n", HOST, *VALID), 1_800_000_000, "has expired"),
    (("-h", "-n", HOST, *VALID, "-O", "critical:only-monday=x"), NOW, "only-monday"),
]


@pytest.mark.parametrize(("options", "now", "reason"), BAD, ids=[reason for _, _, reason in BAD])
def test_a_certificate_that_does_not_count_leaves_its_key(
    options: tuple[str, ...], now: float, reason: str, forge: Forge
) -> None:
    blob = forge.certificate("host", "ca", *options)
    verdict = verdict_on(blob, forge.known("@cert-authority * <ca>"), now=now)
    assert isinstance(verdict, Unknown) and reason in verdict.note and "id of host" in verdict.note
    assert verdict.fingerprint == fingerprint(forge.key("host"))
    assert isinstance(verdict_on(blob, forge.known("@cert-authority * <ca>", f"{HOST} <host>"), now=now), Known)
    changed = verdict_on(blob, forge.known("@cert-authority * <ca>", f"{HOST} <ca>"), now=now)
    assert isinstance(changed, Changed) and reason in changed.note


def test_the_end_of_its_time_is_not_in_it(forge: Forge) -> None:
    blob = forge.certificate("host", "ca", "-h", "-n", HOST, *VALID)
    hosts = forge.known("@cert-authority * <ca>")
    certificate = HostCertificate.parse(blob)
    assert isinstance(verdict_on(blob, hosts, now=certificate.valid_after), Known)
    assert isinstance(verdict_on(blob, hosts, now=certificate.valid_before - 1), Known)
    assert isinstance(verdict_on(blob, hosts, now=certificate.valid_before), Unknown)


def test_an_authority_of_another_host_does_not_count(forge: Forge) -> None:
    blob = forge.certificate("host", "ca", "-h", "-n", HOST, *VALID)
    for line in ("@cert-authority other.example <ca>", f"{HOST} <ca>", f"@cert-authority {HOST} <host>", ""):
        assert not isinstance(verdict_on(blob, forge.known(line)), Known), line


def test_principals_are_names_without_port(forge: Forge) -> None:
    blob = forge.certificate("host", "ca", "-h", "-n", HOST, *VALID)
    assert isinstance(verdict_on(blob, forge.known(f"@cert-authority [{HOST}]:2222 <ca>"), port=2222), Known)
    assert isinstance(verdict_on(blob, forge.known(f"@cert-authority {HOST} <ca>"), port=2222), Unknown)
    assert isinstance(verdict_on(blob, forge.known("@cert-authority * <ca>"), "GOOD.Example"), Known)


def test_principals_may_be_patterns_or_missing(forge: Forge) -> None:
    hosts = forge.known("@cert-authority * <ca>")
    assert isinstance(verdict_on(forge.certificate("a", "ca", "-h", "-n", "*.example", *VALID), hosts), Known)
    assert isinstance(verdict_on(forge.certificate("b", "ca", "-h", *VALID), hosts), Known)
    assert isinstance(verdict_on(forge.certificate("c", "ca", "-h", "-n", "*.test", *VALID), hosts), Unknown)


@pytest.mark.parametrize("line", ["@revoked * <ca>", "@revoked * <host>", f"@revoked {HOST} <host>"])
def test_a_revoked_authority_or_key_is_revoked(line: str, forge: Forge) -> None:
    blob = forge.certificate("host", "ca", "-h", "-n", HOST, *VALID)
    verdict = verdict_on(blob, forge.known("@cert-authority * <ca>", f"{HOST} <host>", line))
    assert isinstance(verdict, Revoked) and verdict.line == 3
    verdict = verdict_on(blob, forge.known("@cert-authority * <ca>", line.replace(HOST, "*")), port=2222)
    assert isinstance(verdict, Revoked)


def test_a_changed_certificate_is_noticed(forge: Forge) -> None:
    blob = forge.certificate("host", "ca", "-h", "-n", HOST, *VALID)
    hosts = forge.known("@cert-authority * <ca>")
    forged = blob.replace(b"id of host", b"id of evil")
    assert forged != blob
    verdict = verdict_on(forged, hosts)
    assert isinstance(verdict, Unknown) and "signature is wrong" in verdict.note
    own = forge.certificate("evil", "evil", "-h", "-n", HOST, *VALID)
    swapped = own.replace(HostCertificate.parse(own).authority, forge.key("ca"), 1)
    assert not isinstance(verdict_on(swapped, hosts), Known)


def test_signatures_with_sha1_are_not_taken(forge: Forge) -> None:
    forge.key("old-ca", "rsa")
    blob = forge.certificate("host", "old-ca", "-h", "-t", "ssh-rsa", "-n", HOST, *VALID)
    hosts = forge.known("@cert-authority * <old-ca>")
    for allowed in (None, "ssh-rsa", "+ssh-rsa"):
        verdict = verdict_on(blob, hosts, ca=allowed)
        assert isinstance(verdict, Unknown) and "ssh-rsa" in verdict.note


def test_signatures_may_be_restricted(forge: Forge) -> None:
    blob = forge.certificate("host", "ca", "-h", "-n", HOST, *VALID)
    hosts = forge.known("@cert-authority * <ca>")
    assert isinstance(verdict_on(blob, hosts, ca="ssh-ed25519"), Known)
    assert isinstance(verdict_on(blob, hosts, ca="-ssh-ed25519"), Unknown)
    assert isinstance(verdict_on(blob, hosts, ca="rsa-sha2-512"), Unknown)


@pytest.mark.parametrize(
    "damage", [lambda blob: blob[:-1], lambda blob: blob + b"\0", lambda blob: blob[:40], lambda _: b""]
)
def test_a_damaged_certificate_is_malformed(damage: Callable[[bytes], bytes], forge: Forge) -> None:
    blob = forge.certificate("host", "ca", "-h", "-n", HOST, *VALID)
    name = HostCertificate.parse(blob).type
    with pytest.raises(Malformed):
        check(forge.known("@cert-authority * <ca>"), [HOST], 22, name, damage(blob), now=NOW)


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, KnownHosts]:
    """A certificate, and the lines that trust it."""
    forge = Forge(tmp_path_factory.mktemp("certified"))
    forge.key("ca")
    blob = forge.certificate("host", "ca", "-h", "-n", HOST, *VALID)
    return blob, forge.known("@cert-authority * <ca>")


@given(place=st.integers(0, 10_000), mask=st.integers(1, 255))
def test_any_change_of_a_certificate_is_noticed(place: int, mask: int, certified: tuple[bytes, KnownHosts]) -> None:
    blob, hosts = certified
    assert isinstance(verdict_on(blob, hosts), Known)
    changed = bytearray(blob)
    changed[place % len(blob)] ^= mask
    try:
        verdict = check(hosts, [HOST], 22, HostCertificate.parse(blob).type, bytes(changed), now=NOW)
    except Malformed:
        return
    assert not isinstance(verdict, Known)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_certificate_or_are_refused(tail: bytes) -> None:
    try:
        HostCertificate.parse(b"\0\0\0\x20ssh-ed25519-cert-v01@openssh.com\0\0\0\0\0\0\0\x20" + tail)
    except Malformed as error:
        assert str(error)
