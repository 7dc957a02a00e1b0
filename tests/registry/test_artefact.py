"""Fetching one file: whole or absent, verified, resumed, retried, from the cache when there."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from git_helper.core.digests import DigestMismatch, Digests
from git_helper.core.plain_url import PlainUrl
from git_helper.errors import GitHelperError, NotFound, Refused, Unreachable
from git_helper.net.session import Headers, Request, Response, Session
from git_helper.registry.artefact import ATTEMPTS, Artefact, Artefacts
from git_helper.registry.artefact_cache import ArtefactCache, Freed
from tests.registry.file_server import FileServer, sha256

CONTENT = bytes(range(256)) * 2000
NAME = "pkg-1.0-py3-none-any.whl"


@pytest.fixture
def server() -> Iterator[FileServer]:
    with FileServer({f"/f/{NAME}": CONTENT}) as server:
        yield server


class Bench:
    """An `Artefacts` over a real session, with its cache, its destination and the pauses it made."""

    def __init__(self, folder: Path) -> None:
        self.cache = ArtefactCache(str(folder / "cache"))
        self.folder = folder / "out"
        self.pauses: list[float] = []
        self.progress: list[tuple[int, int | None]] = []
        self.session = Session(ssl.create_default_context(), 5.0)

    def get(self, url: str, *, headers: Mapping[str, str]) -> Response:
        return self.session.send(Request("GET", url, headers, search=frozenset()))

    def artefacts(self, *, offline: bool = False) -> Artefacts:
        return Artefacts(self.get, self.cache, offline=offline, pause=self.pauses.append)

    def fetch(self, url: str, *digests: str, offline: bool = False, name: str = NAME) -> Path:
        wanted = Artefact(PlainUrl.parse(url), name, Digests.of(*([("sha256", one)] for one in digests)))
        done = self.artefacts(offline=offline).fetch(wanted, str(self.folder), self.watch)
        assert done.size == Path(done.path).stat().st_size
        return Path(done.path)

    def watch(self, received: int, total: int | None) -> None:
        self.progress.append((received, total))

    def left(self) -> list[str]:
        """What is in the destination."""
        return sorted(path.name for path in self.folder.iterdir()) if self.folder.exists() else []


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    with made.session:
        yield made


def url_of(server: FileServer) -> str:
    return f"{server.url}/f/{NAME}"


def test_it_is_fetched_and_verified(server: FileServer, bench: Bench) -> None:
    path = bench.fetch(url_of(server), sha256(CONTENT))
    assert path.read_bytes() == CONTENT
    assert bench.left() == [NAME]
    assert bench.progress[-1] == (len(CONTENT), len(CONTENT))


def test_what_is_in_its_place_is_not_fetched_again(server: FileServer, bench: Bench) -> None:
    bench.fetch(url_of(server), sha256(CONTENT))
    bench.fetch(url_of(server), sha256(CONTENT))
    assert len(server.requests) == 1


def test_another_file_of_that_name_is_replaced(server: FileServer, bench: Bench) -> None:
    bench.folder.mkdir()
    (bench.folder / NAME).write_bytes(b"another")
    assert bench.fetch(url_of(server), sha256(CONTENT)).read_bytes() == CONTENT


def test_the_cache_answers_by_the_digest(server: FileServer, bench: Bench) -> None:
    bench.fetch(url_of(server), sha256(CONTENT)).unlink()
    assert bench.fetch("http://good.example/elsewhere.whl", sha256(CONTENT), offline=True).read_bytes() == CONTENT
    assert len(server.requests) == 1


def test_an_edit_of_what_was_fetched_does_not_reach_the_cache(server: FileServer, bench: Bench) -> None:
    bench.fetch(url_of(server), sha256(CONTENT)).write_bytes(b"edited")
    assert bench.fetch(url_of(server), sha256(CONTENT), offline=True).read_bytes() == CONTENT


def test_a_damaged_cache_is_noticed(server: FileServer, bench: Bench) -> None:
    bench.fetch(url_of(server), sha256(CONTENT)).unlink()
    kept = Path(bench.cache.folder) / "sha256" / sha256(CONTENT)
    kept.write_bytes(CONTENT[:-1] + b"!")
    assert bench.fetch(url_of(server), sha256(CONTENT)).read_bytes() == CONTENT
    assert len(server.requests) == 2


def test_without_a_digest_it_is_always_fetched(server: FileServer, bench: Bench) -> None:
    bench.fetch(url_of(server))
    bench.fetch(url_of(server))
    assert len(server.requests) == 2


def test_the_wrong_bytes_are_refused_and_forgotten(server: FileServer, bench: Bench) -> None:
    with pytest.raises(DigestMismatch, match=f"sha256:{sha256(CONTENT)}, not sha256:{'0' * 64}"):
        bench.fetch(url_of(server), "0" * 64)
    assert bench.left() == []
    assert bench.fetch(url_of(server), sha256(CONTENT)).read_bytes() == CONTENT


@pytest.mark.parametrize("digests", [(sha256(CONTENT),), ()], ids=["digest", "validator"])
def test_a_cut_is_mended_with_what_is_missing(server: FileServer, bench: Bench, digests: tuple[str, ...]) -> None:
    server.cuts = [1000, 70000]
    assert bench.fetch(url_of(server), *digests).read_bytes() == CONTENT
    assert server.asked_for() == [None, "bytes=1000-", "bytes=71000-"]


def test_nothing_is_joined_blindly(server: FileServer, bench: Bench) -> None:
    server.tag = None
    server.cuts = [1000]
    assert bench.fetch(url_of(server)).read_bytes() == CONTENT
    assert server.asked_for() == [None, None]


def test_a_later_run_goes_on_where_an_earlier_one_was_killed(server: FileServer, bench: Bench) -> None:
    server.cuts = [5000] + [0] * ATTEMPTS
    with pytest.raises(Unreachable, match="was cut off"):
        bench.fetch(url_of(server), sha256(CONTENT))
    assert bench.left() == []
    server.cuts = []
    assert bench.fetch(url_of(server), sha256(CONTENT)).read_bytes() == CONTENT
    assert server.asked_for()[-1] == "bytes=5000-"


def test_a_file_that_changed_meanwhile_is_fetched_from_its_start(server: FileServer, bench: Bench) -> None:
    server.cuts = [5000] + [0] * ATTEMPTS
    with pytest.raises(Unreachable):
        bench.fetch(url_of(server))
    server.cuts, server.tag = [], '"v2"'
    server.files[f"/f/{NAME}"] = changed = CONTENT[::-1]
    assert bench.fetch(url_of(server)).read_bytes() == changed


def test_a_wrong_joint_is_noticed_by_the_digest(server: FileServer, bench: Bench) -> None:
    server.tag = None
    server.cuts = [5000] + [0] * ATTEMPTS
    with pytest.raises(Unreachable):
        bench.fetch(url_of(server), sha256(CONTENT))
    server.cuts = []
    server.files[f"/f/{NAME}"] = changed = CONTENT[::-1]
    assert bench.fetch(url_of(server), sha256(changed)).read_bytes() == changed
    assert server.asked_for()[-2:] == ["bytes=5000-", None]


def test_a_server_without_ranges_starts_anew(server: FileServer, bench: Bench) -> None:
    server.ranges = False
    server.cuts = [5000]
    assert bench.fetch(url_of(server), sha256(CONTENT)).read_bytes() == CONTENT


def test_the_whole_file_without_its_end_of_work_is_asked_for_again(server: FileServer, bench: Bench) -> None:
    headers = Headers([("ETag", '"v1"')])
    with bench.cache.partial(url_of(server)) as partial, partial.open(200, headers) as file:
        file.write(CONTENT)
    assert bench.fetch(url_of(server), sha256(CONTENT)).read_bytes() == CONTENT
    assert server.asked_for() == [f"bytes={len(CONTENT)}-", None]


def test_a_busy_server_is_asked_again_when_it_says(server: FileServer, bench: Bench) -> None:
    server.statuses = [(503, {"Retry-After": "7"}), (429, {"Retry-After": "86400"}), (502, {})]
    assert bench.fetch(url_of(server)).read_bytes() == CONTENT
    assert bench.pauses[:2] == [7.0, 30.0]
    assert 0.25 <= bench.pauses[2] <= 4


def test_patience_ends(server: FileServer, bench: Bench) -> None:
    server.statuses = [(503, {})] * 20
    with pytest.raises(Unreachable, match="the server answered 503"):
        bench.fetch(url_of(server))
    assert len(server.requests) == ATTEMPTS
    assert bench.pauses == sorted(bench.pauses)


@pytest.mark.parametrize(
    ("status", "error"), [(404, NotFound), (410, NotFound), (403, Refused), (401, Refused), (418, Unreachable)]
)
def test_what_is_final_is_not_asked_again(
    server: FileServer, bench: Bench, status: int, error: type[GitHelperError]
) -> None:
    server.statuses = [(status, {})]
    with pytest.raises(error, match=str(status)):
        bench.fetch(url_of(server))
    assert len(server.requests) == 1
    assert bench.left() == []


def test_a_packed_archive_is_taken_as_it_is(server: FileServer, bench: Bench) -> None:
    server.headers = {"Content-Encoding": "gzip"}
    assert bench.fetch(url_of(server), sha256(CONTENT)).read_bytes() == CONTENT


def test_a_local_file(bench: Bench, tmp_path: Path) -> None:
    source = tmp_path / "a b.whl"
    source.write_bytes(CONTENT)
    assert bench.fetch(source.as_uri(), sha256(CONTENT), offline=True).read_bytes() == CONTENT
    with pytest.raises(NotFound, match=r"nothing\.whl"):
        bench.fetch((tmp_path / "nothing.whl").as_uri())


def test_offline_without_the_file(server: FileServer, bench: Bench) -> None:
    with pytest.raises(Unreachable, match="--offline"):
        bench.fetch(url_of(server), sha256(CONTENT), offline=True)
    assert server.requests == []


def test_many_at_once_fetch_it_once_each_and_are_whole(server: FileServer, bench: Bench) -> None:
    paths = [bench.folder / str(number) for number in range(8)]
    artefacts = bench.artefacts()
    wanted = Artefact(PlainUrl.parse(url_of(server)), NAME, Digests.of([("sha256", sha256(CONTENT))]))

    threads = [
        threading.Thread(target=artefacts.fetch, args=(wanted, str(path), bench.watch), daemon=True) for path in paths
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all((path / NAME).read_bytes() == CONTENT for path in paths)


def test_the_cache_holds_no_credential_and_is_for_its_owner(server: FileServer, bench: Bench) -> None:
    secret = "c4n4ry"
    bench.fetch(url_of(server).replace("://", f"://user:{secret}@") + f"?token={secret}", sha256(CONTENT))
    folder = Path(bench.cache.folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    for path in folder.rglob("*"):
        assert secret not in path.name
        assert path.is_dir() or secret.encode() not in path.read_bytes()


def test_the_cache_can_be_emptied(server: FileServer, bench: Bench) -> None:
    bench.fetch(url_of(server), sha256(CONTENT))
    assert bench.cache.prune(3600).files == 0
    freed = bench.cache.clean()
    assert (freed.files, freed.size) == (1, len(CONTENT))
    assert not Path(bench.cache.folder).exists()


@pytest.mark.parametrize("remove", [ArtefactCache.clean, lambda cache: cache.prune(-60)], ids=["clean", "prune"])
def test_what_is_arriving_is_not_removed(bench: Bench, remove: Callable[[ArtefactCache], Freed]) -> None:
    entered, url = threading.Event(), "https://good.example/x"

    def second() -> None:
        with bench.cache.partial(url):
            entered.set()

    with bench.cache.partial(url) as partial:
        Path(partial.path).write_bytes(b"so far")
        assert remove(bench.cache).files == 0
        assert Path(partial.path).read_bytes() == b"so far"
        late = threading.Thread(target=second, daemon=True)
        late.start()
        assert not entered.wait(0.3)
    assert entered.wait(10)
    late.join()
    assert (remove(bench.cache).files, list(Path(bench.cache.folder).rglob("*.lock"))) == (1, [])


def test_a_lock_that_was_removed_is_taken_anew(bench: Bench) -> None:
    taken: list[bool] = []

    def second() -> None:
        with bench.cache.partial("https://good.example/x") as partial:
            taken.append(Path(partial.path + ".lock").exists())

    with bench.cache.partial("https://good.example/x") as partial:
        late = threading.Thread(target=second, daemon=True)
        late.start()
        time.sleep(0.2)  # until it waits; if it does not yet, the test shows less
        Path(partial.path + ".lock").unlink()
    late.join(10)
    assert taken == [True]


def test_a_full_disk_leaves_nothing(server: FileServer, bench: Bench) -> None:
    bench.folder.mkdir()
    (bench.folder / NAME).mkdir()  # what stands in the way
    with pytest.raises(GitHelperError, match="cannot write"):
        bench.fetch(url_of(server))
    assert bench.left() == [NAME]
