"""SOCKS proxies: what they are asked for, who looks names up, and how their refusals are told."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
import trustme

from git_helper.errors import NoCredential, Unreachable
from git_helper.net.proxy import Proxy
from git_helper.net.session import Request
from git_helper.secret import Secret
from tests.net.asked import CANARY, session
from tests.net.tunnel import SocksProxy
from tests.servers.recording import RecordingServer


def proxy_of(server: SocksProxy, scheme: str, user: str | None = None, password: str | None = None) -> Proxy:
    name = None if user is None else user.encode()
    return Proxy(scheme, "127.0.0.1", server.port, name, None if password is None else Secret(password.encode()))


def refused(proxy: Proxy, url: str) -> str:
    with session(proxy_for=lambda _: proxy) as one, pytest.raises(NoCredential) as caught:
        one.send(Request("GET", url))
    return caught.value.message


def failure(proxy: Proxy, url: str = "http://127.0.0.1:9/", timeout: float = 10) -> str:
    with session(timeout=timeout, proxy_for=lambda _: proxy) as one, pytest.raises(Unreachable) as caught:
        one.send(Request("GET", url))
    assert CANARY not in f"{caught.value} {caught.value.hint} {caught.value.__cause__!r}"
    return caught.value.message


@contextmanager
def answering(text: bytes) -> Iterator[int]:
    """The port of somebody who says this to the first who comes, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            client, _ = listener.accept()
            with client:
                client.recv(1 << 10)
                client.sendall(text)

        thread = threading.Thread(target=answer)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)


@pytest.mark.parametrize("scheme", ["socks5h", "socks4a"])
def test_the_proxy_looks_names_up(scheme: str) -> None:
    with SocksProxy() as server, RecordingServer() as target:
        with session(proxy_for=lambda _: proxy_of(server, scheme)) as one:
            one.send(Request("GET", f"http://localhost:{target.port}/x")).read()
        assert server.places == [f"localhost:{target.port}"]
    assert [request.headers["host"] for request in target.requests] == [f"localhost:{target.port}"]


@pytest.mark.parametrize("scheme", ["socks5", "socks4"])
def test_we_look_names_up(scheme: str) -> None:
    with SocksProxy(refuse=["::1"]) as server, RecordingServer() as target:
        with session(proxy_for=lambda _: proxy_of(server, scheme)) as one:
            one.send(Request("GET", f"http://localhost:{target.port}/x")).read()
        assert server.places[-1] == f"127.0.0.1:{target.port}"
        assert b"localhost" not in server.said


def test_the_next_address_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """`localhost` is often ::1 first, and nobody listens there."""
    look_up = socket.getaddrinfo

    def two(host: str, *words: Any) -> Any:
        if host != "two.example":
            return look_up(host, *words)
        return look_up("127.0.0.9", *words) + look_up("127.0.0.1", *words)

    monkeypatch.setattr(socket, "getaddrinfo", two)
    with SocksProxy(refuse=["127.0.0.9"]) as server, RecordingServer() as target:
        with session(proxy_for=lambda _: proxy_of(server, "socks5")) as one:
            one.send(Request("GET", f"http://two.example:{target.port}/")).read()
        assert server.places == [f"127.0.0.9:{target.port}", f"127.0.0.1:{target.port}"]
    with SocksProxy("u:p") as server:
        assert "it wants a user name and password" in refused(proxy_of(server, "socks5"), "http://two.example:9/")
        assert server.said.count(b"\x05") == 1, "who is not let in knocks once"


def test_tls_goes_through() -> None:
    authority, client = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(client)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with SocksProxy("u:p") as server, RecordingServer(tls=context) as target:
        proxy = proxy_of(server, "socks5h", "u", "p")
        with session(context_for=lambda _: client, proxy_for=lambda _: proxy) as one:
            own = Request("GET", f"https://localhost:{target.port}/", username=b"alice", password=Secret(b"origin"))
            one.send(own).read()
            one.send(own).read()
        assert server.places == [f"localhost:{target.port}"], "one connection for both"
        assert server.users == ["u:p"]
        assert b"origin" not in server.said
    assert target.exchanges == [("alice:origin", 200)] * 2


def test_a_long_password_arrives_whole() -> None:
    """A length of 128 and more is one byte, too."""
    password = CANARY.ljust(255, "x")
    with SocksProxy(f"u:{password}") as server, RecordingServer() as target:
        with session(proxy_for=lambda _: proxy_of(server, "socks5", "u", password)) as one:
            one.send(Request("GET", target.url)).read()
        assert server.users == [f"u:{password}"]


def test_version_4_gets_the_user_name() -> None:
    with SocksProxy() as server, RecordingServer() as target:
        with session(proxy_for=lambda _: proxy_of(server, "socks4", "ada", CANARY)) as one:
            one.send(Request("GET", target.url)).read()
        assert server.users == ["ada"]
        assert CANARY.encode() not in server.said


@pytest.mark.parametrize(
    ("scheme", "says"), [("socks5", "connection refused"), ("socks5h", "connection refused"), ("socks4", "it failed")]
)
def test_what_the_proxy_cannot_reach(scheme: str, says: str) -> None:
    with SocksProxy(refuse=["127.0.0.1"]) as server:
        proxy = proxy_of(server, scheme)
        assert failure(proxy) == f"the proxy '{proxy.url}' refuses the way to 'http://127.0.0.1:9/': {says}"


def test_a_name_that_nobody_knows() -> None:
    with SocksProxy() as server:
        message = failure(proxy_of(server, "socks5"), "http://nowhere.invalid/")
        assert message.endswith(f"through the proxy 'socks5://127.0.0.1:{server.port}': its host is not known")
        assert server.places == []


def test_version_4_and_ipv6() -> None:
    with SocksProxy() as server:
        assert "SOCKS 4 knows no IPv6 addresses" in failure(proxy_of(server, "socks4"), "http://[::1]:9/")


def test_a_proxy_that_speaks_something_else() -> None:
    with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        assert failure(Proxy("socks5", "127.0.0.1", port)).endswith(": it does not speak SOCKS 5")


def test_a_proxy_that_is_not_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = Proxy("socks5", "127.0.0.1", listener.getsockname()[1])
    assert failure(proxy) == (
        f"cannot reach the proxy '{proxy.url}' on the way to 'http://127.0.0.1:9/': connection refused"
    )


def test_a_proxy_without_an_address() -> None:
    message = failure(Proxy("socks5", "nowhere.invalid", 1))
    assert message.startswith("cannot reach the proxy 'socks5://nowhere.invalid:1' on the way to ")
    assert message.endswith(": its host is not known")


def test_a_proxy_that_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = Proxy("socks5", "127.0.0.1", listener.getsockname()[1])
        assert "no answer within 0.3 seconds" in failure(proxy, timeout=0.3)


def test_a_proxy_that_drips() -> None:
    """One limit holds for all of the conversation, however many bytes come."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            client, _ = listener.accept()
            with client, suppress(OSError):
                client.recv(3)
                for byte in b"\x05\x00\x05\x00\x00\x03\xff" + bytes(30):
                    client.sendall(bytes([byte]))
                    threading.Event().wait(0.05)

        thread = threading.Thread(target=drip)
        thread.start()
        proxy = Proxy("socks5", "127.0.0.1", listener.getsockname()[1])
        assert "no answer within 0.5 seconds" in failure(proxy, timeout=0.5)
        thread.join(10)


def test_a_proxy_that_hangs_up() -> None:
    with answering(b"\x05") as port:
        assert failure(Proxy("socks5", "127.0.0.1", port)).endswith(": it closed the connection")
