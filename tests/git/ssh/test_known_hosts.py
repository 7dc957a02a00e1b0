"""known_hosts files: the verdict on a key is that of `ssh-keygen -F`, and ssh-keygen reads the lines that we write."""

from __future__ import annotations

import base64
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from git_helper.errors import StoreError, Unreachable
from git_helper.git.ssh.fields import Malformed
from git_helper.git.ssh.host_key_policy import Action, action, refusal
from git_helper.git.ssh.known_hosts import (
    Changed,
    Known,
    KnownHosts,
    KnownHostsError,
    Revoked,
    Unknown,
    append,
    load_revoked,
)
from git_helper.git.ssh.known_hosts_lines import hashed, parse, place
from git_helper.git.ssh.public_key import fingerprint, key_type
from tests.support import ROOT, needs

ED, EC, RSA = "ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"
ALGORITHMS = (
    "ssh-ed25519-cert-v01@openssh.com",
    "rsa-sha2-512-cert-v01@openssh.com",
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "rsa-sha2-512",
    "rsa-sha2-256",
)


@cache
def key(kind: str = ED, which: int = 0) -> bytes:
    """A public key as the wire has it; another one for each `which`."""
    private: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    if kind == ED:
        private = ed25519.Ed25519PrivateKey.generate()
    elif kind == RSA:
        private = rsa.generate_private_key(65537, 1024 + which)
    else:
        private = ec.generate_private_key(ec.SECP256R1())
    line = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return base64.b64decode(line.split(b" ")[1])


def text(blob: bytes) -> str:
    """`type base64` of a key."""
    return f"{key_type(blob)} {base64.b64encode(blob).decode()}"


@pytest.fixture
def known(tmp_path: Path) -> Callable[..., KnownHosts]:
    """Loads lines of one file, `tmp_path`/known_hosts."""

    def load(*lines: str | bytes) -> KnownHosts:
        data = [line if isinstance(line, bytes) else line.encode() for line in lines]
        (tmp_path / "known_hosts").write_bytes(b"".join(line + b"\n" for line in data))
        return KnownHosts.load([str(tmp_path / "known_hosts")])

    return load


def found_by_keygen(path: Path, name: str) -> list[tuple[int, str, str]]:
    """What `ssh-keygen -l -F` finds: line, marker, fingerprint."""
    argv = [needs("ssh-keygen"), "-l", "-F", name, "-f", str(path)]
    said = subprocess.run(argv, capture_output=True, check=False, timeout=30).stdout.decode()
    found: list[tuple[int, str, str]] = []
    number, marker = 0, ""
    for line in said.split("\n"):
        if line.startswith("# Host "):
            words = line.split(" ")
            number, marker = int(words[5]), words[6] if len(words) > 6 else ""
        elif "SHA256:" in line:
            found.append((number, marker, "SHA256:" + line.partition("SHA256:")[2].partition(" ")[0]))
    return found


# Hosts of a line, where `#name` is hashed; and what is looked for.
HOSTS = [
    "good.example",
    "GOOD.example",
    "good.example,192.0.2.1",
    "a,good.example,b",
    "*.example",
    "g??d.example",
    "*",
    "*.example,!good.example",
    "!good.example,*.example",
    "!evil.example,*.example",
    "!good.example",
    "[good.example]:22",
    "[good.example]:2222",
    "[*.example]:2222",
    "[*]:*",
    "*:2222",
    "evil.example",
    "evilgood.example",
    "good.example.evil.example",
    "good.exampl[e]",
    "192.0.2.*",
    "::1",
    "[::1]:2222",
    "#good.example",
    "#[good.example]:2222",
    "#evil.example",
    "#192.0.2.1",
    ",good.example",
    "good.example,",
]
ASKED: list[tuple[str, int | None]] = [
    ("good.example", 22),
    ("good.example", 2222),
    ("evil.example", 22),
    ("192.0.2.1", None),
    ("::1", 2222),
]


@pytest.mark.parametrize("marker", ["", "@cert-authority ", "@revoked "])
def test_lines_are_for_the_hosts_that_ssh_keygen_says(
    marker: str, known: Callable[..., KnownHosts], tmp_path: Path
) -> None:
    names = [hashed(name[1:], os.urandom(20)) if name.startswith("#") else name for name in HOSTS]
    hosts = known(*(f"{marker}{name} {text(key(ED, at))} # {at}" for at, name in enumerate(names)))
    assert not hosts.notes
    for host, port in ASKED:
        expected = [line for line, _, _ in found_by_keygen(tmp_path / "known_hosts", place(host, port))]
        without_port = [line for line, _, _ in found_by_keygen(tmp_path / "known_hosts", host)]
        assert expected, "the table has nothing for it"
        for at in range(len(names)):
            blob = key(ED, at)
            by_authority = hosts.authority([host], port, blob)
            verdict = by_authority if marker.startswith("@c") else hosts.check([host], port, ED, blob)
            wanted = Revoked if marker.startswith("@r") else Known
            is_found = at + 1 in expected or (marker.startswith("@r") and at + 1 in without_port)
            assert isinstance(verdict, wanted) == is_found, (host, port, names[at])
            assert not isinstance(verdict, Known | Revoked) or verdict.line == at + 1


def test_fingerprints_are_those_of_ssh_keygen(known: Callable[..., KnownHosts], tmp_path: Path) -> None:
    blobs = [key(ED), key(EC), key(RSA)]
    known(*(f"good.example {text(blob)}" for blob in blobs))
    found = found_by_keygen(tmp_path / "known_hosts", "good.example")
    assert [print_ for _, _, print_ in found] == [fingerprint(blob) for blob in blobs]


def test_an_unknown_host(known: Callable[..., KnownHosts]) -> None:
    assert known().check(["good.example"], 22, ED, key()) == Unknown(fingerprint(key()))


def test_the_case_of_a_host_does_not_matter(known: Callable[..., KnownHosts]) -> None:
    hosts = known(f"Good.Example {text(key())}", f"{hashed('other.example', bytes(20))} {text(key())}")
    assert isinstance(hosts.check(["gOOD.eXAMPLE"], 22, ED, key()), Known)
    assert isinstance(hosts.check(["Other.EXAMPLE"], 22, ED, key()), Known)


def test_a_changed_key_names_its_line(known: Callable[..., KnownHosts], tmp_path: Path) -> None:
    hosts = known("# comment", f"good.example {text(key(EC))}", f"good.example {text(key())}")
    path = str(tmp_path / "known_hosts")
    changed = Changed(path, 3, fingerprint(key(ED, 1)), fingerprint(key()))
    assert hosts.check(["good.example"], 22, ED, key(ED, 1)) == changed
    other_type = hosts.check(["good.example"], 22, RSA, key(RSA))
    assert other_type == Changed(path, 2, fingerprint(key(RSA)), fingerprint(key(EC)))


def test_one_of_several_keys_is_enough(known: Callable[..., KnownHosts]) -> None:
    hosts = known(f"good.example {text(key())}", f"good.example {text(key(ED, 1))}", f"good.example {text(key(RSA))}")
    for at, blob in enumerate((key(), key(ED, 1), key(RSA)), 1):
        verdict = hosts.check(["good.example"], 22, key_type(blob), blob)
        assert isinstance(verdict, Known) and verdict.line == at


def test_the_name_of_the_algorithm_says_nothing_about_an_rsa_key(known: Callable[..., KnownHosts]) -> None:
    hosts = known(f"good.example {text(key(RSA))}")
    assert isinstance(hosts.check(["good.example"], 22, "rsa-sha2-512", key(RSA)), Known)
    assert isinstance(hosts.check(["good.example"], 22, "rsa-sha2-512", key(RSA, 8)), Changed)


def test_a_line_without_port_counts_only_with_the_very_key(known: Callable[..., KnownHosts]) -> None:
    hosts = known(f"good.example {text(key())}")
    assert isinstance(hosts.check(["good.example"], 2222, ED, key()), Known)
    assert isinstance(hosts.check(["good.example"], 2222, ED, key(ED, 1)), Unknown)
    hosts = known(f"good.example {text(key())}", f"[good.example]:2222 {text(key(ED, 1))}")
    assert isinstance(hosts.check(["good.example"], 2222, ED, key()), Changed)
    assert isinstance(hosts.check(["good.example"], 22, ED, key(ED, 1)), Changed)


def test_an_alias_has_no_port(known: Callable[..., KnownHosts]) -> None:
    hosts = known(f"the-alias {text(key())}")
    assert isinstance(hosts.check(["the-alias"], None, ED, key()), Known)
    assert isinstance(hosts.check(["good.example"], 2222, ED, key()), Unknown)


def test_a_revoked_key_is_revoked_whatever_else_is_there(known: Callable[..., KnownHosts], tmp_path: Path) -> None:
    hosts = known(f"good.example {text(key())}", f"@revoked *.example {text(key())}", f"evil.test {text(key())}")
    revoked = Revoked(str(tmp_path / "known_hosts"), 2, fingerprint(key()))
    assert hosts.check(["good.example"], 22, ED, key()) == revoked
    assert hosts.check(["good.example"], 2222, ED, key()) == revoked
    assert isinstance(hosts.check(["evil.test"], 22, ED, key()), Known)
    assert isinstance(hosts.check(["good.example"], 22, ED, key(ED, 1)), Changed)


def test_an_authority_is_no_key_of_the_host(known: Callable[..., KnownHosts]) -> None:
    hosts = known(f"@cert-authority good.example {text(key())}")
    assert isinstance(hosts.check(["good.example"], 22, ED, key()), Unknown)
    assert hosts.key_types_for(["good.example"], 22) == ()


def test_several_files_count_together(tmp_path: Path) -> None:
    for at in range(2):
        (tmp_path / f"file{at}").write_text(f"good.example {text(key(ED, at))}\n")
    hosts = KnownHosts.load([str(tmp_path / name) for name in ("file0", "missing", "file1")])
    verdict = hosts.check(["good.example"], 22, ED, key(ED, 1))
    assert verdict == Known(str(tmp_path / "file1"), 1)
    assert not hosts.notes


def test_a_file_that_cannot_be_read_is_noted(tmp_path: Path) -> None:
    (tmp_path / "file").write_text(f"good.example {text(key())}\n")
    hosts = KnownHosts.load([str(tmp_path), str(tmp_path / "file"), "\0"])
    assert isinstance(hosts.check(["good.example"], 22, ED, key()), Known)
    assert len(hosts.notes) == 2 and str(tmp_path) in hosts.notes[0]


BAD = [
    b"good.example",
    b"good.example ssh-ed25519",
    b"good.example ssh-ed25519 %%%",
    b"good.example ssh-ed25519 AAAA",
    b"good.example ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==",
    b"good.example ssh-rsa " + text(key()).split(" ")[1].encode(),
    b"good.example ssh-dss AAAAB3NzaC1kc3M=",
    b"good.example 1024 35 1234567890",
    b"good.example # ssh-ed25519",
    b"|1|AAAA|AAAA " + text(key()).encode(),
    b"|2|a|b " + text(key()).encode(),
    b"@unknown good.example " + text(key()).encode(),
    b"@revoked @cert-authority good.example " + text(key()).encode(),
    b"@cert-authority",
    b"@",
    b"good.example\0 " + text(key()).encode(),
    b"\xff\xfe\x00",
]


@pytest.mark.parametrize("line", BAD, ids=range(len(BAD)))
def test_a_bad_line_costs_only_itself(line: bytes, known: Callable[..., KnownHosts], tmp_path: Path) -> None:
    hosts = known(line, b"good.example " + text(key(EC)).encode() + b" \xff\xfe comment\r")
    verdict = hosts.check(["good.example"], 22, EC, key(EC))
    assert isinstance(verdict, Known) and verdict.line == 2
    assert isinstance(hosts.check(["evil.example"], 22, ED, key()), Unknown)
    assert len(hosts.notes) == 1 and "known_hosts', line 1 is skipped" in hosts.notes[0]
    if b"\0" not in line:
        assert [line for line, _, _ in found_by_keygen(tmp_path / "known_hosts", "good.example")] == [2]


def test_blanks_and_comments_are_no_bad_lines(known: Callable[..., KnownHosts]) -> None:
    hosts = known("", "  \t", "# x", "  # y", f"\t good.example \t {text(key()).replace(' ', '  ')}\tme and you\r")
    assert isinstance(hosts.check(["good.example"], 22, ED, key()), Known)
    assert not hosts.notes


def test_what_is_known_is_asked_for_first(known: Callable[..., KnownHosts]) -> None:
    hosts = known(f"good.example {text(key(RSA))}", f"[x.example]:33 {text(key(EC))}", f"y.example {text(key(EC))}")
    assert hosts.key_types_for(["good.example"], 22) == (RSA,)
    assert hosts.ordered(ALGORITHMS, ["good.example"], 22)[:2] == ("rsa-sha2-512", "rsa-sha2-256")
    assert hosts.ordered(ALGORITHMS, ["x.example"], 33)[0] == EC
    assert hosts.ordered(ALGORITHMS, ["y.example"], 33)[0] == EC, "a line without port could still fit"
    assert hosts.ordered(ALGORITHMS, ["new.example"], 22) == (*ALGORITHMS[2:], *ALGORITHMS[:2])


def test_certificates_are_asked_for_where_an_authority_is_known(known: Callable[..., KnownHosts]) -> None:
    hosts = known(f"good.example {text(key(RSA))}", f"@cert-authority *.example {text(key())}")
    order = hosts.ordered(ALGORITHMS, ["good.example"], 22)
    assert order == (*ALGORITHMS[:2], "rsa-sha2-512", "rsa-sha2-256", "ssh-ed25519", "ecdsa-sha2-nistp256")


def test_a_list_of_revoked_keys(tmp_path: Path, known: Callable[..., KnownHosts]) -> None:
    known(f"good.example {text(key())}")
    (tmp_path / "gone").write_text(f"# lost\n\n{text(key())} comment\n")
    hosts = KnownHosts.load([str(tmp_path / "known_hosts")], revoked=str(tmp_path / "gone"))
    assert hosts.check(["good.example"], 22, ED, key()) == Revoked(str(tmp_path / "gone"), 3, fingerprint(key()))


@pytest.mark.parametrize("content", [None, b"SSHKRL\n\0\0\0\0\1", b"ssh-ed25519", b"ssh-ed25519 AAAA", b"@@"])
def test_a_list_of_revoked_keys_that_cannot_be_read_is_an_error(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "gone").write_bytes(content)
    with pytest.raises(KnownHostsError, match="gone"):
        load_revoked(str(tmp_path / "gone"))


@pytest.mark.parametrize("hash_names", [False, True])
def test_ssh_keygen_finds_the_lines_that_we_write(hash_names: bool, tmp_path: Path) -> None:
    path = tmp_path / "new/known_hosts"
    wanted: list[tuple[str, int | None, bytes]] = [
        ("Good.Example", 22, key()),
        ("good.example", 2222, key(EC)),
        ("::1", 22, key(RSA)),
        ("::1", 33, key(ED, 1)),
        ("alias", None, key(ED, 2)),
    ]
    for host, port, blob in wanted:
        append(str(path), host, port, blob, hash_names=hash_names)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert (b"example" in path.read_bytes()) != hash_names
    hosts = KnownHosts.load([str(path)])
    for at, (host, port, blob) in enumerate(wanted, 1):
        assert found_by_keygen(path, place(host, port)) == [(at, "", fingerprint(blob))]
        assert hosts.check([host], port, key_type(blob), blob) == Known(str(path), at)


def test_what_was_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    before = f"# mine\n@cert-authority *.example {text(key(EC))}\nbad line\nlast.example {text(key(RSA))}".encode()
    path.write_bytes(before)
    path.chmod(0o640)
    append(str(path), "good.example", 22, key(), hash_names=False)
    assert path.read_bytes() == before + f"\ngood.example {text(key())}\n".encode()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_symbolic_link_stays(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("real")
    append(str(tmp_path / "link"), "good.example", 22, key(), hash_names=False)
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_text().startswith("good.example ")


def test_many_processes_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    program = f"""if True:
        import sys
        from git_helper.git.ssh.known_hosts import append
        print("ready", flush=True)
        sys.stdin.readline()
        for at in range(300):
            append({str(path)!r}, f"h{{sys.argv[1]}}-{{at}}.example", 22, {key()!r}, hash_names=False)
    """
    argv = [sys.executable, "-c", program]
    writers = [
        subprocess.Popen([*argv, str(at)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for at in range(4)
    ]
    for writer in writers:
        assert writer.stdout is not None and writer.stdout.readline() == b"ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(b"go\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    entries, bad = parse(str(path), path.read_bytes())
    assert not bad
    assert {entry.hosts for entry in entries} == {f"h{who}-{at}.example" for who in range(4) for at in range(300)}


@pytest.mark.parametrize("host", ["*", "a,b", "!a", "a b", "a\nb", "#a", "@revoked", "|1|a", "", "-a", "?", "a\0"])
def test_a_host_that_would_be_a_pattern_is_not_written(host: str, tmp_path: Path) -> None:
    with pytest.raises(KnownHostsError):
        append(str(tmp_path / "known_hosts"), host, 22, key(), hash_names=False)
    assert not (tmp_path / "known_hosts").exists()


def test_what_is_no_key_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(KnownHostsError):
        append(str(tmp_path / "known_hosts"), "good.example", 22, b"\0\0\0\x03abc", hash_names=False)
    assert not (tmp_path / "known_hosts").exists()


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="known_hosts"):
        (tmp_path / "known_hosts").mkdir()
        append(str(tmp_path / "known_hosts"), "good.example", 22, key(), hash_names=False)


KNOWN, UNKNOWN = Known("/f", 1), Unknown("SHA256:x")
CHANGED, REVOKED = Changed("/f", 7, "SHA256:new", "SHA256:old"), Revoked("/f", 8, "SHA256:x")


@pytest.mark.parametrize("strict", ["yes", "ask", "accept-new", "no", "unheard-of"])
@pytest.mark.parametrize("can_ask", [True, False])
def test_what_strict_host_key_checking_does(strict: str, can_ask: bool) -> None:
    assert action(KNOWN, strict, can_ask=can_ask) is Action.TRUST
    assert action(CHANGED, strict, can_ask=can_ask) is Action.REFUSE
    assert action(REVOKED, strict, can_ask=can_ask) is Action.REFUSE
    unknown = {
        "yes": Action.REFUSE,
        "ask": Action.ASK if can_ask else Action.REFUSE,
        "accept-new": Action.ADD,
        "no": Action.ADD,
        "unheard-of": Action.REFUSE,
    }
    assert action(UNKNOWN, strict, can_ask=can_ask) is unknown[strict]


def test_a_refusal_says_where_and_what() -> None:
    changed = refusal(CHANGED, "Good.Example", 2222, ED)
    assert isinstance(changed, Unreachable)
    assert "'[good.example]:2222'" in changed.message and "'/f', line 7" in changed.message
    assert "SHA256:new" in changed.message and "SHA256:old" in changed.message
    assert "ssh-keygen -f '/f' -R '[good.example]:2222'" in (changed.hint or "")
    revoked = refusal(REVOKED, "good.example", 22, ED)
    assert "revoked ('/f', line 8)" in revoked.message
    unknown = refusal(Unknown("SHA256:x", "no line trusts its authority"), "good.example", 22, ED)
    assert "SHA256:x is unknown (no line trusts its authority)" in unknown.message
    assert (unknown.hint or "").endswith("ssh -p 22 good.example")


@given(
    st.binary(max_size=300) | st.lists(st.sampled_from([*BAD, b" ", b"\t", b"\n", b"@revoked ", b"|1|"])).map(b"".join)
)
def test_any_file_is_read(content: bytes) -> None:
    entries, bad = parse("/f", content)
    assert len(entries) + len(bad) <= content.count(b"\n") + 1
    hosts = KnownHosts(entries)
    assert isinstance(hosts.check(["host.example"], 22, ED, key()), Unknown | Changed | Known | Revoked)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_key_or_are_refused(blob: bytes) -> None:
    try:
        assert key_type(blob)
    except Malformed:
        assert fingerprint(blob).startswith("SHA256:")
