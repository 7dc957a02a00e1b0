"""Indexes and find-links pages on real servers and on disk, asked through the real client."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from git_helper.core.indexes import Index
from git_helper.errors import GitHelperError, NotFound, Refused, Unreachable
from git_helper.registry.asking import Asking
from git_helper.registry.client import Client
from git_helper.registry.index_page import LoginPage, PageTooLarge
from git_helper.registry.indexes import Indexes
from git_helper.registry.local_pages import local_links
from git_helper.registry.local_place import LocalPlace, Location
from git_helper.registry.page_facts import NotAnIndex, PageFacts
from git_helper.registry.pages import AHEAD, Pages
from tests.net.asked import session
from tests.registry.world import World
from tests.servers.http_message import Request, Response, plain
from tests.servers.index import HTML, IndexServer
from tests.servers.rules import Realm

PROJECTS = {"demo": {"demo-1.0.tar.gz": b"one", "demo-1.0-py3-none-any.whl": b"two"}, "demo-x": {"demo_x-1.zip": b"x"}}


@pytest.fixture
def server() -> Iterator[IndexServer]:
    with IndexServer(PROJECTS) as running:
        yield running


@pytest.fixture
def pages() -> Iterator[Callable[..., Pages]]:
    """Pages of the indexes given."""
    with session() as one:
        yield lambda *indexes, **options: Pages(Asking(Client(one, indexes)), **options)


def indexes(pages: Callable[..., Pages], *locations: Location) -> Indexes:
    return Indexes(locations, pages(*[one for one in locations if isinstance(one, Index)]))


@pytest.mark.parametrize("in_json", [True, False])
def test_the_files_of_a_project(server: IndexServer, pages: Callable[..., Pages], in_json: bool) -> None:
    server.json = in_json
    index = Index.parse(server.index_url)
    links = Index.parse(f"{server.url}/links/", kind="find-links")
    found = indexes(pages, index, links)
    names = list(PROJECTS["demo"])
    assert [link.filename for link in found.files("Demo")] == names + names
    assert [link.filename for link in found.files("demo.x")] == ["demo_x-1.zip"] * 2
    assert {link.url for link in found.files("demo_x")} == {f"{server.url}/files/demo-x/demo_x-1.zip"}
    # The page of links was read once.
    assert sorted(request.path for request in server.requests) == [
        "/links/",
        "/simple/demo-x/",
        "/simple/demo-x/",
        "/simple/demo/",
    ]
    assert len({request.connection for request in server.requests}) == 1


def test_an_index_without_the_project_is_passed_over(server: IndexServer, pages: Callable[..., Pages]) -> None:
    with IndexServer({"other": {"other-1.zip": b""}}) as second:
        found = indexes(pages, Index.parse(server.index_url), Index.parse(second.index_url))
        assert [link.filename for link in found.files("other")] == ["other-1.zip"]
        with pytest.raises(NotFound, match="cannot find files of 'none'") as caught:
            found.files("none")
    assert server.index_url in caught.value.message
    assert second.index_url in caught.value.message


def test_a_broken_index_is_not_passed_over(server: IndexServer, pages: Callable[..., Pages]) -> None:
    with IndexServer(PROJECTS) as second:
        second.answers["/simple/demo/"] = plain(403, "not for you")
        found = indexes(pages, Index.parse(server.index_url), Index.parse(second.index_url))
        with pytest.raises(Refused, match=r"it answered 403.*; it says: not for you"):
            found.files("demo")
    with pytest.raises(NotFound, match="no index to look in"):
        indexes(pages).files("demo")


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        (plain(404, "no such thing\nat all"), NotFound, "it says: no such thing"),
        (Response(403, {"Content-Type": "application/json"}, '{"message": "quota"}'), Refused, "it says: quota"),
        (plain(403, "bad https://u:sekrit@h.example/ \x1b[2J"), Refused, "%1B"),
        (Response(500, {"Content-Type": "text/html"}, "<h1>Oops</h1>"), Unreachable, "answered 500"),
        (Response(200, {"Content-Type": "application/zip"}, b"PK"), NotAnIndex, "application/zip"),
        (Response(200, {}, b"x"), NotAnIndex, "no Content-Type"),
        (Response(200, {"Content-Type": HTML}, '<input type="password">'), LoginPage, "a page to log in at"),
        (Response(302, {"Location": "/login"}), LoginPage, "/login'"),
        (Response(302, {"Location": "file:///etc/passwd"}), Unreachable, "redirect"),
        (Response(200, {"Content-Type": HTML, "Content-Length": "2000000"}, b""), PageTooLarge, "longer than 1MB"),
        (Response(200, {"Content-Type": HTML}, iter([b" " * 600_000] * 2)), PageTooLarge, "longer than 1MB"),
    ],
)
def test_a_page_that_cannot_be_had(
    server: IndexServer, pages: Callable[..., Pages], answer: Response, error: type[GitHelperError], says: str
) -> None:
    server.answers["/simple/demo/"] = answer
    server.answers["/login"] = Response(200, {"Content-Type": HTML}, '<form action="/sso"></form>')
    with (
        pytest.raises(error) as caught,
        pages(most_bytes=1_000_000).open(f"{server.index_url}demo/?token=sekrit") as page,
    ):
        list(page.links())
    assert says in caught.value.message
    assert "sekrit" not in caught.value.message
    assert "\x1b" not in caught.value.message


def test_who_let_us_in(server: IndexServer, pages: Callable[..., Pages]) -> None:
    server.realms = [Realm("/", [("u", "p")])]
    with pages(Index.parse(server.url_for("simple/", "u", "p"))).open(server.index_url) as page:
        assert page.credential is not None
        assert (page.credential.source, page.credential.username, page.status) == ("URL", b"u", 200)
    assert server.exchanges == [("u:p", 200)]


def test_a_long_page_is_read_while_it_comes_and_a_short_one_lets_go(
    server: IndexServer, pages: Callable[..., Pages]
) -> None:
    block = b'<a href="d-1.zip">d</a>' * 1000

    def endless() -> Iterator[bytes]:
        while True:
            yield block

    server.answers["/simple/long/"] = Response(200, {"Content-Type": HTML}, endless())
    ours = pages()
    with ours.open(f"{server.index_url}long/") as page:
        links = page.links()
        for _ in range(AHEAD // len(block) * 3000):
            next(links)
    short = [ours.open(f"{server.index_url}demo/") for _ in range(3)]
    assert [len(list(page.links())) for page in short] == [2, 2, 2]
    assert len({request.connection for request in server.requests[1:]}) == 1


class Meeting(IndexServer):
    """Lets nobody with a credential go before as many are there as the barrier wants."""

    barrier = threading.Barrier(1)

    def answer(self, request: Request) -> Response:
        if request.authorization is not None and len(self.requests) > 2:
            self.barrier.wait(20)
        return super().answer(request)


def test_many_at_once_are_refused_once(world: World) -> None:
    """The first one learns what is wanted; the others go together, and none of them without."""
    projects = {f"p{number}": {f"p{number}-1.zip": b""} for number in range(9)}
    with Meeting(projects, [Realm("/", [("u", "p")])]) as server:
        server.barrier = threading.Barrier(8)
        world.write_netrc("machine 127.0.0.1 login u password p")
        index = Index.parse(server.index_url)
        found = Indexes([index], Pages(Asking(world.client(index))))
        with ThreadPoolExecutor(9) as pool:
            names = [files[0].filename for files in pool.map(found.files, projects)]
        assert names == [f"{name}-1.zip" for name in projects]
        assert server.exchanges.count((None, 401)) == 1
        assert len(server.requests) == 10


def test_a_wrong_password_is_sent_once(pages: Callable[..., Pages]) -> None:
    """Servers lock accounts after a few of them."""
    projects = {f"p{number}": {f"p{number}-1.zip": b""} for number in range(8)}
    with IndexServer(projects, realms=[Realm("/", [("u", "p")])]) as server:
        found = indexes(pages, Index.parse(server.index_url.replace("://", "://u:wrong@")))

        def files(project: str) -> str:
            with pytest.raises(Refused, match="the server refused the user name and password in the URL"):
                found.files(project)
            return project

        with ThreadPoolExecutor(8) as pool:
            assert len(list(pool.map(files, projects))) == 8
        assert server.exchanges == [("u:wrong", 401)]


def test_a_folder_of_archives(tmp_path: Path) -> None:
    for name in ("b-1.0.tar.gz", "a b-1.whl", "notes.txt", ".hidden-1.zip.part"):
        (tmp_path / name).write_bytes(b"abc")
    (tmp_path / "c-1.zip").mkdir()
    place = LocalPlace(str(tmp_path))
    found = list(local_links(place, PageFacts(place.shown)))
    assert [(one.filename, one.size, one.url) for one in found] == [  # type: ignore[union-attr]
        ("a b-1.whl", 3, (tmp_path / "a b-1.whl").as_uri()),
        ("b-1.0.tar.gz", 3, (tmp_path / "b-1.0.tar.gz").as_uri()),
    ]


def test_a_page_and_an_archive_of_this_machine(tmp_path: Path) -> None:
    page = tmp_path / "links.html"
    page.write_text(f'<a href="sub/a-1.whl#sha256={"0" * 64}">a</a><a href="https://h.example/b-1.whl">b</a>')
    archive = tmp_path / "c-1.whl"
    archive.write_bytes(b"")
    found = list(local_links(LocalPlace(str(page)), PageFacts("")))
    assert [one.url for one in found] == [(tmp_path / "sub/a-1.whl").as_uri(), "https://h.example/b-1.whl"]  # type: ignore[union-attr]
    assert [one.filename for one in local_links(LocalPlace(str(archive)), PageFacts(""))] == ["c-1.whl"]  # type: ignore[union-attr]


def test_an_index_in_folders(tmp_path: Path, pages: Callable[..., Pages]) -> None:
    (tmp_path / "simple/a").mkdir(parents=True)
    (tmp_path / "simple/b").mkdir()
    (tmp_path / "simple/a/index.html").write_text('<a href="../../files/a-1.whl">a</a>')
    (tmp_path / "simple/b/b-1.whl").write_bytes(b"")
    found = indexes(pages, LocalPlace(str(tmp_path / "simple"), "index"))
    assert [one.url for one in found.files("A")] == [(tmp_path / "files/a-1.whl").as_uri()]
    assert [one.filename for one in found.files("b")] == ["b-1.whl"]
    with pytest.raises(NotFound):
        found.files("c")


@pytest.mark.parametrize(
    ("name", "error", "says"),
    [
        ("none", NotFound, "cannot find"),
        ("notes.txt", NotAnIndex, "neither that of a page nor of an archive"),
        ("big.html", PageTooLarge, "longer than"),
    ],
)
def test_a_place_that_cannot_be_read(tmp_path: Path, name: str, error: type[GitHelperError], says: str) -> None:
    (tmp_path / "notes.txt").write_text("a-1.whl")
    (tmp_path / "big.html").write_text(" " * 2000)
    place = LocalPlace(str(tmp_path / name))
    with pytest.raises(error, match=says):
        list(local_links(place, PageFacts(place.shown), 1000))
