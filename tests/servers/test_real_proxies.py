"""Our connections through proxies that other people wrote."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from git_helper.errors import NoCredential, Refused, Unreachable
from git_helper.net.proxy import Proxy
from git_helper.net.session import Request
from git_helper.secret import Secret
from tests.net.asked import Sources, basic, session, tls_pair
from tests.servers.real_proxies import RealProxy, microsocks, tinyproxy
from tests.servers.recording import RecordingServer

Start = Callable[..., AbstractContextManager[RealProxy]]
KINDS = [
    pytest.param(tinyproxy, "http", id="tinyproxy"),
    pytest.param(microsocks, "socks5", id="microsocks"),
    pytest.param(microsocks, "socks5h", id="microsocks by name"),
]


@pytest.fixture(scope="module")
def trust() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    return tls_pair("localhost")


class Target:
    """A server on this machine, and its URL by name; whom to trust."""

    def __init__(self, server: RecordingServer, scheme: str, trusted: ssl.SSLContext) -> None:
        self.server = server
        self.url = f"{scheme}://localhost:{server.port}/x"
        self._trusted = trusted

    def ask(self, proxy: Proxy, sources: Sources | None = None) -> bytes:
        with session(context_for=lambda _: self._trusted, proxy_for=lambda _: proxy, proxy_sources=sources) as one:
            return one.send(Request("GET", self.url)).read()


@pytest.fixture(params=["http", "https"])
def target(request: pytest.FixtureRequest, trust: tuple[ssl.SSLContext, ssl.SSLContext]) -> Iterator[Target]:
    with RecordingServer(lambda request: (200, {}, b"in"), tls=trust[0] if request.param == "https" else None) as one:
        yield Target(one, request.param, trust[1])


@pytest.mark.parametrize(("start", "scheme"), KINDS)
def test_who_needs_no_password(start: Start, scheme: str, target: Target, tmp_path: Path) -> None:
    with start(tmp_path) as real:
        assert target.ask(Proxy(scheme, "127.0.0.1", real.port)) == b"in"
        assert f"{target.server.port}" in real.log or scheme != "http"
    assert len(target.server.requests) == 1


@pytest.mark.parametrize(("start", "scheme"), KINDS)
def test_who_needs_one(start: Start, scheme: str, target: Target, tmp_path: Path) -> None:
    """By the URL of the proxy, by the sources, wrong, and unknown."""
    ask, url = target.ask, target.url
    with start(tmp_path, "ada", "let-me-in") as real:
        bare = Proxy(scheme, "127.0.0.1", real.port, setting="--proxy")
        assert ask(bare.with_login(b"ada", Secret(b"let-me-in"))) == b"in"
        with pytest.raises(Refused, match=f"the proxy '{bare.url}' refused the user name and password of '--proxy'"):
            ask(bare.with_login(b"ada", Secret(b"wrong")))
        sources = Sources(basic("ada", "old"), person=[basic("ada", "let-me-in", "person")])
        assert ask(bare, sources) == b"in"
        assert sources.approved == [("person", b"ada")]
        # tinyproxy answers a wrong password as the server of a plain URL would: then nothing is forgotten.
        assert sources.rejected == ([] if scheme == url.partition(":")[0] else [("netrc", b"ada")])
        with pytest.raises(NoCredential, match=f"the proxy '{bare.url}' refuses the way to '{url}': "):
            ask(bare)
    assert len(target.server.requests) == 2
    assert not any("proxy-authorization" in request.headers for request in target.server.requests)


@pytest.mark.parametrize(("start", "scheme"), KINDS)
def test_what_it_cannot_reach(
    start: Start, scheme: str, trust: tuple[ssl.SSLContext, ssl.SSLContext], tmp_path: Path
) -> None:
    with start(tmp_path) as real:
        proxy = Proxy(scheme, "127.0.0.1", real.port)
        door = session(context_for=lambda _: trust[1], proxy_for=lambda _: proxy)
        with door as one, pytest.raises(Unreachable, match=f"the proxy '{proxy.url}' refuses the way to "):
            one.send(Request("GET", "https://127.0.0.1:9/"))
