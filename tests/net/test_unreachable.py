"""No connection: what to look at next, said of servers and of proxies."""

from __future__ import annotations

import contextlib
import errno
import socket
import ssl

import pytest

from git_helper.core import unreachable
from git_helper.errors import Unreachable
from git_helper.net.failures import Wait
from git_helper.net.proxy import proxies
from git_helper.net.session import Request
from git_helper.net.target import Target
from git_helper.net.tunnel import ProxyRefusal
from tests.net.asked import session
from tests.servers.listener import Listener


def closed_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def failure(url: str) -> Unreachable:
    def context_for(target: Target) -> ssl.SSLContext:
        return ssl.create_default_context()

    with session(timeout=5, context_for=context_for) as one, pytest.raises(Unreachable) as caught:
        one.send(Request("GET", url)).read()
    return caught.value


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_nobody_listens(scheme: str) -> None:
    error = failure(f"{scheme}://127.0.0.1:{closed_port()}/")
    assert "connection refused" in error.message
    assert error.hint == "nothing listens there: is the port right, and the server running?"


def test_a_name_that_is_not_known() -> None:
    error = failure("https://nobody.invalid/")
    assert "its host is not known" in error.message
    assert error.hint == "is it spelled right, and this machine online? where only a proxy leads out: --proxy URL"


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        (errno.ENETUNREACH, "is this machine online? where only a proxy leads out: --proxy URL"),
        (errno.EHOSTUNREACH, "is this machine online? where only a proxy leads out: --proxy URL"),
        (errno.ECONNREFUSED, "nothing listens there: is the port right, and the server running?"),
        (errno.EPIPE, None),
        (None, None),
    ],
)
def test_what_the_system_says(code: int | None, hint: str | None) -> None:
    assert unreachable.hint(code) == hint
    assert "--proxy" not in (unreachable.hint(code, proxies=False) or "")


def test_a_port_that_speaks_tls() -> None:
    def alert(connection: socket.socket) -> None:
        connection.recv(1 << 16)
        connection.sendall(b"\x15\x03\x01\x00\x02\x02\x46")  # what OpenSSL says to a request in clear
        connection.close()

    with contextlib.closing(Listener(alert)) as server:
        error = failure(f"http://127.0.0.1:{server.port}/")
    assert error.hint == "if it speaks TLS at this port, write 'https://'"


def test_a_proxy() -> None:
    wait = Wait("https://good.example/", 5, 5, "http://proxy.example:1")
    assert wait.refused_by_proxy(ProxyRefusal("403 Forbidden")).hint == unreachable.NOT_THROUGH_IT
    proxy_for = proxies({"http_proxy": f"http://127.0.0.1:{closed_port()}"})
    with session(timeout=5, proxy_for=proxy_for) as one, pytest.raises(Unreachable) as caught:
        one.send(Request("GET", "http://good.example/")).read()
    error = caught.value
    assert error.message.startswith("cannot reach the proxy ")
    assert error.hint == unreachable.OTHER_PROXY
