"""The conversation with a registry: what is sent in which order, who is asked, and how often."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest

from git_helper.core.chain import Candidate
from git_helper.core.credential import Credential, Description
from git_helper.core.indexes import CredentialsWithNever, Index, Wanted
from git_helper.errors import Cancelled, GitHelperError, NoCredential, Refused
from git_helper.net.message import Answered, Response
from git_helper.net.registry_conversation import AmbiguousCredentials, MissingCredentials
from git_helper.net.registry_memory import Found, RealmCache
from git_helper.net.remembered import Known
from git_helper.net.session import Session
from git_helper.registry.client import Client
from git_helper.secret import Secret
from tests.net.asked import CANARY, Told, basic, bearer, guarded, no_tls
from tests.servers.http_message import Request
from tests.servers.recording import Answer, RecordingServer
from tests.servers.rules import Realm, Redirect

IN = [("u", "p")]
TOKEN = "ghp_" + "x" * 36


class Asked(Told):
    """Answers with the first of `known` that fits; the `person`, if there is one; keeps what it is told."""

    def __init__(
        self, *known: Candidate | GitHelperError, person: Sequence[Candidate | Cancelled] | None = None
    ) -> None:
        super().__init__()
        self.known = known
        self.answers = person
        self.wanted: list[Wanted] = []
        self.questions = 0
        self.pause = 0.0

    def first(self, wanted: Wanted) -> Found:
        with self._lock:
            self.wanted.append(wanted)
        time.sleep(self.pause)
        for one in self.known:
            if isinstance(one, GitHelperError):
                raise one
            if wanted.username in (None, one.credential.username):
                return Found(one, ("netrc",))
        return Found(None, ("netrc", "file"))

    def person(self, wanted: Wanted) -> Iterator[Candidate] | None:
        return None if self.answers is None else self._answer(self.answers)

    def _answer(self, answers: Sequence[Candidate | Cancelled]) -> Iterator[Candidate]:
        for one in answers:
            self.questions += 1
            if isinstance(one, Cancelled):
                raise one
            yield one


@contextmanager
def client(asked: Asked | None = None, *indexes: str | Index) -> Iterator[Client]:
    parsed = [one if isinstance(one, Index) else Index.parse(one) for one in indexes]
    with Session(no_tls, 10.0, for_registries=asked) as session:
        yield Client(session, parsed)


@pytest.fixture
def server() -> Iterator[RecordingServer]:
    with RecordingServer(guarded(Realm("/s/", IN))) as server:
        yield server


def url(server: RecordingServer, userinfo: str = "", path: str = "/s/") -> str:
    return f"http://{userinfo}{server.netloc}{path}"


def fetched(one: Client, where: str) -> Response:
    with one.get(where) as response:
        response.read()
        return response


# What a URL carries


def test_full_userinfo_at_once_and_401_is_final(server: RecordingServer) -> None:
    asked = Asked(basic("u", "p"), person=[basic("u", "p", "person")])
    with client(asked) as one:
        assert fetched(one, url(server, "u:p@")).credential == Answered("URL", b"u")
    with client(asked) as one, pytest.raises(Refused) as caught:
        one.get(url(server, f"u:{CANARY}@"))
    assert server.exchanges == [("u:p", 200), (f"u:{CANARY}", 401)]
    assert (asked.wanted, asked.questions) == ([], 0)
    assert CANARY not in f"{caught.value} {caught.value.hint}"
    assert "401" in caught.value.message


@pytest.mark.parametrize(("userinfo", "pair"), [("u:@", "u:"), (":p@", ":p"), ("%C3%BC%40:%2F%25@", "ü@:/%")])
def test_any_userinfo_with_a_password_is_full(userinfo: str, pair: str) -> None:
    asked = Asked(basic("u", "p"))
    with RecordingServer() as server, client(asked) as one:
        fetched(one, url(server, userinfo))
        assert server.exchanges == [(pair, 200)]
    assert asked.wanted == []


def test_what_the_index_url_carries_serves_its_pages_and_files(server: RecordingServer) -> None:
    with client(Asked(), url(server, "u:p@", "/s/simple/")) as one:
        for path in ("/s/simple/", "/s/simple/a/", "/s/files/a.whl", "/s/b.whl"):
            fetched(one, url(server, path=path))
    assert server.exchanges == [("u:p", 200)] * 4


def test_the_url_comes_before_its_index_and_takes_only_what_is_of_the_same_user(server: RecordingServer) -> None:
    with client(Asked(), url(server, "u:p@")) as one:
        fetched(one, url(server, "u@", "/s/a"))
        with pytest.raises(NoCredential):
            one.get(url(server, "x@", "/s/b"))
    assert server.exchanges == [("u:p", 200), ("x:", 401)]


def test_the_index_with_the_longest_root_counts() -> None:
    realms = [Realm("/", [("root", "r")]), Realm("/deep/", [("d", "d")])]
    with RecordingServer(guarded(*realms)) as server:
        with client(Asked(), url(server, "root:r@", "/"), url(server, "d:d@", "/deep/")) as one:
            for path in ("/deep/x", "/deeper/x", "/deep/../x"):
                fetched(one, url(server, path=path))
        assert [pair for pair, _ in server.exchanges] == ["d:d", "root:r", "root:r"]


def test_a_token_in_place_of_a_name_is_sent_and_nobody_is_told_it() -> None:
    asked = Asked(basic(TOKEN, "x"), person=[])
    with RecordingServer(guarded(Realm("/", IN))) as server, client(asked) as one, pytest.raises(Refused) as caught:
        one.get(url(server, f"{TOKEN}@"))
    assert server.exchanges == [(f"{TOKEN}:", 401)]
    assert asked.wanted == []
    assert TOKEN not in f"{caught.value} {caught.value.hint}"


# A user name alone


def test_for_a_user_the_sources_come_before_the_first_request(server: RecordingServer) -> None:
    asked = Asked(basic("x", "x"), basic("u", "p"))
    with client(asked, url(server, "u@")) as one:
        for path in ("/s/a", "/s/b"):
            assert fetched(one, url(server, path=path)).credential == Answered("netrc", b"u")
    assert server.exchanges == [("u:p", 200)] * 2
    assert [(wanted.username, wanted.service, wanted.path) for wanted in asked.wanted] == [(b"u", url(server), b"s")]


def test_a_user_whom_nobody_knows_gets_an_empty_password_then_the_person(server: RecordingServer) -> None:
    asked = Asked(person=[basic("u", "typo", "person"), basic("u", "p", "person")])
    with client(asked, url(server, "u@")) as one:
        assert fetched(one, url(server)).credential == Answered("person", b"u")
    assert server.exchanges == [("u:", 401), ("u:typo", 401), ("u:p", 200)]
    assert asked.approved == [("person", b"u")]


def test_an_empty_password_is_guessed_once(server: RecordingServer) -> None:
    with client(Asked(), url(server, "u@")) as one:
        for path in ("/s/a", "/s/b"):
            with pytest.raises(NoCredential, match="asked: netrc, file"):
                one.get(url(server, path=path))
    assert server.exchanges == [("u:", 401)], "an account could be locked"


# Nothing


def test_the_first_source_decides_then_the_person(server: RecordingServer) -> None:
    asked = Asked(basic("u", "old"), basic("u", "p"), person=[basic("u", "p", "person")])
    with client(asked, url(server)) as one:
        fetched(one, url(server))
    assert server.exchanges == [(None, 401), ("u:old", 401), ("u:p", 200)]
    assert (asked.rejected, asked.approved) == ([("netrc", b"u")], [("person", b"u")])


def test_what_was_refused_is_not_sent_again_for_the_same_index(server: RecordingServer) -> None:
    asked = Asked(basic("u", CANARY))
    with client(asked, url(server)) as one:
        for path in ("/s/a", "/s/b"):
            with pytest.raises(Refused, match="from: netrc") as caught:
                one.get(url(server, path=path))
    assert server.exchanges == [(None, 401), (f"u:{CANARY}", 401), (None, 401)]
    assert len(asked.wanted) == 1
    assert CANARY not in str(caught.value)
    assert (caught.value.hint or "").endswith(f"git-helper login {server.url}")


def test_twenty_projects_of_an_index_cost_one_refusal(server: RecordingServer) -> None:
    asked = Asked(basic("u", "p"))
    with client(asked, url(server)) as one:
        for number in range(20):
            fetched(one, url(server, path=f"/s/project{number}/"))
    assert [status for _, status in server.exchanges] == [401] + [200] * 20
    assert (len(asked.wanted), asked.approved) == (1, [("netrc", b"u")])


def test_what_let_us_in_is_tried_at_once_everywhere_in_the_realm() -> None:
    with RecordingServer(guarded(Realm("/", IN))) as server, client(Asked(basic("u", "p")), url(server)) as one:
        for path in ("/s/", "/elsewhere/x.whl"):
            fetched(one, url(server, path=path))
        assert server.exchanges == [(None, 401), ("u:p", 200), ("u:p", 200)]


def test_what_another_index_of_the_realm_carries_is_the_first_source() -> None:
    asked = Asked(basic("x", "x"))
    with RecordingServer(guarded(Realm("/files/", IN))) as server, client(asked, url(server, "u:p@")) as one:
        assert fetched(one, url(server, path="/files/x.whl")).credential == Answered("URL", b"u")
        assert server.exchanges == [(None, 401), ("u:p", 200)]
    assert asked.wanted == []


@pytest.mark.parametrize("deny", [403, 404])
def test_what_is_hidden_is_searched_for_too(deny: int) -> None:
    asked = Asked(basic("u", "p"), person=[])
    with RecordingServer(guarded(Realm("/s/", IN, deny=deny))) as server, client(asked, url(server)) as one:
        assert fetched(one, url(server)).status == 200
        assert server.exchanges == [(None, deny), ("u:p", 200)]


@pytest.mark.parametrize("deny", [403, 404])
@pytest.mark.parametrize("known", [[], [basic("u", "wrong")]])
def test_a_fruitless_search_gives_the_first_answer_and_who_was_asked(deny: int, known: list[Candidate]) -> None:
    asked = Asked(*known, person=[basic("u", "p", "person")])
    realm = Realm("/s/", IN, deny=deny, wrong=401)
    with RecordingServer(guarded(realm)) as server, client(asked, url(server)) as one, one.get(url(server)) as response:
        assert (response.status, response.credential) == (deny, None)
        assert response.asked == (("netrc",) if known else ("netrc", "file"))
        assert response.read()
    assert asked.questions == 0, "a person is asked after 401 only"


@pytest.mark.parametrize("wrong", [403, 404])
def test_the_answer_to_a_credential_after_401_stands(wrong: int) -> None:
    """Authenticated, and the file is not there, or not for this user."""
    asked = Asked(basic("u", "other"), person=[])
    realm = Realm("/s/", IN, wrong=wrong)
    with RecordingServer(guarded(realm)) as server, client(asked, url(server)) as one, one.get(url(server)) as response:
        assert (response.status, response.asked) == (wrong, ("netrc",))
    assert (asked.approved, asked.rejected) == ([], [])


def test_a_missing_project_of_an_index_that_let_us_in_is_just_missing(server: RecordingServer) -> None:
    server.script = lambda request: (404, {}, b"") if "gone" in request.path else guarded(Realm("/", IN))(request)
    asked = Asked(basic("u", "p"))
    with client(asked, url(server)) as one:
        fetched(one, url(server))
        assert fetched(one, url(server, path="/s/gone/")).status == 404
    assert server.exchanges == [(None, 401), ("u:p", 200), ("u:p", 404)]


def test_two_indexes_of_one_host_with_an_account_each() -> None:
    """GitLab answers 404 to a token of another project."""
    realms = [Realm("/a/", [("a", "1")], deny=404), Realm("/b/", [("b", "2")], deny=404)]

    class ByPath(Asked):
        def first(self, wanted: Wanted) -> Found:
            self.wanted.append(wanted)
            return Found(basic("a", "1", "file") if wanted.path == b"a" else basic("b", "2", "file"), ("file",))

    asked = ByPath()
    with RecordingServer(guarded(*realms)) as server:
        with client(asked, url(server, path="/a/"), url(server, path="/b/")) as one:
            for path in ("/a/1", "/b/1", "/a/2", "/b/2"):
                assert fetched(one, url(server, path=path)).status == 200
        pairs = [pair for pair, _ in server.exchanges]
    assert pairs == [None, "a:1", "a:1", "b:2", "a:1", "b:2"]
    assert len(asked.wanted) == 2


def test_a_source_with_several_users_is_an_error_after_401_and_named_after_404(server: RecordingServer) -> None:
    several = AmbiguousCredentials("several", "name the user in the URL", ("netrc", "file"))
    with client(Asked(several), url(server)) as one, pytest.raises(AmbiguousCredentials):
        one.get(url(server))
    server.script = lambda request: (404, {}, b"")
    with client(Asked(several), url(server)) as one:
        assert fetched(one, url(server)).asked == ("netrc", "file")


def test_a_password_is_kept_from_servers_that_never_want_to_see_one() -> None:
    realm = Realm("/s/", IN, challenges=["Negotiate", 'Digest realm="x", nonce="y"'])
    with RecordingServer(guarded(realm)) as server, client(Asked(basic("u", "p")), url(server)) as one:
        with pytest.raises(NoCredential, match="takes none"):
            one.get(url(server))
        assert server.authorizations == []


def test_a_credential_that_is_no_header_is_not_sent(server: RecordingServer) -> None:
    with client(Asked(bearer(f"{CANARY}\r\nX-Evil: 1")), url(server)) as one, pytest.raises(NoCredential):
        one.get(url(server))
    assert server.exchanges == [(None, 401)]


def test_without_sources_only_what_urls_carry_is_sent(server: RecordingServer) -> None:
    with client(None, url(server)) as one:
        with pytest.raises(NoCredential, match=r"\(the server answered 401\); asked: nobody"):
            one.get(url(server))
        assert fetched(one, url(server, "u:p@")).status == 200
        assert fetched(one, url(server)).status == 200, "the same realm"


def test_a_person_who_cancels_is_not_asked_again(server: RecordingServer) -> None:
    asked = Asked(person=[Cancelled("cancelled")])
    with client(asked, url(server)) as one:
        for _ in range(2):
            with pytest.raises(Cancelled):
                one.get(url(server))
    assert asked.questions == 1


# always and never


def policy(server: RecordingServer, authenticate: str, userinfo: str = "") -> Index:
    return Index.parse(url(server, userinfo), authenticate=authenticate)  # type: ignore[arg-type]


@pytest.mark.parametrize("userinfo", ["", "u@"])
def test_always_sends_nothing_without_a_credential(server: RecordingServer, userinfo: str) -> None:
    with client(Asked(), policy(server, "always", userinfo)) as one, pytest.raises(MissingCredentials) as caught:
        one.get(url(server))
    assert server.exchanges == []
    assert f"'{url(server)}'" in caught.value.message
    assert "asked: netrc, file" in caught.value.message


def test_always_looks_first_or_asks_the_person(server: RecordingServer) -> None:
    with client(Asked(basic("u", "p")), policy(server, "always")) as one:
        fetched(one, url(server))
    with client(Asked(person=[basic("u", "p", "person")]), policy(server, "always")) as one:
        fetched(one, url(server))
    assert server.exchanges == [("u:p", 200)] * 2


def test_never_asks_nobody_and_sends_nothing(server: RecordingServer) -> None:
    asked = Asked(basic("u", "p"), person=[])
    with client(asked, policy(server, "never")) as one:
        with pytest.raises(NoCredential, match="never to be authenticated"):
            one.get(url(server))
        with pytest.raises(CredentialsWithNever):
            one.get(url(server, "u:p@"))
    assert (server.exchanges, asked.wanted) == ([(None, 401)], [])


def test_never_keeps_out_what_another_index_has_learnt() -> None:
    with RecordingServer() as server, client(Asked(), url(server, "u:p@", "/a/"), policy(server, "never")) as one:
        fetched(one, url(server, path="/a/"))
        fetched(one, url(server))
        assert server.exchanges == [("u:p", 200), (None, 200)]


# Many at once


def at_once(one: Client, urls: Sequence[str]) -> list[int]:
    with ThreadPoolExecutor(len(urls)) as pool:
        return [response.status for response in pool.map(lambda where: fetched(one, where), urls)]


@pytest.mark.parametrize("userinfo", ["", "u@"])
def test_many_at_once_ask_once(server: RecordingServer, userinfo: str) -> None:
    asked = Asked(basic("u", "p"))
    asked.pause = 0.2
    with client(asked, url(server, userinfo)) as one:
        assert at_once(one, [url(server, path=f"/s/{number}") for number in range(12)]) == [200] * 12
    assert (len(asked.wanted), asked.approved) == (1, [("netrc", b"u")])
    sent = [pair for pair, _ in server.exchanges]
    assert sent.count("u:p") == 12
    assert sent.count(None) <= (0 if userinfo else 12)


def test_many_at_once_share_a_failure(server: RecordingServer) -> None:
    asked = Asked(person=[basic("u", "wrong", "person")])
    asked.pause = 0.2
    with client(asked, url(server)) as one, ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(fetched, one, url(server, path=f"/s/{number}")) for number in range(8)]
        assert {type(job.exception()) for job in jobs} == {Refused}
    assert (len(asked.wanted), asked.questions) == (1, 1)
    assert [pair for pair, _ in server.exchanges].count("u:wrong") == 1


def test_what_is_known_to_work_is_not_sent_one_after_the_other(server: RecordingServer) -> None:
    """The desk is for questions: downloads do not queue there."""
    together = threading.Barrier(4, timeout=10)
    door = guarded(Realm("/s/", IN))

    def script(request: Request) -> Answer:
        if request.authorization is not None and request.path != "/s/first":
            together.wait()
        return door(request)

    server.script = script
    with client(Asked(basic("u", "p")), url(server)) as one:
        fetched(one, url(server, path="/s/first"))
        assert at_once(one, [url(server, path=f"/s/{number}") for number in range(4)]) == [200] * 4


def test_who_waited_for_the_search_does_not_queue_after_it(server: RecordingServer) -> None:
    together = threading.Barrier(3, timeout=10)
    door = guarded(Realm("/s/", IN))
    let_in = iter([False, True, True, True])

    def script(request: Request) -> Answer:
        if request.authorization is not None and next(let_in):
            together.wait()
        return door(request)

    server.script = script
    asked = Asked(basic("u", "p"))
    asked.pause = 1.0  # all of them have been refused by then
    with client(asked, url(server)) as one:
        assert at_once(one, [url(server, path=f"/s/{number}") for number in range(4)]) == [200] * 4


# Redirects


def test_every_hop_is_decided_by_its_own_place() -> None:
    with ExitStack() as stack:
        there = stack.enter_context(RecordingServer(guarded(Realm("/t/", [("v", "q")]))))
        here = stack.enter_context(RecordingServer(Redirect("/s/", there.url + "/t/").response))
        one = stack.enter_context(client(Asked(), url(here, "u:p@"), url(there, "v:q@", "/t/")))
        assert fetched(one, url(here)).credential == Answered("URL", b"v")
        assert (here.exchanges, there.exchanges) == ([("u:p", 302)], [("v:q", 200)])


def test_userinfo_of_a_url_stays_at_its_origin() -> None:
    with RecordingServer() as there, RecordingServer(Redirect("/s/", there.url).response) as here, client() as one:
        fetched(one, url(here, "u:p@"))
        assert (here.exchanges, there.exchanges) == ([("u:p", 302)], [(None, 200)])


def test_sources_are_asked_anew_for_where_a_redirect_leads() -> None:
    with ExitStack() as stack:
        there = stack.enter_context(RecordingServer(guarded(Realm("/t/", IN))))
        here = stack.enter_context(RecordingServer(Redirect("/s/", there.url + "/t/").response))
        asked = Asked(basic("u", "p"))
        one = stack.enter_context(client(asked, url(here, "x:y@")))
        fetched(one, url(here))
        assert there.exchanges == [(None, 401), ("u:p", 200)]
        assert [wanted.host for wanted in asked.wanted] == [there.netloc.encode()]


@pytest.mark.parametrize("query", ["X-Amz-Signature=s", "sig=s", "token=s", "a=b&X-Goog-Signature=s"])
@pytest.mark.parametrize("status", [200, 401, 403, 404])
def test_a_storage_host_with_a_signed_url_gets_nothing(query: str, status: int) -> None:
    asked = Asked(basic("u", "p"), person=[])
    with ExitStack() as stack:
        there = stack.enter_context(RecordingServer(lambda request: (status, {}, b"")))
        here = stack.enter_context(
            RecordingServer(lambda request: (302, {"Location": f"{there.url}/blob?{query}"}, b""))
        )
        one = stack.enter_context(client(asked, url(here, "x:y@")))
        assert fetched(one, url(here)).status == status
        assert there.exchanges == [(None, status)]
    assert asked.wanted == []


def test_a_signature_of_the_persons_own_url_forbids_nothing(server: RecordingServer) -> None:
    with client(Asked(basic("u", "p"))) as one:
        assert fetched(one, url(server, path="/s/?token=x")).status == 200


def test_userinfo_of_a_redirect_is_for_its_hop_alone() -> None:
    def there(request: Request) -> tuple[int, dict[str, str], bytes]:
        return (302, {"Location": "/t/2"}, b"") if request.path == "/t/1" else (200, {}, b"")

    with RecordingServer(there) as target:
        location = f"http://x:y@{target.netloc}/t/1"
        with RecordingServer(lambda request: (302, {"Location": location}, b"")) as here, client(Asked()) as one:
            fetched(one, url(here))
        fetched_again = url(target, path="/t/1")
        with client(Asked()) as one:
            fetched(one, fetched_again)
        assert target.exchanges == [("x:y", 302), (None, 200), (None, 302), (None, 200)]


def test_a_redirect_to_a_page_for_people_approves_nobody(server: RecordingServer) -> None:
    asked = Asked(basic("u", "p"))
    door = guarded(Realm("/s/", IN))
    server.script = lambda request: (500, {}, b"") if request.path == "/broken" else door(request)
    broken = {"Location": server.url + "/broken"}
    with RecordingServer(lambda request: (302, broken, b"")) as here, client(asked, url(here, "u:p@")) as one:
        assert fetched(one, url(here)).status == 500
    assert asked.approved == []


# The cache


def test_the_longest_prefix_then_the_realm_then_nobody() -> None:
    cache = RealmCache()
    with RecordingServer() as server:
        index = Index.parse(server.url)
    wanted = Description(b"http", b"h")
    known = {name: Known(basic(name, "x"), wanted) for name in ("top", "deep", "other")}
    cache.add(index.origin, ("a",), known["top"])
    cache.add(index.origin, ("a", "b"), known["deep"])
    cache.add(index.origin, ("z",), known["other"])
    assert cache.find(index.origin, None, ("a", "b", "c")) == (known["deep"], True)
    assert cache.find(index.origin, None, ("a", "bb")) == (known["top"], True)
    assert cache.find(index.origin, None, ("q",)) == (known["other"], False)
    assert cache.find(index.origin, b"top", ("a", "b")) == (known["top"], True)
    assert cache.find(index.origin, b"nobody", ("a",)) is None
    assert cache.find(Index.parse("http://h:1/").origin, None, ("a",)) is None


def test_what_has_expired_is_not_used_again(server: RecordingServer) -> None:
    expired = Candidate("netrc", Credential(b"u", Secret(b"p"), expiry=1))
    with client(Asked(expired), url(server)) as one:
        fetched(one, url(server))
        fetched(one, url(server, path="/s/2"))
    assert [status for _, status in server.exchanges] == [401, 200, 401, 200]


@pytest.mark.parametrize(
    ("status", "kept"), [(200, True), (204, True), (302, True), (404, False), (403, False), (500, False)]
)
def test_only_what_worked_is_remembered(status: int, kept: bool) -> None:
    with RecordingServer() as server, client(Asked()) as one:
        location = {"Location": "/end"}
        server.script = lambda request: (200, {}, b"") if request.path == "/end" else (status, location, b"")
        fetched(one, url(server, "u:p@"))
        server.forget()
        fetched(one, url(server, path="/s/2"))
        assert server.exchanges[0][0] == ("u:p" if kept else None)
