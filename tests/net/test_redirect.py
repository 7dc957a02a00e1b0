"""Redirects: followed for GET and HEAD only, never out of https, and nothing secret goes along to another origin."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
import trustme

from git_helper.errors import GitHelperError, NoCredential, Unreachable
from git_helper.net.message import Answered
from git_helper.net.session import Redirected, Request
from git_helper.net.target import Target
from git_helper.secret import Secret
from tests.net.asked import CANARY, Sources, basic, guarded, session
from tests.servers.recording import RecordingServer
from tests.servers.rules import Realm, Redirect

PASSWORD = Secret(CANARY.encode())


def to(location: str | None, status: int = 302) -> RecordingServer:
    """A server that sends everybody there."""
    headers = {} if location is None else {"Location": location}
    return RecordingServer(lambda request: (status, headers, b"go away"))


@dataclass
class Trust:
    """A private authority, and what both sides make of it."""

    authority: trustme.CA
    client: ssl.SSLContext

    def server(self, *names: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert(*names).configure_cert(context)
        return context

    def context_for(self, target: Target) -> ssl.SSLContext:
        return self.client


@pytest.fixture(scope="module")
def trust() -> Trust:
    authority, client = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(client)
    return Trust(authority, client)


@pytest.fixture
def elsewhere() -> Iterator[RecordingServer]:
    with RecordingServer() as server:
        yield server


def carrying(server: RecordingServer, path: str = "/s", method: str = "GET", **more: object) -> Request:
    return Request(method, server.url + path, username=b"u", password=PASSWORD, **more)  # type: ignore[arg-type]


def test_the_same_origin_keeps_the_credential_and_the_final_url() -> None:
    script = Redirect("/old", "/new").response

    with RecordingServer(lambda one: script(one) if one.path.startswith("/old") else (200, {}, b"x")) as server:
        with session() as one, one.send(carrying(server, "/old/a?b=c")) as response:
            assert response.url == server.url + "/new/a?b=c"
            assert response.credential == Answered("URL", b"u")
        assert server.exchanges == [(f"u:{CANARY}", 302), (f"u:{CANARY}", 200)]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_another_port_gets_nothing(elsewhere: RecordingServer, status: int) -> None:
    with to(elsewhere.url + "/t", status) as server, session() as one:
        headers = {"Accept": "a/b", "Git-Protocol": "version=2", "X-Extra": CANARY, "Cookie": CANARY}
        with one.send(carrying(server, headers=headers)) as response:
            assert (response.url, response.credential) == (elsewhere.url + "/t", None)
    (seen,) = elsewhere.requests
    assert CANARY not in str(seen.header_lines)
    assert seen.authorization is None
    assert (seen.headers["accept"], seen.headers["git-protocol"]) == ("a/b", "version=2")
    assert server.requests[0].headers["x-extra"] == CANARY


@pytest.mark.parametrize("host", ["127.0.0.2", "::1"])
def test_another_host_on_the_same_machine_gets_nothing(host: str) -> None:
    with RecordingServer(host=host) as there, to(there.url) as server, session() as one:
        one.send(carrying(server)).close()
        assert there.authorizations == []


def test_localhost_is_another_host_than_its_address(elsewhere: RecordingServer) -> None:
    with session() as one, to(f"http://localhost:{elsewhere.port}/t") as server:
        one.send(carrying(server)).close()
    assert elsewhere.exchanges == [(None, 200)]


def test_what_was_found_for_one_origin_is_not_used_for_the_next() -> None:
    with ExitStack() as stack:
        there = stack.enter_context(RecordingServer(guarded(Realm("/", [("alice", "there")]))))
        realm = Realm("/", [("alice", "here")])
        go = Redirect("/", there.url)
        here = stack.enter_context(
            RecordingServer(lambda one: go.response(one) if realm.admit(one) else realm.refuse(one))
        )
        sources = Sources(basic("alice", "here"), basic("alice", "there", "helper"))
        one = stack.enter_context(session(sources))
        one.send(Request("GET", here.url + "/x")).close()
        assert [wanted.host for wanted in sources.wanted] == [here.netloc.encode(), there.netloc.encode()]
        assert here.exchanges == [(None, 401), ("alice:here", 302)]
        assert there.exchanges == [(None, 401), ("alice:here", 401), ("alice:there", 200)], "as its own sources say"
        assert sources.approved == [("netrc", b"alice"), ("helper", b"alice")]


def test_a_redirect_that_ends_in_an_error_approves_nobody(elsewhere: RecordingServer) -> None:
    elsewhere.script = lambda request: (500, {}, b"")
    sources = Sources()
    with to(elsewhere.url) as server, session(sources) as one:
        assert one.send(carrying(server)).status == 500
    assert sources.approved == []


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_post_is_not_sent_elsewhere(elsewhere: RecordingServer, method: str) -> None:
    with to(elsewhere.url + "/new", 307) as server, session() as one, pytest.raises(Redirected) as caught:
        one.send(carrying(server, method=method, body=b"x"))
    assert caught.value.url == elsewhere.url + "/new"
    assert elsewhere.requests == []


def test_head_follows(elsewhere: RecordingServer) -> None:
    with to(elsewhere.url) as server, session() as one:
        assert one.send(Request("HEAD", server.url)).status == 200
    assert [seen.method for seen in elsewhere.requests] == ["HEAD"]


def test_never_from_https_to_http(trust: Trust) -> None:
    with RecordingServer() as plain, session(context_for=trust.context_for) as one:
        with RecordingServer(tls=trust.server("127.0.0.1")) as server:
            server.script = lambda request: (302, {"Location": plain.url}, b"")
            with pytest.raises(Unreachable, match="not encrypted"):
                one.send(carrying(server))
        assert plain.requests == []


def test_from_http_to_https_without_the_credential(trust: Trust) -> None:
    with RecordingServer(tls=trust.server("127.0.0.1")) as safe, to(safe.url) as server:
        with session(context_for=trust.context_for) as one:
            one.send(carrying(server)).close()
        assert safe.exchanges == [(None, 200)]


def test_every_hop_is_trusted_anew(trust: Trust) -> None:
    other = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trustme.CA().configure_trust(other)
    with ExitStack() as stack:
        there = stack.enter_context(RecordingServer(tls=trust.server("127.0.0.1")))
        here = stack.enter_context(RecordingServer(tls=trust.server("127.0.0.1")))
        here.script = lambda request: (302, {"Location": there.url}, b"")
        trusts = {here.port: trust.client, there.port: other}
        one = stack.enter_context(session(context_for=lambda target: trusts[target.origin.port]))
        with pytest.raises(Unreachable, match="unknown authority") as caught:
            one.send(Request("GET", here.url))
        assert there.netloc in caught.value.message
        assert there.requests == []


def test_ten_are_followed_and_no_more() -> None:
    def step(left: int) -> RecordingServer:
        return RecordingServer(
            lambda one: (302, {"Location": f"/{int(one.path[1:]) - 1}"}, b"") if one.path != "/0" else (200, {}, b"")
        )

    with step(10) as server, session() as one:
        assert one.send(Request("GET", server.url + "/10")).status == 200
        server.forget()
        with pytest.raises(Unreachable, match="more than 10"):
            one.send(Request("GET", server.url + "/11"))
        assert len(server.requests) == 11


def test_a_circle_ends() -> None:
    with to("/same") as server, session() as one, pytest.raises(Unreachable, match="more than 10"):
        one.send(Request("GET", server.url + "/same"))


@pytest.mark.parametrize(
    ("location", "says"),
    [
        (None, "it names no place"),
        ("ftp://good.example/x", "'ftp' is not supported"),
        ("file:///etc/passwd", "no http or https URL"),
        ("data:text/html,x", "it is no URL"),
        ("http://user/name:pw@good.example/t/", "unclear where the user name and password end"),
        ("http://good.example\\@evil.example/", "cannot follow"),
        ("http://good.example:99999/", "port"),
        ("//[::1/", "cannot follow"),
        ("http://good.example/%0d%0ax", "control character"),
        ("http:///x", "names no host"),
    ],
)
def test_a_place_that_cannot_be_followed(location: str | None, says: str) -> None:
    with to(location) as server, session() as one, pytest.raises(Unreachable) as caught:
        one.send(carrying(server))
    assert says in caught.value.message
    assert "pw@" not in caught.value.message
    assert "cannot follow the redirect of '" + server.url in caught.value.message


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/a b/ü", "/a%20b/%C3%BC"),
        ("next?x=1#fragment", "/s/next?x=1"),
        ("?q", "/s/here?q"),
        ("", "/s/here"),
    ],
)
def test_relative_and_careless_places(location: str, target: str) -> None:
    answers = iter([(302, {"Location": location.encode().decode("latin-1")}, b""), (200, {}, b"")])
    with RecordingServer(lambda one: next(answers)) as server, session() as one:
        assert one.send(Request("GET", server.url + "/s/here")).url == server.url + target
        assert server.requests[-1].target == target


def test_userinfo_of_the_new_place_is_for_the_new_place(elsewhere: RecordingServer) -> None:
    location = f"http://x:y@{elsewhere.netloc}/t"
    with to(location) as server, session() as one, one.send(carrying(server)) as response:
        assert response.url == elsewhere.url + "/t"
    assert elsewhere.exchanges == [("x:y", 200)]


def test_signatures_in_urls_are_not_shown(elsewhere: RecordingServer) -> None:
    elsewhere.script = guarded(Realm("/", [("a", "b")]))
    with to(f"{elsewhere.url}/x?X-Amz-Signature={CANARY}&v=1") as server, session() as one:
        with pytest.raises(GitHelperError) as caught:
            one.send(Request("GET", server.url))
        assert isinstance(caught.value, NoCredential)
        elsewhere.script = lambda request: (302, {"Location": f"/?token={CANARY}"}, b"")
        with pytest.raises(Unreachable) as other:
            one.send(Request("GET", f"{elsewhere.url}/x?token={CANARY}"))
    assert CANARY not in f"{caught.value} {other.value}"
    assert CANARY not in repr(Request("GET", f"{elsewhere.url}/x?token={CANARY}", {"X": CANARY}, password=PASSWORD))
