"""Every hop is decided anew: hosts that are not verified, two authorities in one command, redirects between them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme

from git_helper.errors import Unreachable
from git_helper.net.proxy import Proxy
from git_helper.net.session import Request
from git_helper.net.target import Target
from git_helper.net.tls import Contexts
from git_helper.secret import Secret
from tests.net.asked import Sources, basic, session
from tests.net.trusting import contexts, served, server_context
from tests.net.tunnel import TunnelProxy
from tests.servers.http_message import Request as Received
from tests.servers.http_message import Response
from tests.servers.recording import Answer, RecordingServer
from tests.servers.rules import Realm


@pytest.fixture(scope="module")
def authorities() -> tuple[trustme.CA, trustme.CA]:
    return trustme.CA(), trustme.CA()


@pytest.fixture
def servers(authorities: tuple[trustme.CA, trustme.CA]) -> Iterator[tuple[RecordingServer, RecordingServer]]:
    """Two servers of two authorities; both answer as localhost and as 127.0.0.1."""
    with ExitStack() as stack:
        one, other = (
            stack.enter_context(served(authority.issue_cert("localhost", "127.0.0.1"))) for authority in authorities
        )
        yield one, other


@pytest.fixture
def bundle(authorities: tuple[trustme.CA, trustme.CA], tmp_path: Path) -> str:
    """Of the first authority only."""
    authorities[0].cert_pem.write_to_path(tmp_path / "ca.pem")
    return str(tmp_path / "ca.pem")


def redirect(server: RecordingServer, location: str) -> None:
    server.script = lambda request: (302, {"Location": location}, b"")


def get(context_for: Contexts, url: str) -> int:
    with session(context_for=context_for) as one:
        return one.send(Request("GET", url)).status


def test_two_authorities_in_one_command(
    servers: tuple[RecordingServer, RecordingServer], authorities: tuple[trustme.CA, trustme.CA], tmp_path: Path
) -> None:
    urls = [f"https://localhost:{server.port}/" for server in servers]
    paths = [str(tmp_path / "one.pem"), str(tmp_path / "other.pem")]
    for path, authority in zip(paths, authorities, strict=True):
        authority.cert_pem.write_to_path(path)
    right, wrong = (dict(zip(urls, order, strict=True)) for order in (paths, reversed(paths)))
    with session(context_for=contexts(None, lambda name, url: right[url] if name == "sslCAInfo" else None)) as one:
        for url in (*urls, *urls):
            assert one.send(Request("GET", url)).status == 200
    with pytest.raises(Unreachable, match="unknown authority"):
        get(contexts(None, lambda name, url: wrong[url] if name == "sslCAInfo" else None), urls[0])


def test_a_host_that_is_not_verified(servers: tuple[RecordingServer, RecordingServer]) -> None:
    warnings: list[str] = []
    context_for = contexts(insecure=["localhost"], warnings=warnings)
    with session(context_for=context_for) as one:
        for _ in range(2):
            assert one.send(Request("GET", f"https://localhost:{servers[1].port}/")).status == 200
        assert one.send(Request("GET", f"https://localhost:{servers[0].port}/")).status == 200
        with pytest.raises(Unreachable, match="unknown authority"):
            one.send(Request("GET", f"https://127.0.0.1:{servers[1].port}/"))
    said = "the certificate of 'localhost:{}' is not verified (--allow-insecure-host: localhost)"
    assert warnings == [said.format(server.port) for server in reversed(servers)]


def test_ins_024_from_a_host_that_is_not_verified_to_one_that_is(
    servers: tuple[RecordingServer, RecordingServer],
) -> None:
    one, other = servers
    redirect(one, f"https://127.0.0.1:{other.port}/")
    with pytest.raises(Unreachable, match=rf"cannot trust 'https://127\.0\.0\.1:{other.port}/': .* unknown authority"):
        get(contexts(insecure=["localhost"]), f"https://localhost:{one.port}/")
    assert len(one.requests) == 1
    assert other.requests == []


def test_ins_025_from_a_host_that_is_verified_to_one_that_is_not(
    servers: tuple[RecordingServer, RecordingServer], bundle: str
) -> None:
    one, other = servers
    redirect(one, f"https://127.0.0.1:{other.port}/")
    assert get(contexts(cert=bundle, insecure=["127.0.0.1"]), f"https://localhost:{one.port}/") == 200
    with pytest.raises(Unreachable, match=rf"cannot trust 'https://127\.0\.0\.1:{other.port}/'"):
        get(contexts(cert=bundle), f"https://localhost:{one.port}/")
    assert len(other.requests) == 1


def test_there_and_back_again(servers: tuple[RecordingServer, RecordingServer], bundle: str) -> None:
    """A password of the trusted host does not go where nothing is verified, and that host's answer gives none back."""
    one, other = servers
    realm = Realm("/", [("u", "p")])

    def first(request: Received) -> Answer:
        if realm.admit(request) is None:
            return realm.refuse(request)
        return (302, {"Location": f"https://127.0.0.1:{other.port}/b"}, b"") if request.path == "/a" else Response()

    one.script = first
    redirect(other, f"https://localhost:{one.port}/c")
    context_for = contexts(cert=bundle, insecure=[f"127.0.0.1:{other.port}"])
    with session(Sources(basic("u", "p")), context_for=context_for) as client:
        assert client.send(Request("GET", f"https://localhost:{one.port}/a")).status == 200
    assert other.authorizations == []
    assert [request.path for request in one.requests if request.authorization] == ["/a", "/c"]


def test_connections_without_verification_serve_nobody_else(
    servers: tuple[RecordingServer, RecordingServer],
) -> None:
    """The same host and port, trusted differently by its path, as git's configuration can say."""
    port = servers[0].port

    def git_http(variable: str, url: str) -> str | None:
        return "false" if variable == "sslVerify" and "/open/" in url else None

    with session(context_for=contexts(None, git_http)) as one:
        assert one.send(Request("GET", f"https://localhost:{port}/open/x")).status == 200
        with pytest.raises(Unreachable, match="unknown authority"):
            one.send(Request("GET", f"https://localhost:{port}/closed/x"))
    assert [request.path for request in servers[0].requests] == ["/open/x"]


def test_the_cause_is_named_through_a_proxy_too(servers: tuple[RecordingServer, RecordingServer]) -> None:
    """Looking at the certificate takes a second tunnel, in which nothing is said."""
    with TunnelProxy("u:p") as relay:
        way = Proxy("http", "127.0.0.1", relay.port).with_login(b"u", Secret(b"p"))
        door = session(Sources(basic("u", "p")), context_for=contexts(), proxy_for=lambda _: way)
        with door as one, pytest.raises(Unreachable, match="unknown authority 'Testing CA #"):
            one.send(Request("GET", f"https://localhost:{servers[0].port}/"))
        assert relay.lines == [f"CONNECT localhost:{servers[0].port}"] * 2
    assert servers[0].requests == []


def test_a_proxy_of_its_own_is_trusted_as_any_server(
    authorities: tuple[trustme.CA, trustme.CA], servers: tuple[RecordingServer, RecordingServer], bundle: str
) -> None:
    url = f"https://localhost:{servers[0].port}/"
    with TunnelProxy(tls=server_context(authorities[1].issue_cert("127.0.0.1"))) as relay:
        way = Proxy("https", "127.0.0.1", relay.port)
        door = session(context_for=contexts(cert=bundle), proxy_for=lambda _: way)
        with door as one, pytest.raises(Unreachable, match=f"{relay.port}.*unknown authority"):
            one.send(Request("GET", url))
        assert relay.lines == []
        with session(context_for=contexts(cert=bundle, insecure=["127.0.0.1"]), proxy_for=lambda _: way) as one:
            assert one.send(Request("GET", url)).status == 200
    assert len(servers[0].requests) == 1


def test_each_warning_comes_once(servers: tuple[RecordingServer, RecordingServer]) -> None:
    warnings: list[str] = []
    made = contexts(insecure=["*", "http://good.example"], warnings=warnings)
    for url in ("https://good.example/a", "https://good.example/b", "https://evil.example:8443/"):
        made(Target.parse(url))
    assert len(warnings) == len(set(warnings)) == 4
    assert [text for text in warnings if "evil.example:8443" in text]
