"""What `resolve` asks about files, indexes and find-links pages, on real servers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from git_helper.core.indexes import Index
from git_helper.errors import GitHelperError, NotFound, Refused, Unreachable
from git_helper.registry.asking import Asking
from git_helper.registry.client import Client
from git_helper.registry.index_page import LoginPage
from git_helper.registry.local_place import LocalPlace, Location
from git_helper.registry.pages import Pages
from git_helper.registry.patience import ATTEMPTS
from git_helper.system import files
from git_helper.tasks.checks import Checked, Checks, check
from git_helper.tasks.gather import gather
from tests.net.asked import session
from tests.servers.http_message import Request, Response, plain
from tests.servers.index import HTML, IndexServer
from tests.servers.recording import RecordingServer
from tests.servers.rules import Realm

CONTENT = b"0123456789"


@dataclass
class Registry:
    client: Asking
    pages: Pages


@pytest.fixture
def checked() -> Iterator[Callable[..., Checks]]:
    """Checks arguments and locations."""
    with session() as one:

        def run(*texts: str, locations: tuple[Location, ...] = ()) -> Checks:
            client = Asking(Client(one, [place for place in locations if isinstance(place, Index)]))
            wanted = gather(texts, (), files.read, os.environ, may_be_empty=True).wanted
            return check(wanted, locations, Registry(client, Pages(client)))

        yield run


@pytest.fixture
def server() -> Iterator[IndexServer]:
    with IndexServer({"demo": {"demo-1.0.tar.gz": CONTENT}}) as running:
        yield running


def only(checks: Checks) -> Checked:
    (one,) = [*checks.artefacts.values(), *(place.checked for place in checks.locations)]
    return one


def asked(server: IndexServer | RecordingServer) -> list[tuple[str, str, int | None]]:
    return [(request.method, request.target, request.status) for request in server.requests]


def test_a_file_is_asked_for_by_head_alone(server: IndexServer, checked: Callable[..., Checks]) -> None:
    url = f"{server.url}/files/demo/demo-1.0.tar.gz"
    one = only(checked(f"demo @ {url}#sha256={'0' * 64}", f"again @ {url}#sha256={'0' * 64}"))
    assert (one.status, one.size, one.credential, one.error) == (200, 10, None, None)
    assert asked(server) == [("HEAD", "/files/demo/demo-1.0.tar.gz", 200)]


@pytest.mark.parametrize(
    ("head", "get", "size"),
    [
        (405, Response(206, {"Content-Range": "bytes 0-0/10"}, b"0"), 10),
        (403, Response(206, {"Content-Range": "bytes 0-0/*"}, b"0"), None),  # a URL that is signed for GET
        (501, Response(200, {}, CONTENT), 10),
        (400, Response(416, {"Content-Range": "bytes */0"}, b""), 0),
        (500, Response(200, {}, iter([CONTENT] * 10)), None),
    ],
)
def test_where_there_is_no_head(checked: Callable[..., Checks], head: int, get: Response, size: int | None) -> None:
    def script(request: Request) -> Response:
        return Response(head) if request.method == "HEAD" else get

    with RecordingServer(script) as server:
        one = only(checked(f"{server.url}/x-1.zip?sig=sekrit"))
        assert (one.status, one.size, one.error) == (200, size, None)
        assert [(request.method, request.headers.get("range")) for request in server.requests] == [
            ("HEAD", None),
            ("GET", "bytes=0-0"),
        ]


@pytest.mark.parametrize(("status", "error"), [(404, NotFound), (403, Refused), (503, Unreachable), (410, NotFound)])
def test_a_file_that_cannot_be_had(checked: Callable[..., Checks], status: int, error: type[GitHelperError]) -> None:
    with RecordingServer(lambda request: plain(status, headers=[("Retry-After", "0")])) as server:
        one = only(checked(f"{server.url}/x-1.zip?sig=sekrit"))
        assert isinstance(one.error, error)
        assert "sekrit" not in str(one.error)
        assert len(server.requests) == {403: 2, 503: ATTEMPTS}.get(status, 1)


def test_what_lets_in_to_the_index_lets_in_to_its_files(server: IndexServer, checked: Callable[..., Checks]) -> None:
    server.realms = [Realm("/", [("u", "p")])]
    index = Index.parse(server.url_for("simple/", "u", "p"))
    done = checked(f"demo @ {server.url}/files/demo/demo-1.0.tar.gz", locations=(index,))
    assert [one.checked.credential and one.checked.credential.source for one in done.locations] == ["URL"]
    assert server.exchanges == [("u:p", 200), ("u:p", 200)]


def test_credentials_of_one_origin_go_to_no_other(server: IndexServer, checked: Callable[..., Checks]) -> None:
    with IndexServer({"demo": {}}, [Realm("/", [("u", "p")], deny=403)]) as other:
        index = Index.parse(server.url_for("simple/", "u", "p"))
        done = checked(f"x @ {other.url}/files/x-1.zip", locations=(index, Index.parse(f"{other.url}/simple/")))
        assert other.authorizations == []
    assert [one.exit_code for one in done.locations] == [0, 4]
    assert only(Checks(done.artefacts, ())).exit_code == 4


def test_an_index_without_a_list_of_projects(server: IndexServer, checked: Callable[..., Checks]) -> None:
    server.answers["/simple/"] = plain(404)
    index = Index.parse(server.index_url)
    assert isinstance(only(checked(locations=(index,))).error, NotFound)
    server.forget()
    assert only(checked("none==1", "Demo>=1", locations=(index,))).status == 200
    assert [path for _, path, _ in asked(server)] == ["/simple/", "/simple/none/", "/simple/demo/"]
    assert isinstance(only(checked("none", locations=(index,))).error, NotFound)


def test_a_page_to_log_in_at_is_no_index(server: IndexServer, checked: Callable[..., Checks]) -> None:
    server.answers["/simple/"] = Response(200, {"Content-Type": HTML}, '<form action="/login"></form>')
    links = Index.parse(f"{server.url}/links/", kind="find-links")
    one, other = checked(locations=(Index.parse(server.index_url), links)).locations
    assert isinstance(one.error, LoginPage)
    assert (other.error, other.checked.status) == (None, 200)


def test_places_of_this_machine_and_files_there(tmp_path: Path, checked: Callable[..., Checks]) -> None:
    here, gone = LocalPlace(str(tmp_path)), LocalPlace(str(tmp_path / "gone"))
    done = checked("x @ file:///x-1.zip", "./folder", "git+https://h/r.git", locations=(here, gone))
    assert [one.exit_code for one in done.locations] == [0, 6]
    assert done.artefacts == {}


def test_nobody_is_asked_without_a_registry() -> None:
    wanted = gather(["x @ https://h.example/x-1.zip"], (), files.read, os.environ).wanted
    done = check(wanted, [Index.parse("https://h.example/simple/")], None)
    assert done.artefacts == {}
    assert [one.checked for one in done.locations] == [Checked()]
