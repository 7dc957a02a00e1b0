"""http.* of git's configuration on the wire: who gets which header, and how far a redirect is followed."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from git_helper.core.http_rules import HttpRules
from git_helper.errors import Refused, Unreachable, UsageError
from git_helper.net.pools import RedirectRefused
from git_helper.net.proxy import Proxy
from git_helper.net.session import Request
from git_helper.net.target import Target
from git_helper.secret import Secret
from git_helper.system.git_config import GitConfig
from tests.net.asked import CANARY, Sources, basic, guarded, session
from tests.net.tunnel import TunnelProxy
from tests.servers.isolated import environment
from tests.servers.recording import RecordingServer
from tests.servers.rules import Realm

RulesFor = Callable[[Target], HttpRules]
Configured = Callable[[str], RulesFor]


@pytest.fixture
def configured(tmp_path: Path) -> Configured:
    """The rules that a file of git's configuration makes, as git reads it."""

    def rules(text: str) -> RulesFor:
        (tmp_path / ".gitconfig").write_text(text)
        config = GitConfig.read(environment(tmp_path))
        return lambda target: HttpRules.of(
            lambda variable: [entry.value for entry in config.for_url("http", variable, target.configured_url)], {}
        )

    return rules


def sent(server: RecordingServer, name: str) -> list[str | None]:
    return [request.headers.get(name.lower()) for request in server.requests]


def test_headers_of_the_url_are_sent_to_it_alone(configured: Configured) -> None:
    with RecordingServer() as near, RecordingServer() as far:
        near.script = lambda request: (302, {"Location": far.url + "/x"}, b"")
        rules = configured(
            f'[http "{near.url}"]\n extraHeader = X-Near: {CANARY}\n[http "{far.url}/x"]\n extraHeader = X-Far: 2'
        )
        with session(rules_for=rules) as one:
            one.send(Request("GET", near.url + "/r.git")).read()
        assert (sent(near, "X-Near"), sent(near, "X-Far")) == ([CANARY], [None])
        assert (sent(far, "X-Near"), sent(far, "X-Far")) == ([None], ["2"])


@pytest.mark.parametrize("value", ["basic", "auto"])
def test_a_credential_before_the_first_request(configured: Configured, value: str) -> None:
    """http.proactiveAuth of git 2.46, for servers that say 404 to whoever does not say who it is."""
    with RecordingServer() as server:
        sources = Sources(basic("u", "bad", "netrc"), basic("u", "p", "helper"))
        server.script = guarded(Realm("/a/", [("u", "p")], deny=404, wrong=401))
        rules = configured(
            f"[http]\n proactiveAuth = none\n[http '{server.url}/a']\n".replace("'", '"') + f" proactiveAuth = {value}"
        )
        with session(sources, rules_for=rules) as one:
            assert [one.send(Request("GET", f"{server.url}/a/{name}")).status for name in "xy"] == [200, 200]
            assert one.send(Request("GET", f"{server.url}/b")).status == 200
        assert server.exchanges == [("u:bad", 401), ("u:p", 200), ("u:p", 200), ("u:p", 200)]
        assert (sources.rejected, sources.approved) == ([("netrc", b"u")], [("helper", b"u")])


def test_without_any_it_is_a_bare_request(configured: Configured) -> None:
    with RecordingServer() as server, session(Sources(), rules_for=configured("[http]\n proactiveAuth = auto")) as one:
        assert one.send(Request("GET", f"{server.url}/x")).status == 200
        assert server.exchanges == [(None, 200)]


def test_a_wrong_value_of_it_is_an_error(configured: Configured) -> None:
    rules = configured("[http]\n proactiveAuth = maybe")
    with session(rules_for=rules) as one, pytest.raises(UsageError, match=r"'maybe' of 'http\.proactiveAuth'"):
        one.send(Request("GET", "http://127.0.0.1:9/"))


def test_headers_replace_ours_and_may_come_twice(configured: Configured) -> None:
    lines = ["user-agent: mine/1", "X-A: 1", "X-A: 2", "Accept:", "X-Empty;", "X-Ü: no"]
    rules = configured("[http]\n" + "".join(f' extraHeader = "{line}"\n' for line in lines[:-1]))
    with RecordingServer() as server, session(rules_for=rules) as one:
        one.send(Request("GET", server.url, {"X-A": "0", "X-B": "b"})).read()
        (request,) = server.requests
        assert sorted(
            pair for pair in request.header_lines if pair[0].lower().startswith(("x-", "user", "accept"))
        ) == [
            ("Accept-Encoding", "gzip"),
            ("X-A", "1"),
            ("X-A", "2"),
            ("X-B", "b"),
            ("X-Empty", ""),
            ("user-agent", "mine/1"),
        ]


def test_authorization_there_asks_nobody_and_a_refusal_is_final(configured: Configured) -> None:
    sources = Sources(basic("alice", "secret"))
    rules = configured("[http]\n extraHeader = Authorization: Basic YWxpY2U6c2VjcmV0")
    with (
        RecordingServer(guarded(Realm("/", [("alice", "secret")]))) as server,
        session(sources, rules_for=rules) as one,
    ):
        assert one.send(Request("GET", server.url, username=b"bob", password=Secret(b"x"))).read() == b"in"
        assert server.exchanges == [("alice:secret", 200)]
        server.forget()
        server.script = guarded(Realm("/", [("alice", "other")]))
        with pytest.raises(Refused) as caught:
            one.send(Request("GET", server.url + "/r"))
        assert server.exchanges == [("alice:secret", 401)]
        assert caught.value.message == (
            f"the server refused the Authorization of 'http.extraHeader' for '{server.url}/r'"
        )
    assert sources.wanted == []
    assert (sources.approved, sources.rejected) == ([], [])


def test_a_callers_own_authorization_stands(configured: Configured) -> None:
    rules = configured("[http]\n extraHeader = Authorization: Bearer configured\n extraHeader = X-A: 1")
    with RecordingServer() as server, session(rules_for=rules) as one:
        one.send(Request("GET", server.url, {"authorization": "Bearer own"})).read()
        assert server.authorizations == ["Bearer own"]
        assert sent(server, "X-A") == ["1"]


def test_a_tunnel_gets_no_extra_header(configured: Configured) -> None:
    rules = configured(f"[http]\n extraHeader = X-A: {CANARY}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with TunnelProxy(refusal=b"403 No") as proxy:
        way = Proxy("http", "127.0.0.1", proxy.port)
        door = session(context_for=lambda _: context, proxy_for=lambda _: way, rules_for=rules)
        with door as one, pytest.raises(Unreachable, match="403 No"):
            one.send(Request("GET", "https://good.example/"))
        assert CANARY.encode() not in proxy.heads[0]


def test_no_redirects(configured: Configured) -> None:
    rules = configured("[http]\n followRedirects = false")
    with RecordingServer() as far, RecordingServer(lambda _: (301, {"Location": far.url}, b"")) as near:
        with session(rules_for=rules) as one, pytest.raises(RedirectRefused) as caught:
            one.send(Request("GET", near.url + "/r0/gpkg.git"))
        assert far.requests == []
        assert caught.value.error == "redirect-refused"
        assert caught.value.message == (
            f"cannot follow the redirect of '{near.url}/r0/gpkg.git': 'http.followRedirects' is false"
        )
        assert caught.value.hint == f"git config --global http.{near.url}.followRedirects initial"


def test_each_hop_says_for_itself_how_far_it_leads(configured: Configured) -> None:
    def leading_to(server: RecordingServer) -> RecordingServer:
        return RecordingServer(lambda _: (302, {"Location": server.url}, b""))

    with RecordingServer() as end, leading_to(end) as middle, leading_to(middle) as start:
        for place in (start, middle):
            door = session(rules_for=configured(f'[http "{place.url}"]\n followRedirects = false'))
            with door as one, pytest.raises(RedirectRefused, match=place.url):
                one.send(Request("GET", start.url))
        assert end.requests == []
        with session(rules_for=configured(f'[http "{end.url}"]\n followRedirects = false')) as one:
            assert one.send(Request("GET", start.url)).read() == b""


def test_low_speed_is_the_limit_of_each_wait(configured: Configured) -> None:
    def slowly() -> Iterator[bytes]:
        yield b"x"
        server.hold()

    rules = configured("[http]\n lowSpeedLimit = 1\n lowSpeedTime = 1")
    with RecordingServer(lambda _: (200, {}, slowly())) as server, session(timeout=None, rules_for=rules) as one:
        response = one.send(Request("GET", server.url))
        with response, pytest.raises(Unreachable, match="nothing came for 1 seconds"):
            response.read()


def test_our_own_limit_comes_before_it(configured: Configured) -> None:
    rules = configured("[http]\n lowSpeedLimit = 1\n lowSpeedTime = 100")

    def silence() -> Iterator[bytes]:
        server.hold()
        yield b""

    door = session(timeout=0.3, rules_for=rules)
    silent = RecordingServer(lambda _: (200, {}, b"".join(silence())))
    with silent as server, door as one, pytest.raises(Unreachable, match=r"within 0\.3 seconds"):
        one.send(Request("GET", server.url))


def test_what_git_could_not_use_either(configured: Configured) -> None:
    with RecordingServer() as server, session(rules_for=configured("[http]\n followRedirects = perhaps")) as one:
        with pytest.raises(UsageError, match=r"'perhaps' of 'http\.followRedirects'"):
            one.send(Request("GET", server.url))
        assert server.requests == []
