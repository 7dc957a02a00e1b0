"""Proxies that ask who we are: who is asked, once, and who gets to see what."""

from __future__ import annotations

import base64
import ssl
import threading
from collections.abc import Iterator

import pytest

from git_helper.core.chain import Candidate
from git_helper.core.credential import Credential
from git_helper.errors import Cancelled, GitHelperError, NoCredential, Refused
from git_helper.net.proxy import Proxy
from git_helper.net.session import Request
from git_helper.secret import Secret
from tests.net.asked import CANARY, Sources, basic, bearer, guarded, session, tls_pair
from tests.net.tunnel import SocksProxy, TunnelProxy
from tests.servers.recording import RecordingServer
from tests.servers.rules import Realm

Way = tuple[str, ssl.SSLContext]


@pytest.fixture(scope="module")
def tls() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    return tls_pair("127.0.0.1")


@pytest.fixture(params=["http", "https"])
def way(request: pytest.FixtureRequest, tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> Iterator[Way]:
    """A URL behind the proxy, http or https, and whom to trust."""
    if request.param == "http":
        yield "http://good.example/x", tls[1]
    else:
        with RecordingServer(lambda request: (200, {}, b"proxy"), tls=tls[0]) as server:
            yield server.url + "/x", tls[1]


def proxy_of(server: TunnelProxy | SocksProxy, user: str | None = None, password: str | None = None) -> Proxy:
    name = None if user is None else user.encode()
    secret = None if password is None else Secret(password.encode())
    return Proxy(server.scheme, "127.0.0.1", server.port, name, secret, setting="https_proxy")


def failure(proxy: Proxy, url: str, context: ssl.SSLContext, sources: Sources | None) -> GitHelperError:
    door = session(context_for=lambda _: context, proxy_for=lambda _: proxy, proxy_sources=sources)
    with door as one, pytest.raises(GitHelperError) as caught:
        one.send(Request("GET", url))
    assert CANARY not in f"{caught.value} {caught.value.hint} {caught.value.__cause__!r} {caught.value.__context__!r}"
    return caught.value


def test_after_407_the_sources_are_asked_and_the_right_one_is_approved(way: Way) -> None:
    url, context = way
    sources = Sources(basic("old", "wrong"), basic("u", CANARY), person=[basic("person", "x", "person")])
    with TunnelProxy(f"u:{CANARY}") as server:
        proxy = proxy_of(server)
        door = session(context_for=lambda _: context, proxy_for=lambda _: proxy, proxy_sources=sources)
        with door as one:
            assert one.send(Request("GET", url)).read() == b"proxy"
            assert one.send(Request("GET", url)).read() == b"proxy"
        assert server.logins[:3] == [None, "old:wrong", f"u:{CANARY}"]
        assert set(server.logins[3:]) <= {f"u:{CANARY}"}, "it is not found out again"
    assert (sources.rejected, sources.approved) == ([("netrc", b"old")], [("netrc", b"u")])
    assert sources.questions == 0
    assert [(one.protocol, one.host, one.path) for one in sources.wanted] == [
        (b"http", f"127.0.0.1:{proxy.port}".encode(), None)
    ]


def test_the_person_comes_last_and_may_answer_twice(way: Way) -> None:
    url, context = way
    answers = [basic("a", "wrong", "person"), basic("b", "right", "person")]
    sources = Sources(basic("u", "wrong"), person=answers)
    with TunnelProxy("b:right") as server:
        proxy = proxy_of(server)
        door = session(context_for=lambda _: context, proxy_for=lambda _: proxy, proxy_sources=sources)
        with door as one:
            one.send(Request("GET", url)).read()
        assert server.logins == [None, "u:wrong", "a:wrong", "b:right"]
    assert (sources.questions, sources.approved) == (2, [("person", b"b")])


def test_a_user_name_in_the_url_narrows_the_sources(way: Way) -> None:
    url, context = way
    sources = Sources(basic("other", "x"), basic("u", "p"))
    with TunnelProxy("u:p") as server:
        proxy = proxy_of(server, "u")
        door = session(context_for=lambda _: context, proxy_for=lambda _: proxy, proxy_sources=sources)
        with door as one:
            one.send(Request("GET", url)).read()
        assert server.logins == [None, "u:p"]
    assert [one.username for one in sources.wanted] == [b"u"]


def test_user_name_and_password_in_the_url_are_sent_at_once_and_final(way: Way) -> None:
    url, context = way
    sources = Sources(basic("u", "p"))
    with TunnelProxy("u:p") as server:
        error = failure(proxy_of(server, "u", CANARY), url, context, sources)
        assert server.logins == [f"u:{CANARY}"]
        assert isinstance(error, Refused)
        assert error.message == f"the proxy '{server.url}' refused the user name and password of 'https_proxy'"
        assert error.hint == f"leave them out of it and store one: git-helper login --no-check {server.url}"
    assert (sources.wanted, sources.rejected) == ([], [("URL", b"u")])


def test_nobody_knows_it(way: Way) -> None:
    url, context = way
    with TunnelProxy("u:p") as server:
        error = failure(proxy_of(server), url, context, Sources())
        assert isinstance(error, NoCredential)
        assert error.message == (
            f"the proxy '{server.url}' refuses the way to '{url}': 407 Proxy Authentication Required; "
            "asked: netrc, helper, person"
        )
        assert error.hint == f"store one: git-helper login --no-check {server.url}"


def test_without_sources_nobody_is_asked(way: Way) -> None:
    url, context = way
    with TunnelProxy("u:p") as server:
        assert failure(proxy_of(server), url, context, None).message.endswith("; asked: nobody")


def test_every_credential_is_refused(way: Way) -> None:
    url, context = way
    sources = Sources(basic("u", CANARY), basic("u", CANARY), bearer(CANARY))
    with TunnelProxy("u:p") as server:
        error = failure(proxy_of(server), url, context, sources)
        assert error.message == f"the proxy refused every credential for the proxy '{server.url}', from: netrc"
        assert server.logins == [None, f"u:{CANARY}"], "each once, and only user names with passwords"
    assert sources.rejected == [("netrc", b"u")]


@pytest.mark.parametrize(
    ("challenges", "asked"),
    [
        (["Basic realm=x"], True),
        (["Negotiate", "NTLM", "basic realm=x"], True),
        (['Digest realm="a, Basic b", nonce=1, Basic realm=x'], True),
        ([], True),
        (["Negotiate", "NTLM"], False),
        (['Digest realm="Basic"'], False),
    ],
)
def test_a_password_is_sent_only_where_one_is_wanted(way: Way, challenges: list[str], asked: bool) -> None:
    url, context = way
    sources = Sources(basic("u", "p"))
    with TunnelProxy("u:p", challenges=challenges) as server:
        if asked:
            proxy = proxy_of(server)
            door = session(context_for=lambda _: context, proxy_for=lambda _: proxy, proxy_sources=sources)
            with door as one:
                one.send(Request("GET", url)).read()
            return
        error = failure(proxy_of(server), url, context, sources)
        assert isinstance(error, Refused)
        assert error.message.startswith(f"cannot log in to the proxy '{server.url}': it takes no password, only: ")
        assert sources.wanted == []


def test_a_person_who_says_no_is_not_asked_again() -> None:
    class Refusing(Sources):
        def candidates(self, wanted: object, *, ask: bool) -> Iterator[Candidate]:
            self.questions += 1
            yield from self._cancelled()

        def _cancelled(self) -> Iterator[Candidate]:
            raise Cancelled("cancelled")

    sources, context = Refusing(), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with TunnelProxy("u:p") as server:
        proxy = proxy_of(server)
        door = session(context_for=lambda _: context, proxy_for=lambda _: proxy, proxy_sources=sources)
        with door as one:
            for url in ("http://good.example/", "https://evil.example/"):
                with pytest.raises(Cancelled):
                    one.send(Request("GET", url))
    assert sources.questions == 1


def test_many_requests_at_once_ask_one_question() -> None:
    sources = Sources(person=[basic("u", "p", "person")])
    with TunnelProxy("u:p") as server:
        proxy = proxy_of(server)
        with session(proxy_for=lambda _: proxy, proxy_sources=sources) as one:
            ready = threading.Barrier(8)
            came: list[bytes] = []

            def ask(number: int) -> None:
                ready.wait(10)
                came.append(one.send(Request("GET", f"http://h{number}.example/")).read())

            threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(20)
    assert came == [b"proxy"] * 8
    assert (sources.questions, sources.approved) == (1, [("person", b"u")])


def test_what_stopped_working_is_rejected_and_the_next_one_tried() -> None:
    sources = Sources(basic("u", "old"), basic("u", "new"))
    with TunnelProxy("u:old") as server:
        proxy = proxy_of(server)
        with session(proxy_for=lambda _: proxy, proxy_sources=sources) as one:
            one.send(Request("GET", "http://good.example/")).read()
            server.user_password = "u:new"
            one.send(Request("GET", "http://good.example/")).read()
        assert server.logins == [None, "u:old", "u:old", "u:new"]
    assert (sources.approved, sources.rejected) == ([("netrc", b"u")] * 2, [("netrc", b"u")])


def test_proxy_and_server_each_get_their_own(tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    """The same question to both of them, and no answer goes astray."""
    sources = Sources(Candidate("netrc", Credential(b"alice", Secret(b"origin"))))
    guards = Sources(Candidate("netrc", Credential(b"bob", Secret(b"gate"))))
    server = RecordingServer(guarded(Realm("/", [("alice", "origin")])), tls=tls[0])
    with TunnelProxy("bob:gate") as gate, server:
        proxy = proxy_of(gate)
        door = session(sources, context_for=lambda _: tls[1], proxy_for=lambda _: proxy, proxy_sources=guards)
        with door as one:
            assert one.send(Request("GET", server.url)).read() == b"in"
        assert gate.logins == [None, "bob:gate"]
        for secret in ("alice:origin", "origin"):
            assert not any(base64.b64encode(secret.encode()) in head for head in gate.heads)
        assert server.exchanges == [(None, 401), ("alice:origin", 200)]
        assert not any("proxy-authorization" in request.headers for request in server.requests)
    assert [one.host for one in sources.wanted] == [server.netloc.encode()]
    assert [one.host for one in guards.wanted] == [f"127.0.0.1:{proxy.port}".encode()]


def test_a_407_of_a_server_is_none_of_a_proxy() -> None:
    sources = Sources(basic("u", "p"))
    refusing = RecordingServer(lambda request: (407, {"Proxy-Authenticate": "Basic realm=x"}, b""))
    with refusing as server, session(proxy_sources=sources) as one, one.send(Request("GET", server.url)) as response:
        assert response.status == 407
    assert sources.wanted == []


def test_socks_proxies_are_asked_about_like_others() -> None:
    sources = Sources(basic("u", "wrong"), basic("u", "p"))
    with SocksProxy("u:p") as server, RecordingServer() as target:
        proxy = proxy_of(server)
        with session(proxy_for=lambda _: proxy, proxy_sources=sources) as one:
            one.send(Request("GET", target.url)).read()
        assert server.users == ["u:wrong", "u:p"]
    assert [one.protocol for one in sources.wanted] == [b"socks5h"]
    assert (sources.rejected, sources.approved) == ([("netrc", b"u")], [("netrc", b"u")])
