"""Whom https proxies are taken for, and which certificate they are shown: like git, apart from the servers behind them."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path

import pytest
import trustme

from git_helper.errors import NoCredential, Unreachable
from git_helper.net.proxy import Proxy
from git_helper.net.session import Request
from git_helper.net.target import Target
from git_helper.secret import Secret
from tests.net.asked import CANARY, Sources, basic, session
from tests.net.trusting import contexts, server_context
from tests.net.tunnel import TunnelProxy

URL = "http://good.example/"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def files(authority: trustme.CA, tmp_path: Path) -> dict[str, str]:
    """The paths of an authority, of another one, of a member's certificate, its key, and both."""
    member = authority.issue_cert("client.example", common_name="client")
    content = {
        "ca.pem": authority.cert_pem.bytes(),
        "other.pem": trustme.CA().cert_pem.bytes(),
        "client.crt": member.cert_chain_pems[0].bytes(),
        "client.key": member.private_key_pem.bytes(),
        "client.pem": member.private_key_and_cert_chain_pem.bytes(),
    }
    for name, data in content.items():
        (tmp_path / name).write_bytes(data)
    return {name: str(tmp_path / name) for name in content}


def here(settings: Mapping[str, str], files: Mapping[str, str]) -> dict[str, str]:
    """With the paths of the files that it names."""
    return {name: files.get(value, value) for name, value in settings.items()}


def came_through(server: TunnelProxy, environ: Mapping[str, str], git: Mapping[str, str], url: str = URL) -> bool:
    """Whether the proxy is trusted, and we by it. `git`: `http.*` for URL, of `ssl…` for the proxy."""

    def of_git(variable: str, wanted: str) -> str | None:
        counts = wanted == URL or (variable.startswith("ssl") and wanted == f"{server.url}/")
        return git.get(variable) if counts else None

    way = Proxy("https", "127.0.0.1", server.port)
    with session(context_for=contexts(environ, of_git), proxy_for=lambda _: way) as one:
        try:
            return one.send(Request("GET", url)).read() == b"proxy"
        except Unreachable as error:
            assert error.message.startswith(f"cannot trust '{server.url}/': "), error.message
            return False


@pytest.mark.parametrize(
    ("environ", "git", "trusted"),
    [
        ({}, {}, False),
        ({"SSL_CERT_FILE": "ca.pem"}, {}, True),
        ({"GIT_SSL_CAINFO": "ca.pem"}, {}, True),
        ({}, {"sslCAInfo": "ca.pem"}, True),
        ({}, {"proxySSLCAInfo": "ca.pem"}, True),
        ({"GIT_SSL_CAINFO": "other.pem"}, {"proxySSLCAInfo": "ca.pem"}, True),
        ({"SSL_CERT_FILE": "ca.pem"}, {"proxySSLCAInfo": "other.pem"}, False),
        ({"GIT_PROXY_SSL_CAINFO": "ca.pem"}, {"proxySSLCAInfo": "other.pem"}, True),
        ({}, {"sslVerify": "false"}, False),
        ({"GIT_SSL_NO_VERIFY": "1"}, {}, False),
    ],
)
def test_who_is_trusted(
    environ: dict[str, str], git: dict[str, str], trusted: bool, files: dict[str, str], authority: trustme.CA
) -> None:
    with TunnelProxy(tls=server_context(authority.issue_cert("127.0.0.1"))) as server:
        assert came_through(server, here(environ, files), here(git, files)) is trusted
        assert bool(server.lines) is trusted


def test_what_is_said_for_one_url_is_for_the_way_there(files: dict[str, str], authority: trustme.CA) -> None:
    git = here({"proxySSLCAInfo": "ca.pem"}, files)
    with TunnelProxy(tls=server_context(authority.issue_cert("127.0.0.1"))) as server:
        assert came_through(server, {}, git)
        assert not came_through(server, {}, git, "http://evil.example/")


def test_ways_of_different_trust_share_no_connection(files: dict[str, str], authority: trustme.CA) -> None:
    """The proxy that was trusted on the way to one URL is not therefore trusted on the way to another."""

    def of_git(variable: str, wanted: str) -> str | None:
        return files["ca.pem"] if (variable, wanted) == ("proxySSLCAInfo", URL) else None

    with TunnelProxy(tls=server_context(authority.issue_cert("127.0.0.1"))) as server:
        way = Proxy("https", "127.0.0.1", server.port)
        with session(context_for=contexts({}, of_git), proxy_for=lambda _: way) as one:
            assert one.send(Request("GET", URL)).read() == b"proxy"
            with pytest.raises(Unreachable, match="unknown authority"):
                one.send(Request("GET", "http://evil.example/"))
        assert server.lines == [f"GET {URL}"]


@pytest.mark.parametrize(
    ("environ", "git", "shown"),
    [
        ({}, {}, False),
        ({}, {"proxySSLCert": "client.pem"}, True),
        ({}, {"proxySSLCert": "client.crt", "proxySSLKey": "client.key"}, True),
        ({"GIT_PROXY_SSL_CERT": "client.crt", "GIT_PROXY_SSL_KEY": "client.key"}, {}, True),
        ({"GIT_PROXY_SSL_KEY": "client.key"}, {"proxySSLCert": "client.crt"}, True),
        ({"SSL_CLIENT_CERT": "client.pem"}, {}, True),
        ({"GIT_SSL_CERT": "client.pem"}, {"sslCert": "client.pem"}, False),
    ],
)
def test_who_we_are(
    environ: dict[str, str], git: dict[str, str], shown: bool, files: dict[str, str], authority: trustme.CA
) -> None:
    tls = server_context(authority.issue_cert("127.0.0.1"))
    authority.configure_trust(tls)
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.maximum_version = ssl.TLSVersion.TLSv1_2  # so that a refusal is a part of the handshake
    with TunnelProxy(tls=tls) as server:
        known = {"SSL_CERT_FILE": files["ca.pem"]}
        assert came_through(server, known | here(environ, files), here(git, files)) is shown


@pytest.mark.parametrize("password", [None, CANARY])
def test_a_proxy_that_is_to_get_no_login(password: str | None, files: dict[str, str], authority: trustme.CA) -> None:
    def withheld(target: Target) -> NoCredential | None:
        return None if target.leads_to is None else NoCredential(f"not {target.shown} to {target.leads_to}")

    sources = Sources(basic("u", CANARY))
    context_for = contexts({"SSL_CERT_FILE": files["ca.pem"]})
    with TunnelProxy(f"u:{CANARY}", tls=server_context(authority.issue_cert("127.0.0.1"))) as server:
        secret = None if password is None else Secret(password.encode())
        way = Proxy("https", "127.0.0.1", server.port, b"u", secret)
        door = session(context_for=context_for, proxy_for=lambda _: way, proxy_sources=sources, withheld=withheld)
        with door as one, pytest.raises(NoCredential, match=f"not {server.url}/ to {URL}"):
            one.send(Request("GET", URL))
        assert set(server.logins) <= {None}
    assert sources.wanted == []
