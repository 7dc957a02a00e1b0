"""Trust: closed unless the certificate is right, and the cause is named."""

from __future__ import annotations

import datetime
import socket
import ssl
from pathlib import Path

import pytest
import trustme

from git_helper.core.credential import Origin
from git_helper.errors import Unreachable, UsageError
from git_helper.net import tls
from git_helper.net.session import Request
from tests.net.asked import CANARY, session
from tests.servers.recording import RecordingServer

YESTERDAY = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
TOMORROW = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> Path:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return tmp_path / "ca.pem"


def served(certificate: trustme.LeafCert) -> RecordingServer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return RecordingServer(tls=context)


def failure(server: RecordingServer, environ: dict[str, str], host: str = "127.0.0.1") -> Unreachable:
    url = f"https://{host}:{server.port}/"
    with session(context_for=tls.contexts(environ)) as one, pytest.raises(Unreachable) as caught:
        one.send(Request("GET", url, {"X": CANARY}))
    assert server.requests == [], "nothing was said"
    assert caught.value.message.startswith(f"cannot trust '{url}': ")
    assert caught.value.exit_code == 5
    return caught.value


def test_an_authority_of_ones_own(authority: trustme.CA, bundle: Path) -> None:
    context_for = tls.contexts({"SSL_CERT_FILE": str(bundle)})
    with served(authority.issue_cert("127.0.0.1", "localhost")) as server, session(context_for=context_for) as one:
        for host in ("127.0.0.1", "localhost"):
            assert one.send(Request("GET", f"https://{host}:{server.port}/")).status == 200


@pytest.mark.parametrize("environ", [{}, {"SSL_CERT_FILE": ""}])
def test_mozilla_does_not_know_it(authority: trustme.CA, environ: dict[str, str]) -> None:
    with served(authority.issue_cert("127.0.0.1")) as server:
        error = failure(server, environ)
    assert "unknown authority" in error.message
    assert error.hint == "name the authority's certificate: export SSL_CERT_FILE=FILE"


def test_a_file_replaces_the_roots(bundle: Path) -> None:
    made = tls.context({"SSL_CERT_FILE": str(bundle)})
    assert len(made.get_ca_certs()) == 1
    assert len(tls.context({}).get_ca_certs()) > 50


@pytest.mark.parametrize(
    ("expired", "says"), [(True, "its certificate has expired"), (False, "its certificate is not yet valid")]
)
def test_time(authority: trustme.CA, bundle: Path, expired: bool, says: str) -> None:
    times = {"not_after": YESTERDAY} if expired else {"not_before": TOMORROW}
    with served(authority.issue_cert("127.0.0.1", **times)) as server:  # type: ignore[arg-type]
        assert says in failure(server, {"SSL_CERT_FILE": str(bundle)}).message


@pytest.mark.parametrize(("name", "host"), [("localhost", "127.0.0.1"), ("127.0.0.1", "localhost")])
def test_another_host(authority: trustme.CA, bundle: Path, name: str, host: str) -> None:
    with served(authority.issue_cert(name)) as server:
        assert "its certificate is for another host" in failure(server, {"SSL_CERT_FILE": str(bundle)}, host).message


def test_the_common_name_does_not_count(authority: trustme.CA, bundle: Path) -> None:
    with served(authority.issue_cert(common_name="localhost")) as server:
        assert "another host" in failure(server, {"SSL_CERT_FILE": str(bundle)}, "localhost").message


def test_a_server_without_tls() -> None:
    with RecordingServer() as server:
        assert "does not speak TLS" in failure(server, {}).message


def test_a_server_of_yesterday(authority: trustme.CA, bundle: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    made = tls.context({"SSL_CERT_FILE": str(bundle)})
    assert made.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert (made.verify_mode, made.check_hostname) == (ssl.CERT_REQUIRED, True)
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with RecordingServer(tls=context) as server:
        door, says = session(context_for=lambda _: made), r"does not speak TLS 1\.2 or newer"
        with door as one, pytest.raises(Unreachable, match=says):
            one.send(Request("GET", server.url))


def test_a_server_that_asks_for_a_certificate(authority: trustme.CA, bundle: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    environ = {"SSL_CERT_FILE": str(bundle)}
    with RecordingServer(tls=context) as server, session(context_for=tls.contexts(environ)) as one:
        with pytest.raises(Unreachable):
            one.send(Request("GET", server.url))
        assert server.requests == []


def test_a_handshake_that_hangs() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        door, says = session(timeout=0.3, context_for=tls.contexts({})), r"no answer within 0\.3 seconds"
        with door as one, pytest.raises(Unreachable, match=says):
            one.send(Request("GET", f"https://127.0.0.1:{port}/"))


@pytest.mark.parametrize("content", [None, b"", b"no certificate", b"\x30\x82\x01\x0a"])
def test_a_file_that_cannot_serve(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    context_for = tls.contexts({"SSL_CERT_FILE": str(path)})
    with session(context_for=context_for) as one, pytest.raises(UsageError, match=r"ca\.pem"):
        one.send(Request("GET", "https://good.example/"))
    with pytest.raises(UsageError):
        tls.context({"SSL_CERT_FILE": str(tmp_path)})


def test_http_needs_no_trust(tmp_path: Path) -> None:
    with RecordingServer() as server, session(context_for=tls.contexts({"SSL_CERT_FILE": str(tmp_path)})) as one:
        assert one.send(Request("GET", server.url)).status == 200


def test_the_roots_are_read_once() -> None:
    context_for = tls.contexts({})
    assert context_for(Origin(b"https", b"a", 443)) is context_for(Origin(b"https", b"b", 443))
