"""Proxies: which one by curl's rules, and what they get to see."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping

import pytest
import trustme

from git_helper.core.authorization import authorization
from git_helper.core.credential import Credential, Origin
from git_helper.errors import Unreachable, UsageError
from git_helper.net.proxy import Proxy, is_exempt, parse, proxies
from git_helper.net.session import Request
from git_helper.secret import Secret
from tests.core.cases import cases
from tests.net.asked import CANARY, session
from tests.net.tunnel import TunnelProxy
from tests.servers.recording import RecordingServer


def origin(url: str) -> Origin:
    scheme, _, rest = url.partition("://")
    found = Origin.parse(scheme.encode(), rest.partition("/")[0].encode())
    assert found is not None
    return found


def basic(user: str, password: str) -> Secret:
    return authorization(Credential(user.encode(), Secret(password.encode())))


# PRX-020 is about http.proxy of git's configuration.
@pytest.mark.parametrize("case", cases("proxy", "PRX-020"))
def test_case(case: Mapping[str, dict[str, object]]) -> None:
    expected, given = case["expected"], case["input"]
    environ, url = given["env"], str(given["url"])
    assert isinstance(environ, dict)
    if "error" in expected:
        with pytest.raises(UsageError):
            proxies(environ)(origin(url))
        return
    found = proxies(environ)(origin(url))
    assert (found is not None) is bool(expected.get("proxied", True))
    if found is not None:
        assert found.url == "http://127.0.0.1:9301"
    if "proxy_auth" in expected:
        user, _, password = str(expected["proxy_auth"]).partition(":")
        assert found is not None
        assert found.authorization == basic(user, password)


@pytest.mark.parametrize(
    ("environ", "url", "proxy"),
    [
        ({}, "http://good.example", None),
        ({"http_proxy": "http://a.example"}, "https://good.example", None),
        ({"https_proxy": "a.example:1", "HTTPS_PROXY": "b.example:2"}, "https://good.example", "http://a.example:1"),
        ({"https_proxy": "", "all_proxy": "a.example:1"}, "https://good.example", None),
        ({"https_proxy": "", "all_proxy": "a.example:1"}, "http://good.example", "http://a.example:1"),
        ({"ALL_PROXY": "https://a.example:1"}, "https://good.example", "https://a.example:1"),
        ({"HTTP_PROXY": "a.example:1", "REQUEST_METHOD": "GET"}, "http://good.example", None),
        ({"HTTPS_PROXY": "a.example:1", "REQUEST_METHOD": "GET"}, "https://good.example", "http://a.example:1"),
        ({"http_proxy": "http://[::1]:8/"}, "http://good.example", "http://[::1]:8"),
    ],
)
def test_which_variable_counts(environ: dict[str, str], url: str, proxy: str | None) -> None:
    found = proxies(environ)(origin(url))
    assert (None if found is None else found.url) == proxy


@pytest.mark.parametrize(
    ("no_proxy", "url", "exempt"),
    [
        ("good.example", "http://good.example", True),
        ("good.example", "http://a.good.example", True),
        (".good.example", "http://good.example", True),
        ("good.example", "http://evilgood.example", False),
        ("good.example", "http://good.example.evil.example", False),
        ("GOOD.example", "http://good.EXAMPLE", True),
        ("good.example.", "http://good.example", True),
        ("a b", "http://b", True),
        ("a,b", "http://b", True),
        ("*", "http://good.example", True),
        ("*.example", "http://good.example", False),
        ("good.example:443", "https://good.example", True),
        ("good.example:444", "https://good.example", False),
        ("127.0.0.1", "http://127.0.0.1:8", True),
        ("127.0.0.1", "http://1.127.0.0.1.example", False),
        ("0.0.1", "http://127.0.0.1", False),
        ("127.1.0.0/16", "http://127.1.3.4", True),
        ("127.1.0.0/16", "http://127.2.3.4", False),
        ("::1", "http://[::1]:8", True),
        ("[::1]", "http://[::1]:8", True),
        ("[::1]:8", "http://[::1]:8", True),
        ("[::1]:9", "http://[::1]:8", False),
        ("", "http://good.example", False),
        (",.,", "http://good.example", False),
    ],
)
def test_who_is_exempt(no_proxy: str, url: str, exempt: bool) -> None:
    assert is_exempt(origin(url), no_proxy) is exempt


@pytest.mark.parametrize(
    "value",
    [
        f"socks5://u:{CANARY}@h",
        f"ftp://u:{CANARY}@h",
        f"http://u:{CANARY}@",
        f"http://u:{CANARY}/x@h",
        "http://h:x",
        "://",
    ],
)
def test_an_unusable_proxy_is_named_without_its_secret(value: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(value, "https_proxy")
    assert "https_proxy" in caught.value.message
    assert CANARY not in f"{caught.value} {caught.value.hint}"


def through(proxy: TunnelProxy, user: str | None = None, password: str = "") -> Proxy:
    return Proxy(proxy.url, origin(proxy.url), None if user is None else basic(user, password))


def refusal(proxy: TunnelProxy, url: str, user: str | None = None, password: str = "") -> Unreachable:
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    door = session(context_for=lambda _: client, proxy_for=lambda _: through(proxy, user, password))
    with door as one, pytest.raises(Unreachable) as caught:
        one.send(Request("GET", url))
    return caught.value


def test_http_goes_to_the_proxy_as_a_whole_url() -> None:
    with TunnelProxy("u:p@w") as proxy, RecordingServer() as server:
        with session(proxy_for=lambda _: through(proxy, "u", "p@w")) as one:
            assert one.send(Request("GET", server.url + "/x")).read() == b"proxy"
        assert proxy.lines == [f"GET {server.url}/x"]
        assert server.requests == []


def test_https_goes_through_a_tunnel_that_sees_nothing() -> None:
    authority, client = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(client)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with TunnelProxy("u:p") as proxy, RecordingServer(tls=context) as server:
        with session(context_for=lambda _: client, proxy_for=lambda _: through(proxy, "u", "p")) as one:
            request = Request("GET", server.url, username=b"alice", password=Secret(CANARY.encode()))
            assert one.send(request).status == 200
        assert proxy.lines == [f"CONNECT {server.netloc}"]
        assert b"authorization: basic" not in proxy.heads[0].lower().replace(b"proxy-authorization", b"")
        assert "proxy-authorization" not in server.requests[0].headers
        assert server.exchanges == [(f"alice:{CANARY}", 200)]


def test_each_origin_takes_its_own_way() -> None:
    with TunnelProxy() as proxy, RecordingServer() as server, RecordingServer() as near:
        with session(proxy_for=lambda wanted: through(proxy) if wanted.port == server.port else None) as one:
            assert one.send(Request("GET", server.url)).read() == b"proxy"
            assert one.send(Request("GET", near.url)).read() == b""
        assert len(near.requests) == 1


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_a_password(scheme: str) -> None:
    with TunnelProxy("u:p") as proxy:
        caught = refusal(proxy, f"{scheme}://good.example/x", "u", CANARY)
        assert caught.message == (
            f"the proxy '{proxy.url}' refuses the way to '{scheme}://good.example/x': 407 Proxy Authentication Required"
        )
    assert CANARY not in f"{caught} {caught.hint} {caught.__cause__}"


def test_a_proxy_that_refuses_the_tunnel() -> None:
    with TunnelProxy(refusal=b"403 Forbidden\x1b[2J") as proxy:
        assert refusal(proxy, "https://good.example/").message.endswith(": 403 Forbidden%1B[2J")


def test_a_proxy_that_is_not_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with session(proxy_for=lambda _: Proxy(url, origin(url))) as one, pytest.raises(Unreachable) as caught:
        one.send(Request("GET", "http://good.example/"))
    assert caught.value.message == (
        f"cannot reach the proxy '{url}' on the way to 'http://good.example/': connection refused"
    )


def test_a_proxy_that_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        says = rf"through the proxy '{url}': no answer within 0.3 seconds"
        silent = session(timeout=0.3, proxy_for=lambda _: Proxy(url, origin(url)))
        with silent as one, pytest.raises(Unreachable, match=says):
            one.send(Request("GET", "http://good.example/"))
