"""The 401 conversation: what is sent, in which order, and who hears of it."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from git_helper.core.chain import Candidate
from git_helper.core.credential import Credential, Description
from git_helper.errors import Cancelled, NoCredential, Refused
from git_helper.net.message import Answered
from git_helper.net.session import URL, Request
from git_helper.secret import Secret
from tests.net.asked import CANARY, Sources, basic, bearer, guarded, session
from tests.servers.recording import RecordingServer
from tests.servers.rules import Realm

REALM = Realm("/", [("alice", "secret")])
TOKEN = "ghp_" + "x" * 36


@pytest.fixture
def server() -> Iterator[RecordingServer]:
    with RecordingServer(guarded(REALM)) as server:
        yield server


def request(server: RecordingServer, user: str | None = None, password: str | None = None, **more: object) -> Request:
    name = None if user is None else user.encode()
    secret = None if password is None else Secret(password.encode())
    return Request("GET", server.url + "/team/x", username=name, password=secret, **more)  # type: ignore[arg-type]


def test_what_is_public_is_asked_for_bare_and_no_source_hears_of_it() -> None:
    sources = Sources(basic("alice", "secret"))
    with RecordingServer() as server, session(sources) as one, one.send(request(server)) as response:
        assert (response.status, response.credential) == (200, None)
    assert server.exchanges == [(None, 200)]
    assert (sources.wanted, sources.approved) == ([], [])


def test_after_401_the_sources_are_asked_and_the_right_one_is_approved(server: RecordingServer) -> None:
    sources = Sources(basic("alice", "secret"))
    with session(sources) as one, one.send(request(server)) as response:
        assert response.read() == b"in"
        assert response.credential == Answered("netrc", b"alice")
    assert server.exchanges == [(None, 401), ("alice:secret", 200)]
    assert (sources.approved, sources.rejected) == ([("netrc", b"alice")], [])
    assert [(one.protocol, one.host, one.path) for one in sources.wanted] == [(b"http", server.netloc.encode(), None)]


def test_a_header_of_the_caller_is_left_alone(server: RecordingServer) -> None:
    """Also when the origin has let us in before: an LFS action carries its own."""
    sources = Sources(basic("alice", "secret"))
    with session(sources) as one:
        one.send(request(server)).close()
        server.forget()
        own = Request("GET", server.url, {"Authorization": "Basic b3duOm93bg=="})
        with one.send(own) as response:
            assert response.status == 401
    assert server.exchanges == [("own:own", 401)]


def test_each_candidate_once_in_order_then_the_person_who_may_try_twice(server: RecordingServer) -> None:
    sources = Sources(
        basic("alice", "old"),
        basic("alice", "old", "helper"),
        basic("bob", "b", "helper"),
        person=[basic("alice", "typo", "person"), basic("alice", "secret", "person")],
    )
    with session(sources) as one, one.send(request(server)) as response:
        assert response.credential == Answered("person", b"alice")
    sent = [pair for pair, _ in server.exchanges]
    assert sent == [None, "alice:old", "bob:b", "alice:typo", "alice:secret"]
    assert sources.rejected == [("netrc", b"alice"), ("helper", b"bob"), ("person", b"alice")]
    assert sources.approved == [("person", b"alice")]


def test_nobody_is_asked_once_someone_was_right(server: RecordingServer) -> None:
    sources = Sources(basic("alice", "secret"), person=[basic("alice", "secret", "person")])
    with session(sources) as one:
        for _ in range(3):
            one.send(request(server)).close()
    assert sources.questions == 0
    assert len(sources.wanted) == 1
    assert [pair for pair, _ in server.exchanges] == [None, *["alice:secret"] * 3]
    assert sources.approved == [("netrc", b"alice")], "approved once"


def test_no_credential_names_who_was_asked_and_what_to_type(server: RecordingServer) -> None:
    with session(Sources()) as one, pytest.raises(NoCredential) as caught:
        one.send(request(server))
    assert caught.value.message == f"no credential for '{server.url}'; asked: netrc, helper, person"
    assert caught.value.hint == f"store one: git-helper login {server.url}"
    assert caught.value.exit_code == 3


def test_refused_candidates_are_another_error(server: RecordingServer) -> None:
    with session(Sources(basic("alice", CANARY))) as one, pytest.raises(Refused) as caught:
        one.send(request(server))
    assert "from: netrc" in caught.value.message
    assert CANARY not in f"{caught.value!r} {caught.value.hint}"


def test_a_full_credential_in_the_url_is_sent_at_once(server: RecordingServer) -> None:
    sources = Sources(basic("alice", "other"))
    with session(sources) as one, one.send(request(server, "alice", "secret")) as response:
        assert response.credential == Answered(URL, b"alice")
    assert server.exchanges == [("alice:secret", 200)]
    assert sources.wanted == []
    assert sources.approved == [(URL, b"alice")]


def test_its_refusal_is_final(server: RecordingServer) -> None:
    sources = Sources(basic("alice", "secret"), person=[basic("alice", "secret", "person")])
    with session(sources) as one, pytest.raises(Refused) as caught:
        one.send(request(server, "alice", CANARY))
    assert server.exchanges == [(f"alice:{CANARY}", 401)]
    assert (sources.wanted, sources.questions, sources.rejected) == ([], 0, [(URL, b"alice")])
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(("user", "password", "pair"), [(None, "p", ":p"), ("üser", "pä✓", "üser:pä✓")])
def test_what_the_url_carries_is_sent_as_utf8(user: str | None, password: str, pair: str) -> None:
    with RecordingServer() as server, session() as one:
        one.send(request(server, user, password)).close()
        assert server.authorizations == ["Basic " + base64.b64encode(pair.encode()).decode()]


def test_a_user_alone_bare_then_an_empty_password_then_the_sources_with_that_name(server: RecordingServer) -> None:
    sources = Sources(basic("bob", "b"), basic("alice", "secret"))
    with session(sources) as one:
        one.send(request(server, "alice")).close()
    assert server.exchanges == [(None, 401), ("alice:", 401), ("alice:secret", 200)]
    assert [wanted.username for wanted in sources.wanted] == [b"alice"]
    assert sources.rejected == [], "an empty password was our own guess"


def test_a_user_that_is_a_token_works_with_an_empty_password() -> None:
    sources = Sources()
    with RecordingServer(guarded(Realm("/", [("tok", "")]))) as server, session(sources) as one:
        one.send(request(server, "tok")).close()
        one.send(request(server, "tok")).close()
    assert server.exchanges == [(None, 401), ("tok:", 200), ("tok:", 200)]
    assert sources.wanted == []


def test_a_user_without_any_password_ends_in_no_credential(server: RecordingServer) -> None:
    with session(Sources()) as one, pytest.raises(NoCredential) as caught:
        one.send(request(server, "alice"))
    assert f"'alice' at '{server.url}'" in caught.value.message
    assert (caught.value.hint or "").endswith(f"git-helper login {server.url} --username alice")


def test_a_name_with_the_shape_of_a_token_is_sent_first_and_never_shown() -> None:
    with RecordingServer(guarded(Realm("/", [(TOKEN, "")]))) as server, session(Sources()) as one:
        with one.send(request(server, TOKEN)) as response:
            assert response.credential == Answered(URL, None)
        assert server.exchanges == [(f"{TOKEN}:", 200)]


def test_a_refused_token_asks_sources_but_not_the_person(server: RecordingServer) -> None:
    sources = Sources(person=[basic(TOKEN, "x", "person")])
    with session(sources) as one, pytest.raises(Refused) as caught:
        one.send(request(server, TOKEN))
    assert server.exchanges == [(f"{TOKEN}:", 401)]
    assert sources.questions == 0
    assert len(sources.wanted) == 1
    assert sources.rejected == [(URL, TOKEN.encode())]
    assert TOKEN not in f"{caught.value} {caught.value.hint}"


def test_bearer_by_authtype() -> None:
    with RecordingServer(guarded(Realm("/", [("", "t0k")], scheme="Bearer"))) as server:
        with session(Sources(bearer("t0k"))) as one:
            one.send(request(server)).close()
        assert server.authorizations == ["Bearer t0k"]


def test_a_credential_that_is_no_header_is_not_sent(server: RecordingServer) -> None:
    sources = Sources(bearer(f"{CANARY}\r\nX-Evil: 1"), basic("alice", "secret"))
    with session(sources) as one:
        one.send(request(server)).close()
    assert server.exchanges == [(None, 401), ("alice:secret", 200)]


def test_half_a_credential_is_not_sent(server: RecordingServer) -> None:
    with session(Sources(Candidate("netrc", Credential(b"alice")))) as one, pytest.raises(NoCredential):
        one.send(request(server))
    assert server.exchanges == [(None, 401)]


def test_a_password_is_kept_from_servers_that_never_want_to_see_one() -> None:
    realm = Realm("/", [("alice", "secret")], challenges=["Negotiate", 'Digest realm="x", nonce="y"'])
    with RecordingServer(guarded(realm)) as server, session(Sources(basic("alice", "secret"))) as one:
        with pytest.raises(NoCredential):
            one.send(request(server))
        assert server.authorizations == []


def test_several_challenges_in_one_header_and_in_several() -> None:
    realm = Realm("/", [("alice", "secret")], challenges=['Negotiate, Basic realm="a, b"', "NTLM"])
    with RecordingServer(guarded(realm)) as server, session(Sources(basic("alice", "secret"))) as one:
        assert one.send(request(server)).status == 200


@pytest.mark.parametrize("status", [403, 404])
def test_only_the_statuses_of_the_request_start_the_search(status: int) -> None:
    sources = Sources(basic("alice", "secret"), person=[basic("alice", "secret", "person")])
    with RecordingServer(guarded(Realm("/", [("alice", "secret")], deny=status))) as server, session(sources) as one:
        assert one.send(request(server)).status == status
        assert sources.wanted == []
        assert one.send(request(server, search=frozenset({401, 403, 404}))).status == 200
        assert server.exchanges == [(None, status), (None, status), ("alice:secret", 200)]


@pytest.mark.parametrize("status", [403, 404])
def test_the_person_is_asked_only_after_401(status: int) -> None:
    sources = Sources(person=[basic("alice", "secret", "person")])
    realm = Realm("/", [("alice", "secret")], deny=status)
    with RecordingServer(guarded(realm)) as server, session(sources) as one:
        response = one.send(request(server, search=frozenset({401, 403, 404})))
        assert (response.status, response.asked) == (status, ("netrc", "helper"))
        assert response.read().endswith(b"\n"), "the first answer"
    assert sources.questions == 0


def test_an_answer_that_is_no_refusal_ends_the_search_and_approves_nobody() -> None:
    realm = Realm("/", [("alice", "secret")], wrong=404)
    sources = Sources(basic("alice", "wrong"), basic("alice", "secret"))
    with RecordingServer(guarded(realm)) as server, session(sources) as one:
        assert one.send(request(server)).status == 404
        assert server.exchanges == [(None, 401), ("alice:wrong", 404)]
    assert (sources.approved, sources.rejected) == ([], [])


def test_no_search_is_no_search(server: RecordingServer) -> None:
    sources = Sources(basic("alice", "secret"))
    with session(sources) as one:
        assert one.send(request(server, search=frozenset())).status == 401
        assert one.send(request(server, "alice", "wrong", search=frozenset())).status == 401
    assert (sources.wanted, sources.rejected) == ([], [])


def test_a_body_is_sent_anew_with_each_credential(server: RecordingServer) -> None:
    with session(Sources(basic("alice", "secret"))) as one:
        one.send(Request("POST", server.url, {"Content-Type": "text/x"}, b"body")).close()
    assert [(one.content, one.headers["content-type"]) for one in server.requests] == [(b"body", "text/x")] * 2


def test_the_path_reaches_the_sources_and_divides_what_is_remembered(server: RecordingServer) -> None:
    sources = Sources(basic("alice", "secret"))
    with session(sources) as one:
        for path in (b"team/x", b"team/y", b"team/x"):
            one.send(request(server, path=path)).close()
    assert [wanted.path for wanted in sources.wanted] == [b"team/x", b"team/y"]
    assert [status for _, status in server.exchanges] == [401, 200, 401, 200, 200]


def test_what_worked_elsewhere_is_not_erased_where_it_is_refused() -> None:
    realms = [Realm("/a", [("alice", "secret")]), Realm("/b", [("bob", "b")])]
    sources = Sources(basic("alice", "secret"), basic("bob", "b"))
    with RecordingServer(guarded(*realms)) as server, session(sources) as one:
        for path in ("/a/1", "/b/1", "/a/2", "/b/2"):
            assert one.send(Request("GET", server.url + path)).status == 200
        pairs = [pair for pair, _ in server.exchanges]
    assert pairs == [None, "alice:secret", "alice:secret", "bob:b", "alice:secret", "bob:b"]
    assert sources.rejected == []
    assert len(sources.wanted) == 1, "the second look goes on where the first stopped"


def test_two_users_of_one_origin_are_kept_apart() -> None:
    realms = [Realm("/a", [("alice", "a")]), Realm("/b", [("bob", "b")])]
    sources = Sources(basic("alice", "a"), basic("bob", "b"))
    with RecordingServer(guarded(*realms)) as server, session(sources) as one:
        for _ in range(2):
            one.send(Request("GET", server.url + "/a/", username=b"alice")).close()
            one.send(Request("GET", server.url + "/b/", username=b"bob")).close()
        assert [pair for pair, status in server.exchanges if status == 200] == ["alice:a", "bob:b"] * 2
        assert len(server.exchanges) == 8


def test_an_expired_credential_is_not_used_again() -> None:
    fresh = Candidate("helper", Credential(b"alice", Secret(b"secret"), expiry=1))
    sources = Sources(fresh)
    with RecordingServer(guarded(REALM)) as server, session(sources) as one:
        one.send(request(server)).close()
        one.send(request(server)).close()
        assert [status for _, status in server.exchanges] == [401, 200, 401, 200]


def test_what_was_refused_is_not_tried_for_every_path(server: RecordingServer) -> None:
    sources = Sources(basic("alice", "old"))
    with session(sources) as one:
        for path in ("/x", "/y", "/z"):
            with pytest.raises(Refused, match="from: netrc"):
                one.send(Request("GET", server.url + path))
    assert [pair for pair, _ in server.exchanges].count("alice:old") == 1
    assert len(sources.rejected) == 1


def test_a_person_who_cancels_is_not_asked_again(server: RecordingServer) -> None:
    class Cancelling(Sources):
        def scoped(self, wanted: Description) -> Description:
            return wanted

        def candidates(self, wanted: Description, *, ask: bool) -> Iterator[Candidate]:
            self.questions += 1
            yield from ()
            raise Cancelled("cancelled")

    sources = Cancelling()
    with session(sources) as one:
        for _ in range(2):
            with pytest.raises(Cancelled):
                one.send(request(server))
    assert sources.questions == 1


def test_without_credentials_only_what_the_url_carries_is_sent(server: RecordingServer) -> None:
    with session() as one:
        with pytest.raises(NoCredential):
            one.send(request(server))
        assert one.send(request(server, "alice", "secret")).status == 200
        assert one.send(request(server)).status == 200, "the same origin"


def test_a_probe_asks_nobody_and_follows_nothing(server: RecordingServer) -> None:
    sources = Sources(basic("alice", "secret"))
    with session(sources) as one:
        assert one.get(server.url).status == 401
        answer = one.get(server.url, Secret(b"Basic " + base64.b64encode(b"alice:secret")))
        assert answer.status == 200
        assert answer.headers["content-length"] == "2"
    assert sources.wanted == []
