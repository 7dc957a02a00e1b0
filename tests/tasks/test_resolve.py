"""Which questions are asked, and what becomes of each requirement; the servers here only count."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import pytest

from git_helper.core.giturl import GitUrl
from git_helper.core.reference import Oid, RemoteRef
from git_helper.errors import Cancelled, GitHelperError, NoCredential, Unreachable
from git_helper.system import files
from git_helper.tasks.gather import gather
from git_helper.tasks.resolve import WORKERS, Outcome, described, resolve, written

MAIN, TAG, DEEP = Oid("a" * 40), Oid("b" * 40), Oid("c" * 40)
REFS = (
    RemoteRef("HEAD", MAIN, target="refs/heads/main"),
    RemoteRef("refs/heads/main", MAIN),
    RemoteRef("refs/tags/main", TAG),
    RemoteRef("refs/tags/v1", TAG),
    RemoteRef("refs/pull/1/head", Oid("d" * 40)),
)


class Who(NamedTuple):
    source: str
    username: bytes | None


class Found(NamedTuple):
    refs: tuple[RemoteRef, ...]
    credential: Who | None


class Server:
    """Repositories with the same refs; writes down what is asked."""

    def __init__(self, who: Who | None = None) -> None:
        self.who = who
        self.questions: list[tuple[str, tuple[str, ...]]] = []
        self.errors: dict[str, GitHelperError] = {}
        self.before: Callable[[], object] = lambda: None
        self._lock = threading.Lock()

    def __call__(self, url: GitUrl) -> Repository:
        return Repository(self, url)

    def ask(self, url: GitUrl, prefixes: tuple[str, ...]) -> None:
        with self._lock:
            self.questions.append((url.safe_url, prefixes))
        self.before()
        if url.path in self.errors:
            raise self.errors[url.path]


class Repository:
    def __init__(self, server: Server, url: GitUrl) -> None:
        self._server = server
        self._url = url

    def ls_refs(self, prefixes: Iterable[str]) -> Found:
        wanted = tuple(prefixes)
        self._server.ask(self._url, wanted)
        return Found(tuple(ref for ref in REFS if ref.name.startswith(wanted)), self._server.who)

    def commits(self, prefix: str) -> list[Oid]:
        self._server.ask(self._url, ("history", prefix))
        return [oid for oid in (MAIN, TAG, DEEP) if oid.hex.startswith(prefix)]


def resolved(server: Server, *texts: str, cached: Callable[[GitUrl, Oid], bool] = lambda *_: False) -> list[Outcome]:
    return resolve(gather(texts, (), files.read, os.environ).wanted, server, cached)


def test_one_question_for_all_revisions_of_a_repository() -> None:
    server, url = Server(), "git+https://good.example/a.git"
    outcomes = resolved(server, url, f"{url}@v1", f"x @ {url}@main", f"{url}@{'e' * 40}", "requests")
    commits = [one.choice and one.choice.commit for one in outcomes]
    assert commits == [MAIN, TAG, MAIN, Oid("e" * 40), None]
    ((_, prefixes),) = server.questions
    assert set(prefixes) == {"HEAD", "refs/heads/v1", "refs/tags/v1", "refs/heads/main", "refs/tags/main"}
    assert outcomes[2].choice is not None
    assert "is a branch and a tag" in outcomes[2].choice.warnings[0]


@pytest.mark.parametrize("other", ["git+https://me@good.example/a.git", "git+https://good.example/A.git"])
def test_another_user_and_another_repository_ask_for_themselves(other: str) -> None:
    server = Server()
    resolved(server, "git+https://good.example/a.git", other)
    assert len(server.questions) == 2


def test_a_whole_hash_is_no_question() -> None:
    server = Server()
    (outcome,) = resolved(
        server, f"git+https://good.example/a.git@{'E' * 40}", cached=lambda url, oid: oid.hex == "e" * 40
    )
    assert (outcome.choice and outcome.choice.commit.hex, outcome.cached, server.questions) == ("e" * 40, True, [])


def test_a_short_hash_costs_the_history_only_where_no_ref_begins_so() -> None:
    server, url = Server(), "git+https://good.example/a.git"
    (tip,) = resolved(server, f"{url}@aaaaaaaa")
    assert (tip.choice and tip.choice.commit, len(server.questions)) == (MAIN, 1)
    (deep,) = resolved(server, f"{url}@CCCCCCC")
    assert deep.choice is not None
    assert deep.choice.commit == DEEP
    assert [prefixes for _, prefixes in server.questions[1:]][1] == ("history", "ccccccc")
    (pull,) = resolved(server, f"{url}@ddddddd")
    assert pull.error is not None
    assert "refs/pull/1/head" in (pull.error.hint or "")


def test_a_failure_is_that_of_its_repository_alone() -> None:
    server = Server(Who("netrc", b"me"))
    server.errors["/b.git"] = NoCredential("no credential", "log in")
    texts = [f"git+https://good.example/{name}.git@{rev}" for rev in ("main", "none") for name in "ab"]
    a_main, b_main, a_none, b_none = resolved(server, *texts)
    assert a_main.exit_code == 0
    assert a_main.answered == Who("netrc", b"me")
    assert (b_main.error, b_none.error) == (server.errors["/b.git"],) * 2
    assert a_none.exit_code == 6
    assert described(b_main)["error"] == "authentication-required"
    assert described(a_main)["credential"] == {"source": "netrc", "username": "me"}


def test_many_repositories_are_asked_at_once() -> None:
    server = Server()
    meeting = threading.Barrier(WORKERS)
    server.before = lambda: meeting.wait(20)
    outcomes = resolved(server, *[f"git+https://good.example/{number}.git" for number in range(WORKERS * 2)])
    assert [one.exit_code for one in outcomes] == [0] * WORKERS * 2
    assert len({url for url, _ in server.questions}) == WORKERS * 2


def test_a_no_of_the_person_ends_it_all() -> None:
    server = Server()
    server.errors["/a.git"] = Cancelled("cancelled")
    with pytest.raises(Cancelled):
        resolved(server, "git+https://good.example/a.git", "git+https://good.example/b.git")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "a @ git+https://u:p@h/a.git@v1#egg=a ; python_version>'3'",
            f"a @ git+https://h/a.git@{TAG}#egg=a ; python_version>'3'",
        ),
        ("git+https://h/a.git", f"git+https://h/a.git@{MAIN}"),
        ("  requests >= 2  # why", "requests >= 2  # why"),
        ("w @ https://u:p@h/w.whl", "w @ https://h/w.whl"),
        ("./folder[x]", "./folder[x]"),
        ("w @ https://h/${TOKEN}.whl", "w @ https://h/${TOKEN}.whl"),
        ("a @ git+https://${TOKEN}@h/a.git@v1 # why", f"a @ git+https://h/a.git@{TAG}"),
    ],
)
def test_an_argument_written_back(text: str, expected: str) -> None:
    (outcome,) = resolved(Server(), text)
    assert written(outcome) == expected


def test_every_digest_of_a_file_is_described(tmp_path: Path) -> None:
    digests = [f"sha256:{'A' * 64}", f"SHA256:{'b' * 64}", f"sha256:{'a' * 64}", f"sha512:{'c' * 128}"]
    (tmp_path / "r.txt").write_text(f"w @ https://h/w.whl#md5={'d' * 32} --hash={' --hash='.join(digests)}\n")
    (wanted,) = gather((), [str(tmp_path / "r.txt")], files.read, {}).wanted
    found = described(Outcome(wanted))["hashes"]
    assert found == {"sha256": ["a" * 64, "b" * 64], "sha512": "c" * 128, "md5": "d" * 32}


def test_an_error_as_an_object() -> None:
    server = Server()
    server.errors["/a.git"] = Unreachable("cannot reach it", "try again")
    outcomes = resolved(server, "a @ git+https://u:p@h/a.git", "git+https://u:p@h/%0a")
    assert [described(one) for one in outcomes] == [
        {
            "kind": "git",
            "url": "git+https://u:****@h/a.git",
            "error": "unreachable",
            "message": "cannot reach it",
            "hint": "try again",
        },
        {
            "kind": "git",
            "url": None,
            "error": "invalid-url",
            "message": "cannot use 'git+https://u:****@h/%0a': it contains an encoded control character",
            "hint": None,
        },
    ]
