"""Many threads on one session: one look-up, one question, every answer right."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from git_helper.core.chain import Candidate
from git_helper.core.credential import Description
from git_helper.errors import NoCredential, Unreachable
from git_helper.net.session import Request, Session
from tests.net.asked import Sources, basic, guarded, session
from tests.servers.http_message import Request as Seen
from tests.servers.http_message import Response
from tests.servers.recording import RecordingServer
from tests.servers.rules import Realm

THREADS = 16
REALM = Realm("/", [("alice", "secret")])


def all_together(work: Callable[[int], object]) -> list[object]:
    """`work(number)` in 16 threads at once; an exception is a result, too."""
    barrier = threading.Barrier(THREADS)

    def run(number: int) -> object:
        barrier.wait(10)
        try:
            return work(number)
        except Exception as error:
            return error

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def status(one: Session, url: str) -> int:
    with one.send(Request("GET", url)) as response:
        response.read()
        return response.status


class Patient(Sources):
    """A person who answers when 16 requests are known to wait."""

    def __init__(self, server: RecordingServer, *answers: Candidate) -> None:
        super().__init__(person=answers)
        self._server = server

    def scoped(self, wanted: Description) -> Description:
        return wanted

    def candidates(self, wanted: Description, *, ask: bool) -> Iterator[Candidate]:
        self._server.wait_for(lambda seen: len([one for one in seen if one.status == 401]) >= THREADS)
        yield from super().candidates(wanted, ask=ask)


def test_sixteen_refusals_are_one_look_up_and_one_question() -> None:
    with RecordingServer(guarded(REALM)) as server:
        sources = Patient(server, basic("alice", "secret", "person"))
        with session(sources) as one:
            found = all_together(lambda number: status(one, f"{server.url}/{number}"))
        assert found == [200] * THREADS
        assert (len(sources.wanted), sources.questions, sources.approved) == (1, 1, [("person", b"alice")])
        assert len(server.exchanges) == 2 * THREADS


def test_a_wrong_answer_is_tried_once_and_asked_for_once_more() -> None:
    with RecordingServer(guarded(REALM)) as server:
        sources = Patient(server, basic("alice", "typo", "person"), basic("alice", "secret", "person"))
        with session(sources) as one:
            assert all_together(lambda number: status(one, f"{server.url}/{number}")) == [200] * THREADS
        assert sources.questions == 2
        assert [pair for pair, _ in server.exchanges].count("alice:typo") == 1
        assert sources.rejected == [("person", b"alice")]


def test_nobody_knowing_is_one_look_up_too() -> None:
    with RecordingServer(guarded(REALM)) as server:
        sources = Patient(server)
        with session(sources) as one:
            found = all_together(lambda number: status(one, f"{server.url}/{number}"))
        assert [type(error) for error in found] == [NoCredential] * THREADS
        assert len(sources.wanted) == 1


def test_origins_do_not_wait_for_each_other() -> None:
    with RecordingServer(guarded(REALM)) as slow, RecordingServer(guarded(REALM)) as fast:
        free = threading.Event()

        class Slow(Sources):
            def scoped(self, wanted: Description) -> Description:
                return wanted

            def candidates(self, wanted: Description, *, ask: bool) -> Iterator[Candidate]:
                if wanted.host == slow.netloc.encode():
                    assert free.wait(10)
                yield from super().candidates(wanted, ask=ask)

        with session(Slow(basic("alice", "secret"))) as one, ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(status, one, slow.url)
            slow.wait_for(lambda seen: bool(seen) and seen[0].status == 401)
            assert status(one, fast.url) == 200
            assert not waiting.done()
            free.set()
            assert waiting.result(10) == 200


def test_many_users_on_one_origin_get_their_own() -> None:
    realms = [Realm(f"/{number}/", [(f"u{number}", f"p{number}")]) for number in range(THREADS)]
    sources = Sources(*(basic(f"u{number}", f"p{number}") for number in range(THREADS)))
    with RecordingServer(guarded(*realms)) as server, session(sources) as one:

        def work(number: int) -> bool:
            for _ in range(5):
                with one.send(Request("GET", f"{server.url}/{number}/", username=b"u%d" % number)) as response:
                    assert response.credential == ("netrc", b"u%d" % number)
            return True

        assert all_together(work) == [True] * THREADS
        assert len(sources.wanted) == THREADS


def test_a_hung_server_ends_for_all_within_the_limit() -> None:
    with RecordingServer() as server:

        def hang(request: Seen) -> Response:
            server.hold()
            return Response()

        server.script = hang
        with session(timeout=0.5) as one:
            found = all_together(lambda number: status(one, server.url))
        assert [type(error) for error in found] == [Unreachable] * THREADS


@pytest.mark.parametrize("chunk", [10, 200_000])
def test_bodies_do_not_mix(chunk: int) -> None:
    with RecordingServer(lambda request: (200, {}, request.path.encode() * chunk)) as server, session() as one:

        def work(number: int) -> bool:
            with one.send(Request("GET", f"{server.url}/{number}")) as response:
                return response.read() == b"/%d" % number * chunk

        assert all_together(work) == [True] * THREADS
