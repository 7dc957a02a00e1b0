"""Files and folders of authorities: those that serve, and those that cannot, with the setting that names them."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme

from git_helper.errors import UsageError
from git_helper.net.session import Request
from git_helper.net.target import Target
from git_helper.net.tls import Contexts
from tests.net.asked import session
from tests.net.trusting import contexts, failure, served, status
from tests.servers.recording import RecordingServer

GOOD = Target.parse("https://good.example/")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def pem(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


@pytest.fixture
def other(tmp_path: Path) -> Path:
    path = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(path)
    return path


def refused(context_for: Contexts) -> UsageError:
    """What is said before any server is asked."""
    with session(context_for=context_for) as one, pytest.raises(UsageError) as caught:
        one.send(Request("GET", "https://good.example/"))
    assert caught.value.exit_code == 2
    return caught.value


def count(context: ssl.SSLContext) -> int:
    return len(context.get_ca_certs())


def test_a_file_replaces_mozilla_and_the_rest(pem: Path, other: Path) -> None:
    assert count(contexts()(GOOD)) > 50
    assert count(contexts({"SSL_CERT_FILE": str(pem)})(GOOD)) == 1
    assert count(contexts({"SSL_CERT_FILE": str(pem), "GIT_SSL_CAINFO": str(other)}, native_tls=True)(GOOD)) == 1


@pytest.mark.parametrize("noise", [b"\xef\xbb\xbf# a comment\n\n", b"subject=/CN=x\r\n", b"\x00\xff"])
def test_what_stands_around_certificates(pem: Path, noise: bytes) -> None:
    pem.write_bytes(noise + pem.read_bytes().replace(b"\n", b"\r\n") + noise + pem.read_bytes())
    assert count(contexts(cert=str(pem))(GOOD)) == 1


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "no such file or directory"),
        (b"", "there is no certificate in it"),
        (b"no certificate", "there is no certificate in it"),
        (b"\x30\x82\x01\x0a", "it is not PEM but DER"),
        (b"-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n", "there is no certificate in it"),
        (b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", "a certificate in it is damaged"),
        (b"-----BEGIN CERTIFICATE-----\nM=I=\n-----END CERTIFICATE-----\n", "a certificate in it is damaged"),
    ],
)
@pytest.mark.parametrize(
    ("setting", "environ", "git"),
    [
        ("SSL_CERT_FILE", {"SSL_CERT_FILE": "{}"}, {}),
        ("GIT_SSL_CAINFO", {"GIT_SSL_CAINFO": "{}"}, {}),
        ("http.sslCAInfo", {}, {"sslCAInfo": "{}"}),
        ("--cert", {}, {}),
    ],
)
def test_a_file_that_cannot_serve(
    tmp_path: Path, content: bytes | None, says: str, setting: str, environ: dict[str, str], git: dict[str, str]
) -> None:
    path = tmp_path / "bad.pem"
    if content is not None:
        path.write_bytes(content)
    options: dict[str, Any] = {"cert": str(path)} if setting == "--cert" else {}
    filled = [{name: value.format(path) for name, value in part.items()} for part in (environ, git)]
    error = refused(contexts(*filled, **options))
    assert error.message.startswith(f"cannot read the certificates in '{path}' ({setting}): {says}")
    assert error.hint


def test_a_damaged_certificate_among_good_ones(pem: Path) -> None:
    pem.write_bytes(pem.read_bytes() + b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")
    assert "a certificate in it is damaged" in refused(contexts(cert=str(pem))).message


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert "it is no regular file" in refused(contexts({"SSL_CERT_FILE": str(tmp_path)})).message


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "it is no regular file" in refused(contexts({"SSL_CERT_FILE": str(tmp_path / "pipe")})).message


def test_a_path_through_a_file(pem: Path) -> None:
    assert "not a directory" in refused(contexts({"SSL_CERT_FILE": f"{pem}/x"})).message


def test_a_file_that_is_mended_is_read_anew(pem: Path) -> None:
    content = pem.read_bytes()
    pem.write_bytes(b"")
    context_for = contexts({"SSL_CERT_FILE": str(pem)})
    refused(context_for)
    pem.write_bytes(content)
    assert count(context_for(GOOD)) == 1


@pytest.mark.parametrize("name", ["anyname.pem", "no-suffix", "0a1b2c3d.0", ".hidden"])
@pytest.mark.parametrize("variable", ["SSL_CERT_DIR", "GIT_SSL_CAPATH"])
def test_a_folder_whatever_its_names(authority: trustme.CA, tmp_path: Path, name: str, variable: str) -> None:
    folder = tmp_path / "certificates"
    folder.mkdir()
    authority.cert_pem.write_to_path(folder / name)
    (folder / "README").write_text("about these")
    (folder / "subfolder").mkdir()
    (folder / "broken-link").symlink_to("nowhere")
    warnings: list[str] = []
    with served(authority.issue_cert("127.0.0.1")) as server:
        assert status(contexts({variable: str(folder)}, warnings=warnings), server) == 200
    assert warnings == []


def test_a_folder_of_links_as_openssl_makes_them(authority: trustme.CA, tmp_path: Path) -> None:
    (tmp_path / "real.crt").write_bytes(authority.cert_pem.bytes())
    (tmp_path / "a.0").symlink_to("real.crt")
    assert count(contexts({"SSL_CERT_DIR": str(tmp_path)})(GOOD)) == 1


def test_an_empty_folder_trusts_nobody_and_says_so(tmp_path: Path) -> None:
    error = refused(contexts({"SSL_CERT_DIR": str(tmp_path)}, native_tls=True))
    assert error.message == f"cannot trust any server: there is no certificate in '{tmp_path}' (SSL_CERT_DIR)"
    assert error.hint is not None
    assert "unset SSL_CERT_DIR" in error.hint


def test_a_folder_that_is_missing_is_warned_of_and_the_others_count(pem: Path, tmp_path: Path) -> None:
    folder, missing = tmp_path / "some", tmp_path / "missing"
    folder.mkdir()
    pem.rename(folder / "x")
    warnings: list[str] = []
    made = contexts({"SSL_CERT_DIR": f"{missing}:{folder}"}, warnings=warnings)
    assert count(made(GOOD)) == 1
    assert warnings == [f"the folder '{missing}' of SSL_CERT_DIR is passed over: no such file or directory"]
    assert "no certificate in" in refused(contexts({"SSL_CERT_DIR": str(missing)})).message


def test_a_damaged_file_of_a_folder_is_warned_of(pem: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "zzz"
    damaged.write_bytes(b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")
    warnings: list[str] = []
    assert count(contexts({"SSL_CERT_DIR": str(tmp_path)}, warnings=warnings)(GOOD)) == 1
    assert len(warnings) == 1
    assert warnings[0].startswith(f"'{damaged}' of SSL_CERT_DIR is passed over: ")


def test_a_file_and_a_folder_together(authority: trustme.CA, pem: Path, other: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    pem.rename(folder / "x")
    both = contexts({"SSL_CERT_FILE": str(other), "SSL_CERT_DIR": str(folder)})
    with served(authority.issue_cert("127.0.0.1")) as server:
        assert status(both, server) == 200
    assert count(both(GOOD)) == 2


def test_a_file_that_serves_needs_no_folder(pem: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    both = contexts({"SSL_CERT_FILE": str(pem), "SSL_CERT_DIR": str(tmp_path / "empty")})
    assert count(both(GOOD)) == 1


def test_the_system_decides(monkeypatch: pytest.MonkeyPatch, authority: trustme.CA, pem: Path) -> None:
    """OpenSSL's own places are the system here, and its own variable says where that is."""
    with served(authority.issue_cert("127.0.0.1")) as server:
        error = failure(server, contexts(native_tls=True))
        assert error.hint is not None
        assert "the system does not know it" in error.hint
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
        assert status(contexts(native_tls=True), server) == 200


def test_a_path_that_acts_on_terminals(tmp_path: Path) -> None:
    error = refused(contexts({"SSL_CERT_FILE": f"{tmp_path}/a\x1b[2J"}))
    assert "\x1b" not in error.message
    assert "%1B" in error.message


def test_http_reads_no_file() -> None:
    with RecordingServer() as server, session(context_for=contexts(cert="/nowhere", client_cert="/nowhere")) as one:
        assert one.send(Request("GET", server.url)).status == 200
