"""Trust: closed unless the certificate is right, and the cause is named with the option that fits."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from git_helper.errors import Unreachable
from git_helper.net.session import Request
from git_helper.net.target import Target
from git_helper.net.tls import Glance
from tests.net.asked import session
from tests.net.trusting import (
    DAY,
    NOW,
    common_name,
    context_of,
    contexts,
    failure,
    new_key,
    served,
    server_context,
    signed,
    status,
)
from tests.servers.recording import RecordingServer


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA(organization_name="Lab Root CA", organization_unit_name="Lab")


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> str:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return str(tmp_path / "ca.pem")


def test_an_authority_of_ones_own(authority: trustme.CA, bundle: str) -> None:
    with served(authority.issue_cert("127.0.0.1", "localhost")) as server:
        for host in ("127.0.0.1", "localhost"):
            assert status(contexts({"SSL_CERT_FILE": bundle}), server, host) == 200


@pytest.mark.parametrize("environ", [{}, {"SSL_CERT_FILE": ""}])
def test_mozilla_does_not_know_it(authority: trustme.CA, environ: dict[str, str]) -> None:
    with served(authority.issue_cert("127.0.0.1")) as server:
        error = failure(server, contexts(environ))
    assert "its certificate is from an unknown authority 'Lab'" in error.message
    assert error.hint is not None
    assert "export SSL_CERT_FILE=FILE" in error.hint
    assert "--native-tls" in error.hint


def test_another_authority_than_the_one_in_the_file(authority: trustme.CA, tmp_path: Path) -> None:
    other = str(tmp_path / "other.pem")
    trustme.CA().cert_pem.write_to_path(other)
    with served(authority.issue_cert("127.0.0.1")) as server:
        error = failure(server, contexts(cert=other))
    assert "unknown authority 'Lab'" in error.message
    assert error.hint is not None
    assert f"only '{other}' (--cert) counts" in error.hint


def test_expired(authority: trustme.CA, bundle: str) -> None:
    with served(authority.issue_cert("127.0.0.1", not_after=NOW - DAY)) as server:
        error = failure(server, contexts({"SSL_CERT_FILE": bundle}))
    assert f"its certificate expired on {NOW - DAY:%Y-%m-%d %H:%M} UTC" in error.message


def test_an_authority_between_has_expired(authority: trustme.CA, bundle: str, tmp_path: Path) -> None:
    between, leaf, name = new_key(), new_key(), common_name("between")
    root = x509.load_pem_x509_certificate(authority.cert_pem.bytes()).subject
    root_key = load_pem_private_key(authority.private_key_pem.bytes(), None)
    assert isinstance(root_key, ec.EllipticCurvePrivateKey)
    chain = signed(common_name("x"), leaf, (name, between), names=["localhost"])
    chain += signed(name, between, (root, root_key), authority=True, until=NOW - DAY)
    with RecordingServer(tls=context_of(tmp_path, leaf, chain)) as server:
        message = failure(server, contexts({"SSL_CERT_FILE": bundle}), "localhost").message
    assert "a certificate between its own and the authority has expired" in message


def test_a_server_certificate_that_signs_another(authority: trustme.CA, bundle: str, tmp_path: Path) -> None:
    own = authority.issue_cert("good.example")
    own_key = load_pem_private_key(own.private_key_pem.bytes(), None)
    assert isinstance(own_key, ec.EllipticCurvePrivateKey)
    leaf, issuer = new_key(), x509.load_pem_x509_certificate(own.cert_chain_pems[0].bytes()).subject
    chain = signed(common_name("x"), leaf, (issuer, own_key), names=["localhost"]) + own.cert_chain_pems[0].bytes()
    with RecordingServer(tls=context_of(tmp_path, leaf, chain)) as server:
        message = failure(server, contexts({"SSL_CERT_FILE": bundle}), "localhost").message
    assert "its certificate was issued by one that is no authority" in message


def test_not_yet_valid(authority: trustme.CA, bundle: str) -> None:
    with served(authority.issue_cert("127.0.0.1", not_before=NOW + DAY, not_after=NOW + 2 * DAY)) as server:
        error = failure(server, contexts({"SSL_CERT_FILE": bundle}))
    assert f"its certificate is not valid before {NOW + DAY:%Y-%m-%d %H:%M} UTC" in error.message
    assert error.hint is not None
    assert "clock" in error.hint


@pytest.mark.parametrize(("name", "host"), [("localhost", "127.0.0.1"), ("127.0.0.1", "localhost")])
def test_another_host(authority: trustme.CA, bundle: str, name: str, host: str) -> None:
    with served(authority.issue_cert(name, "*.good.example")) as server:
        error = failure(server, contexts({"SSL_CERT_FILE": bundle}), host)
    assert f"its certificate is for another host: '{name}', '*.good.example'" in error.message


def test_many_and_long_and_hostile_names(authority: trustme.CA, bundle: str) -> None:
    names = [f"{'a' * 60}.{'b' * 60}.host{number}.example" for number in range(9)]
    with served(authority.issue_cert(*names)) as server:
        message = failure(server, contexts({"SSL_CERT_FILE": bundle})).message
    assert message.endswith(" and 4 more")
    assert len(message) < 700


def test_the_common_name_does_not_count(authority: trustme.CA, bundle: str) -> None:
    with served(authority.issue_cert(common_name="localhost")) as server:
        assert "names no host" in failure(server, contexts({"SSL_CERT_FILE": bundle}), "localhost").message


def test_a_subject_that_acts_on_terminals(tmp_path: Path) -> None:
    authority = trustme.CA(organization_name="x", organization_unit_name="evil\x1b[2J\nwarning: fine")
    with served(authority.issue_cert("127.0.0.1")) as server:
        message = failure(server, contexts()).message
    assert "unknown authority 'evil%1B[2J%0Awarning: fine'" in message


@pytest.mark.parametrize("is_authority", [False, True])
def test_a_self_signed_certificate(tmp_path: Path, is_authority: bool) -> None:
    key, name = new_key(), common_name("my test host")
    (tmp_path / "own.pem").write_bytes(signed(name, key, (name, key), names=["localhost"], authority=is_authority))
    with RecordingServer(tls=context_of(tmp_path, key, (tmp_path / "own.pem").read_bytes())) as server:
        error = failure(server, contexts(), "localhost")
        assert "its certificate is self-signed ('my test host')" in error.message
        assert error.hint is not None
        assert "name that certificate: export SSL_CERT_FILE=FILE" in error.hint
        trusting = contexts({"SSL_CERT_FILE": str(tmp_path / "own.pem")})
        assert "another host" in failure(server, trusting, "127.0.0.1").message
        assert status(trusting, server, "localhost") == 200


def test_an_intermediate_authority_that_is_left_out(authority: trustme.CA, bundle: str) -> None:
    certificate = authority.create_child_ca().issue_cert("127.0.0.1")
    trusting = contexts({"SSL_CERT_FILE": bundle})
    with served(certificate) as server:
        assert status(trusting, server) == 200
    with served(certificate, chain=False) as server:
        assert "or it leaves out what lies between" in failure(server, trusting).message


def test_the_certificate_of_a_server_is_no_authority(authority: trustme.CA, tmp_path: Path) -> None:
    certificate = authority.issue_cert("127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "leaf.pem")
    with served(certificate) as server:
        assert "unknown authority" in failure(server, contexts(cert=str(tmp_path / "leaf.pem"))).message


def test_an_intermediate_authority_alone_is_none(authority: trustme.CA, tmp_path: Path) -> None:
    child = authority.create_child_ca()
    child.cert_pem.write_to_path(tmp_path / "child.pem")
    with served(child.issue_cert("127.0.0.1")) as server:
        assert "unknown authority" in failure(server, contexts(cert=str(tmp_path / "child.pem"))).message


def test_a_server_without_tls() -> None:
    with RecordingServer() as server:
        error = failure(server, contexts())
    assert "it does not speak TLS at this port" in error.message
    assert error.hint is not None
    assert "http://" in error.hint


def test_a_server_of_yesterday(authority: trustme.CA, bundle: str) -> None:
    context = server_context(authority.issue_cert("127.0.0.1"))
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        context.minimum_version = ssl.TLSVersion.TLSv1_1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with RecordingServer(tls=context) as server:
        assert "does not speak TLS 1.2 or newer" in failure(server, contexts({"SSL_CERT_FILE": bundle})).message
        assert "does not speak TLS 1.2 or newer" in failure(server, contexts(insecure=["*"])).message


def test_every_context_is_as_strict_as_on_every_python(bundle: str) -> None:
    target = Target.parse("https://good.example/")
    ways: list[dict[str, Any]] = [{"cert": bundle}, {}, {"native_tls": True}, {"insecure": ["good.example"]}]
    for made in (*(contexts(**way)(target) for way in ways), Glance()):
        assert made.minimum_version == ssl.TLSVersion.TLSv1_2
        assert made.verify_flags == ssl.VerifyFlags.VERIFY_X509_TRUSTED_FIRST
        assert not made.hostname_checks_common_name
        assert made.check_hostname is (made.verify_mode == ssl.CERT_REQUIRED)
    verified = [contexts(**way)(target).verify_mode for way in ways]
    assert verified == [ssl.CERT_REQUIRED] * 3 + [ssl.CERT_NONE]


def test_a_handshake_that_hangs() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        door, says = session(timeout=0.3, context_for=contexts()), r"no answer within 0\.3 seconds"
        with door as one, pytest.raises(Unreachable, match=says):
            one.send(Request("GET", f"https://127.0.0.1:{port}/"))


def test_a_server_that_is_gone_when_it_is_looked_at(authority: trustme.CA) -> None:
    """The cause stays, only without the details."""
    context = server_context(authority.issue_cert("127.0.0.1"))
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def one_handshake() -> None:
            connection, _ = listener.accept()
            listener.close()
            with connection, pytest.raises(ssl.SSLError):
                context.wrap_socket(connection, server_side=True)

        thread = threading.Thread(target=one_handshake)
        thread.start()
        with session(context_for=contexts()) as one, pytest.raises(Unreachable) as caught:
            one.send(Request("GET", f"https://127.0.0.1:{listener.getsockname()[1]}/"))
        thread.join()
    assert "its certificate is from an unknown authority, or" in caught.value.message


def test_nothing_can_be_sent_where_we_only_look(authority: trustme.CA) -> None:
    glance = Glance()
    with served(authority.issue_cert("127.0.0.1")) as server:
        connection = socket.create_connection(("127.0.0.1", server.port))
        with connection, pytest.raises(ssl.SSLError, match="seen enough"):
            glance.wrap_socket(connection, server_hostname="127.0.0.1")
        with pytest.raises(ssl.SSLError, match="seen nothing"):
            glance.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO())
        assert glance.seen is not None
        assert server.requests == []


def test_one_context_for_equal_trust(bundle: str, tmp_path: Path) -> None:
    made = contexts({"SSL_CERT_FILE": bundle}, insecure=["evil.example"])
    one, other = Target.parse("https://one.example/"), Target.parse("https://other.example/a")
    assert made(one) is made(other)
    assert made(one) is not made(Target.parse("https://evil.example/"))


def test_http_needs_no_trust(tmp_path: Path) -> None:
    with RecordingServer() as server, session(context_for=contexts({"SSL_CERT_FILE": str(tmp_path)})) as one:
        assert one.send(Request("GET", server.url)).status == 200
