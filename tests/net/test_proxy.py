"""Proxies: which one by our setting, git's and curl's rules, and what they get to see."""

from __future__ import annotations

import socket
import ssl

import pytest
import trustme

from git_helper.errors import Unreachable, UsageError
from git_helper.net.proxy import Proxy, parse, proxies
from git_helper.net.session import Request
from git_helper.net.target import Target
from git_helper.secret import Secret
from tests.net.asked import CANARY, session
from tests.net.tunnel import TunnelProxy
from tests.servers.recording import RecordingServer


def shown(proxy: Proxy | None) -> str | None:
    return None if proxy is None else proxy.url


@pytest.mark.parametrize(
    ("environ", "url", "proxy"),
    [
        ({}, "http://good.example", None),
        ({"http_proxy": "http://a.example"}, "https://good.example", None),
        ({"http_proxy": "http://a.example"}, "http://good.example", "http://a.example:1080"),
        ({"http_proxy": "https://a.example"}, "http://good.example", "https://a.example:443"),
        ({"http_proxy": "http://a.example:80"}, "http://good.example", "http://a.example:80"),
        ({"https_proxy": "a.example:1", "HTTPS_PROXY": "b.example:2"}, "https://good.example", "http://a.example:1"),
        ({"https_proxy": "", "all_proxy": "a.example:1"}, "https://good.example", None),
        ({"https_proxy": "", "all_proxy": "a.example:1"}, "http://good.example", "http://a.example:1"),
        ({"https_proxy": " "}, "https://good.example", None),
        ({"ALL_PROXY": "https://a.example:1"}, "https://good.example", "https://a.example:1"),
        ({"HTTP_PROXY": "a.example:1"}, "http://good.example", "http://a.example:1"),
        ({"HTTP_PROXY": "a.example:1", "REQUEST_METHOD": "GET"}, "http://good.example", None),
        ({"HTTPS_PROXY": "a.example:1", "REQUEST_METHOD": "GET"}, "https://good.example", "http://a.example:1"),
        ({"http_proxy": "http://[::1]:8/"}, "http://good.example", "http://[::1]:8"),
        ({"http_proxy": "HTTP://A.example:8/x?y"}, "http://good.example", "http://a.example:8"),
        ({"http_proxy": "a.example:1", "no_proxy": "", "NO_PROXY": "*"}, "http://good.example", "http://a.example:1"),
    ],
)
def test_which_variable_counts(environ: dict[str, str], url: str, proxy: str | None) -> None:
    assert shown(proxies(environ)(Target.parse(url))) == proxy


ENVIRON = {"https_proxy": "e:1"}


@pytest.mark.parametrize(
    ("own", "of_remote", "of_git", "proxy"),
    [
        (None, None, None, "http://e:1"),
        (None, None, "g:1", "http://g:1"),
        (None, "r:1", "g:1", "http://r:1"),
        ("o:1", "r:1", "g:1", "http://o:1"),
        (None, None, "", None),
        (None, "", "g:1", None),
        ("", "r:1", "g:1", None),
    ],
)
def test_the_nearest_setting_counts_and_an_empty_one_means_none(
    own: str | None, of_remote: str | None, of_git: str | None, proxy: str | None
) -> None:
    def git_http(variable: str, url: str) -> str | None:
        assert url == "https://alice@good.example/r"
        return of_git if variable == "proxy" else None

    proxy_for = proxies(
        ENVIRON,
        git_http,
        lambda url, variable: None if of_remote is None or variable != "proxy" else ("remote.a.proxy", of_remote),
        lambda url: None if own is None else ("--proxy", own),
    )
    assert shown(proxy_for(Target.parse("https://alice@good.example/r?q"))) == proxy


def test_no_proxy_is_for_every_setting() -> None:
    proxy_for = proxies({"no_proxy": "good.example"}, own=lambda url: ("--proxy", "http://a:1"))
    assert proxy_for(Target.parse("https://good.example")) is None
    assert proxy_for(Target.parse("https://evil.example")) is not None


@pytest.mark.parametrize(
    ("value", "parsed"),
    [
        ("h", ("http", "h", 1080, None, None)),
        ("socks5h://h", ("socks5h", "h", 1080, None, None)),
        ("socks://h:1", ("socks4", "h", 1, None, None)),
        ("SOCKS4A://h:1", ("socks4a", "h", 1, None, None)),
        ("http://u@h:1", ("http", "h", 1, b"u", None)),
        ("http://u:@h:1", ("http", "h", 1, b"u", None)),
        ("u:p%3a%40@h:1", ("http", "h", 1, b"u", Secret(b"p:@"))),
        ("http://:p@h:1", ("http", "h", 1, None, Secret(b"p"))),
        ("http://do%20m%5Cu:%C3%BC@h:1", ("http", "h", 1, b"do m\\u", Secret("ü".encode()))),
    ],
)
def test_what_a_value_says(value: str, parsed: tuple[object, ...]) -> None:
    proxy = parse(value, "https_proxy")
    assert (proxy.scheme, proxy.host, proxy.port, proxy.username, proxy.password) == parsed


@pytest.mark.parametrize(
    "value",
    [
        f"ftp://u:{CANARY}@h",
        f"http://u:{CANARY}@",
        f"http://u:{CANARY}/x@h",
        f"u:{CANARY}#@h:1",
        f"http://u:{CANARY}@h:1\n",
        "http://h:x",
        "http://h:0",
        "http://h:99999",
        "https://hö:1",
        "http://h\x1b[2J",
        "://",
        "http://",
        "//h:1",
        "socks6://h",
        "direct://",
    ],
)
def test_an_unusable_proxy_is_named_without_its_secret(value: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(value, "https_proxy")
    assert caught.value.message.startswith("cannot use the proxy of 'https_proxy': ")
    said = f"{caught.value} {caught.value.hint} {caught.value.__cause__}"
    assert CANARY not in said
    assert "\x1b" not in said


def test_a_proxy_shows_no_secret() -> None:
    assert CANARY not in repr(parse(f"http://u{CANARY}:{CANARY}@h:1", "x"))


@pytest.mark.parametrize(
    ("environ", "of_git", "name"),
    [
        ({"GIT_HTTP_PROXY_AUTHMETHOD": "ntlm"}, "basic", "GIT_HTTP_PROXY_AUTHMETHOD"),
        ({}, "negotiate", "http.proxyAuthMethod"),
        ({}, "sometimes", "http.proxyAuthMethod"),
        ({"GIT_HTTP_PROXY_AUTHMETHOD": "basic"}, "ntlm", None),
        ({}, "Basic", None),
        ({}, "anyauth", None),
    ],
)
def test_a_way_to_log_in_that_we_do_not_have(environ: dict[str, str], of_git: str, name: str | None) -> None:
    values = {"proxy": "http://h:1", "proxyauthmethod": of_git}
    proxy_for = proxies(environ, lambda variable, url: values.get(variable))
    if name is None:
        assert proxy_for(Target.parse("http://good.example")) is not None
        return
    with pytest.raises(UsageError, match=f"of '{name}'"):
        proxy_for(Target.parse("http://good.example"))


def through(proxy: TunnelProxy, user: str | None = None, password: str = "") -> Proxy:
    found = Proxy(proxy.scheme, "127.0.0.1", proxy.port, setting="https_proxy")
    return found if user is None else found.with_login(user.encode(), Secret(password.encode()))


def refusal(proxy: TunnelProxy, url: str) -> Unreachable:
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    door = session(context_for=lambda _: client, proxy_for=lambda _: through(proxy))
    with door as one, pytest.raises(Unreachable) as caught:
        one.send(Request("GET", url))
    return caught.value


def test_http_goes_to_the_proxy_as_a_whole_url() -> None:
    with TunnelProxy("u:p@w") as proxy, RecordingServer() as server:
        with session(proxy_for=lambda _: through(proxy, "u", "p@w")) as one:
            assert one.send(Request("GET", server.url + "/x")).read() == b"proxy"
        assert proxy.lines == [f"GET {server.url}/x"]
        assert server.requests == []


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def serving(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(context)
    return context


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_https_goes_through_a_tunnel_that_sees_nothing(authority: trustme.CA, scheme: str) -> None:
    client = trusting(authority)
    tls = serving(authority) if scheme == "https" else None
    with TunnelProxy("u:p", tls=tls) as proxy, RecordingServer(tls=serving(authority)) as server:
        assert proxy.url.startswith(f"{scheme}:")
        with session(context_for=lambda _: client, proxy_for=lambda _: through(proxy, "u", "p")) as one:
            request = Request("GET", server.url, username=b"alice", password=Secret(CANARY.encode()))
            one.send(request).read()
            one.send(Request("GET", server.url + "/again")).read()
        assert proxy.lines == [f"CONNECT {server.netloc}"], "one tunnel for both"
        assert proxy.logins == ["u:p"]
        assert f"\r\nHost: {server.netloc}\r\n".encode() in proxy.heads[0]
        assert b"\r\nauthorization:" not in proxy.heads[0].lower()
        assert "proxy-authorization" not in server.requests[0].headers
        assert server.authorizations == ["Basic YWxpY2U6YzRuNHJ5LXA0c3N3MHJk"] * 2


def test_an_https_proxy_is_trusted_by_its_own_url(authority: trustme.CA) -> None:
    asked: list[str] = []
    other = trusting(trustme.CA())

    def context_for(target: Target) -> ssl.SSLContext:
        asked.append(target.shown)
        return other

    with TunnelProxy(tls=serving(authority)) as proxy:
        door = session(context_for=context_for, proxy_for=lambda _: through(proxy))
        with door as one, pytest.raises(Unreachable) as caught:
            one.send(Request("GET", "http://good.example/"))
        assert (asked, proxy.heads) == ([f"{proxy.url}/"], [])
    start = f"cannot reach the proxy '{proxy.url}' on the way to 'http://good.example/': "
    assert caught.value.message.startswith(start + "its certificate")


def test_each_origin_takes_its_own_way() -> None:
    with TunnelProxy() as proxy, RecordingServer() as server, RecordingServer() as near:
        with session(proxy_for=lambda wanted: through(proxy) if wanted.origin.port == server.port else None) as one:
            assert one.send(Request("GET", server.url)).read() == b"proxy"
            assert one.send(Request("GET", near.url)).read() == b""
        assert len(near.requests) == 1


def test_each_hop_takes_its_own_way() -> None:
    with TunnelProxy() as proxy, RecordingServer() as near:
        near.script = lambda request: (302, {"Location": "http://good.example/x"}, b"")
        proxy_for = proxies({"http_proxy": proxy.url, "no_proxy": near.netloc})
        with session(proxy_for=proxy_for) as one:
            assert one.send(Request("GET", near.url)).read() == b"proxy"
        assert proxy.lines == ["GET http://good.example/x"]


def test_a_proxy_that_refuses_the_tunnel() -> None:
    with TunnelProxy(refusal=b"403 Forbidden\x1b[2J") as proxy:
        assert refusal(proxy, "https://good.example/").message == (
            f"the proxy '{proxy.url}' refuses the way to 'https://good.example/': 403 Forbidden%1B[2J"
        )


def test_an_https_proxy_that_does_not_speak_tls() -> None:
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with RecordingServer() as server:
        wrong = Proxy("https", "127.0.0.1", server.port)
        door = session(context_for=lambda _: client, proxy_for=lambda _: wrong)
        says = rf"cannot reach the proxy '{wrong.url}'.*does not speak TLS"
        with door as one, pytest.raises(Unreachable, match=says):
            one.send(Request("GET", "https://good.example/"))


def nobody() -> Proxy:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return Proxy("http", "127.0.0.1", listener.getsockname()[1])


def test_a_proxy_that_is_not_there() -> None:
    proxy = nobody()
    with session(proxy_for=lambda _: proxy) as one, pytest.raises(Unreachable) as caught:
        one.send(Request("GET", "http://good.example/"))
    assert caught.value.message == (
        f"cannot reach the proxy '{proxy.url}' on the way to 'http://good.example/': connection refused"
    )


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_says_nothing(scheme: str) -> None:
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = Proxy("http", "127.0.0.1", listener.getsockname()[1])
        silent = session(timeout=0.3, context_for=lambda _: client, proxy_for=lambda _: proxy)
        says = rf"the proxy '{proxy.url}'.*: no answer within 0.3 seconds"
        with silent as one, pytest.raises(Unreachable, match=says):
            one.send(Request("GET", f"{scheme}://good.example/"))
