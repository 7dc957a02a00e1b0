"""Client certificates: shown where a server asks; the passphrase of a key is asked for by us or by nobody."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, load_pem_private_key, pkcs12

from git_helper.errors import GitHelperError, Unreachable, UsageError
from git_helper.net.session import Request
from git_helper.net.target import Target
from git_helper.net.tls import Contexts
from tests.net.asked import session
from tests.net.trusting import PASSPHRASE, Person, contexts, encrypted, server_context, status
from tests.servers.http_message import Request as Received
from tests.servers.http_message import Response
from tests.servers.recording import RecordingServer


class Club:
    """Servers that want certificates of their authority, and the certificate of a member in the forms that it may have."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = trustme.CA()
        self.environ = {"SSL_CERT_FILE": str(folder / "ca.pem")}
        self.authority.cert_pem.write_to_path(folder / "ca.pem")
        member = self.authority.create_child_ca().issue_cert("member.example")
        self.key = member.private_key_pem.bytes()
        self.chain = b"".join(pem.bytes() for pem in member.cert_chain_pems)

    def server(self, mode: ssl.VerifyMode = ssl.CERT_REQUIRED, *, newest: bool = True) -> RecordingServer:
        context = server_context(self.authority.issue_cert("127.0.0.1"))
        self.authority.configure_trust(context)
        context.verify_mode = mode
        if not newest:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        return RecordingServer(_who, tls=context)

    def file(self, name: str, *parts: bytes) -> str:
        path = self.folder / name
        path.write_bytes(b"".join(parts))
        return str(path)


def _who(request: Received) -> Response:
    return Response(200, body=b"in")


@pytest.fixture(scope="module")
def club(tmp_path_factory: pytest.TempPathFactory) -> Club:
    return Club(tmp_path_factory.mktemp("club"))


@pytest.fixture(params=[True, False], ids=["TLS 1.3", "TLS 1.2"])
def server(club: Club, request: pytest.FixtureRequest) -> Iterator[RecordingServer]:
    with club.server(newest=request.param) as one:
        yield one


def refused(context_for: Contexts) -> UsageError:
    with pytest.raises(UsageError) as caught:
        context_for(Target.parse("https://good.example/"))
    return caught.value


@pytest.mark.parametrize("order", ["certificate, key", "key, certificate", "certificate, key, between"])
def test_one_file_in_any_order(club: Club, server: RecordingServer, order: str) -> None:
    leaf, between = club.chain.split(b"-----END CERTIFICATE-----\n", 1)
    parts = {
        "certificate, key": [club.chain, club.key],
        "key, certificate": [club.key, club.chain],
        "certificate, key, between": [leaf, b"-----END CERTIFICATE-----\n", club.key, between],
    }
    environ = {**club.environ, "SSL_CLIENT_CERT": club.file("one.pem", *parts[order])}
    assert status(contexts(environ), server) == 200


def test_a_key_in_its_own_file(club: Club, server: RecordingServer) -> None:
    certificate, key = club.file("cert.pem", club.chain), club.file("key.pem", club.key)
    assert status(contexts(club.environ, client_cert=f"{certificate},{key}"), server) == 200
    assert status(contexts({**club.environ, "GIT_SSL_CERT": certificate, "GIT_SSL_KEY": key}), server) == 200
    assert status(contexts(club.environ, {"sslCert": certificate, "sslKey": key}), server) == 200
    both = club.file("both.pem", club.chain, club.key)
    assert status(contexts(club.environ, {"sslCert": both}), server) == 200, "as git, one file is enough"


def test_a_server_that_only_would_like_one(club: Club) -> None:
    with club.server(ssl.CERT_OPTIONAL) as server:
        assert status(contexts(club.environ), server) == 200


def unanswered(context_for: Contexts, server: RecordingServer) -> Unreachable:
    with session(context_for=context_for) as one, pytest.raises(Unreachable) as caught:
        one.send(Request("GET", server.url))
    assert server.requests == []
    return caught.value


def test_a_server_that_wants_one(club: Club, server: RecordingServer) -> None:
    for _ in range(10):  # sooner or later our request and its complaint cross
        error = unanswered(contexts(club.environ), server)
        assert re.search(r"wants a client certificate$", error.message)
        assert error.hint == "show a client certificate: --client-cert FILE[,KEY], or export SSL_CLIENT_CERT=FILE"


def test_a_server_that_hangs_up(club: Club) -> None:
    """After the handshake, without a word: whoever listens hears nothing either, and that is what is said."""
    context = server_context(club.authority.issue_cert("127.0.0.1"))

    def hang_up() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with suppress(OSError), context.wrap_socket(connection, server_side=True):
                    pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=hang_up)
        thread.start()
        with session(context_for=contexts(club.environ)) as one, pytest.raises(Unreachable) as caught:
            one.send(Request("GET", f"https://127.0.0.1:{listener.getsockname()[1]}/"))
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert "closed the" in caught.value.message
    assert "client certificate" not in caught.value.message


def test_one_of_another_authority(club: Club, server: RecordingServer) -> None:
    stranger = trustme.CA().issue_cert("stranger.example")
    path = club.file("stranger.pem", stranger.private_key_and_cert_chain_pem.bytes())
    error = unanswered(contexts({**club.environ, "SSL_CLIENT_CERT": path}), server)
    assert re.search(r"(refuses|may have refused) our client certificate '.*/stranger\.pem'", error.message)
    assert error.hint == "show another one: --client-cert FILE[,KEY]"


def test_the_key_of_another(club: Club) -> None:
    other = trustme.CA().issue_cert("other.example").private_key_pem.bytes()
    path = club.file("mixed.pem", club.chain, other)
    error = refused(contexts({"SSL_CLIENT_CERT": path}))
    assert error.message == (
        f"cannot use the client certificate '{path}' (SSL_CLIENT_CERT): the key belongs to another certificate"
    )


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "no such file or directory"),
        (b"", "there is no certificate in it"),
        ("chain", "there is no private key in it"),
        ("key", "there is no certificate in it"),
        ("pkcs12", "it is not PEM"),
        (b"-----BEGIN CERTIFICATE-----\nx\n-----BEGIN PRIVATE KEY-----\nx\n", "bad"),
    ],
)
def test_a_file_that_cannot_serve(club: Club, content: bytes | str | None, says: str) -> None:
    parts = {"chain": club.chain, "key": club.key, "pkcs12": _pkcs12(club)}
    name = club.file("bad.pem", parts[content] if isinstance(content, str) else content or b"")
    if content is None:
        Path(name).unlink()
    for setting, context_for in (
        ("SSL_CLIENT_CERT", contexts({"SSL_CLIENT_CERT": name})),
        ("--client-cert", contexts(client_cert=name)),
        ("http.sslCert", contexts(None, {"sslCert": name})),
    ):
        error = refused(context_for)
        assert error.message.startswith(f"cannot use the client certificate '{name}' ({setting}): ")
        assert says in error.message
        assert error.hint


def _pkcs12(club: Club) -> bytes:
    key = load_pem_private_key(club.key, None)
    return pkcs12.serialize_key_and_certificates(b"x", key, None, None, BestAvailableEncryption(b"x"))  # type: ignore[arg-type]


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("separate", [False, True])
def test_an_encrypted_key_is_opened_by_the_person(
    club: Club, server: RecordingServer, old: bool, separate: bool
) -> None:
    key = encrypted(club.key, old=old)
    named = club.file("locked.pem", key, club.chain)
    if separate:
        named = club.file("cert.pem", club.chain) + "," + club.file("locked.key", key)
    person = Person()
    context_for = contexts(club.environ, client_cert=named, person=person)
    assert status(context_for, server) == 200
    assert status(context_for, server) == 200
    assert person.asked == [named.rpartition(",")[2]]


def test_the_person_is_asked_once_for_each_file(club: Club) -> None:
    path, person = club.file("locked.pem", club.chain, encrypted(club.key)), Person()
    context_for = contexts(club.environ, insecure=["other.example"], client_cert=path, person=person)
    one, other = (context_for(Target.parse(f"https://{host}/")) for host in ("good.example", "other.example"))
    assert one is not other
    assert person.asked == [path]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (None, "its key is encrypted, and nobody can be asked"),
        ("wrong", "the passphrase is wrong"),
        ("", "the passphrase is wrong"),
    ],
)
def test_an_encrypted_key_that_stays_closed(club: Club, answer: str | None, says: str) -> None:
    path, person = club.file("locked.pem", club.chain, encrypted(club.key)), Person(answer)
    context_for = contexts({"SSL_CLIENT_CERT": path}, person=person)
    for _ in range(2):
        error = refused(context_for)
        assert says in error.message
        assert path in error.message
    assert person.asked == [path]


def test_a_passphrase_longer_than_any(club: Club) -> None:
    path = club.file("locked.pem", club.chain, encrypted(club.key))
    error = refused(contexts({"SSL_CLIENT_CERT": path}, person=Person("x" * 5000)))
    assert "as long as that" in error.message


def test_a_person_who_leaves(club: Club) -> None:
    class Leaver(Person):
        def __call__(self, path: str) -> None:
            raise GitHelperError("cancelled")

    path = club.file("locked.pem", club.chain, encrypted(club.key))
    with pytest.raises(GitHelperError, match="cancelled"):
        contexts({"SSL_CLIENT_CERT": path}, person=Leaver())(Target.parse("https://good.example/"))


def test_the_passphrase_is_in_no_message(club: Club) -> None:
    path = club.file("locked.pem", club.chain, encrypted(club.key))
    error = refused(contexts({"SSL_CLIENT_CERT": path}, person=Person(PASSPHRASE + "?")))
    assert PASSPHRASE not in f"{error.message} {error.hint} {error.__cause__!r}"
