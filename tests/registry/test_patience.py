"""A server that cannot answer for now is asked again, as often and as late as is polite."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from git_helper.core.plain_url import PlainUrl
from git_helper.errors import Unreachable
from git_helper.registry.asking import Asking
from git_helper.registry.client import Client
from git_helper.registry.pages import Pages
from git_helper.registry.patience import ATTEMPTS
from git_helper.registry.text_file import fetch_text
from tests.commands import run
from tests.net.asked import session
from tests.servers.http_message import Request, Response
from tests.servers.recording import RecordingServer, Script

HTML = {"Content-Type": "text/html"}
PAGE = Response(200, HTML, '<a href="demo-1.0.tar.gz">demo-1.0.tar.gz</a>')


def then(*answers: Response) -> Script:
    """One after the other; the last one from then on."""
    left = list(answers)
    return lambda request: left.pop(0) if len(left) > 1 else left[0]


def busy(status: int = 503, **headers: str) -> Response:
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, b"later")


def test_a_page_is_asked_for_again_when_the_server_says() -> None:
    pauses: list[float] = []
    with RecordingServer(then(busy(Retry_After="7"), busy(429, Retry_After="86400"), busy(502), PAGE)) as server:
        with session() as one, Pages(Asking(Client(one)), pause=pauses.append).open(f"{server.url}/simple/") as page:
            assert len(list(page.links())) == 1
        assert len(server.requests) == 4
    assert pauses[:2] == [7.0, 30.0], "the longest is half a minute"
    assert 1 <= pauses[2] <= 1.5, "twice as long each time"


@pytest.mark.parametrize(("status", "times"), [(503, ATTEMPTS), (500, ATTEMPTS), (501, 1), (404, 1), (403, 1)])
def test_not_for_ever_and_not_for_what_stays(status: int, times: int) -> None:
    pauses: list[float] = []
    with RecordingServer(then(busy(status))) as server, session() as one:
        with pytest.raises(Exception, match=f"answered {status}"):
            Pages(Asking(Client(one)), pause=pauses.append).open(f"{server.url}/simple/")
        assert len(server.requests) == times
    assert len(pauses) == times - 1


def test_a_requirements_file_is_asked_for_again() -> None:
    with RecordingServer(then(busy(Retry_After="0"), Response(200, {}, b"demo"))) as server, session() as one:
        assert fetch_text(Asking(Client(one)), PlainUrl.parse(f"{server.url}/r.txt")).content == b"demo"
        assert len(server.requests) == 2


def test_a_busy_index_is_not_asked_for_a_credential_again(home: Path) -> None:
    """The command, and a password that goes along each time, once it was let in."""

    def answer(request: Request) -> Response:
        if request.user_password != "u:p":
            return Response(401, {"WWW-Authenticate": "Basic"})
        return later.pop() if later else PAGE

    later = [busy(Retry_After="0")] * 2
    with RecordingServer(answer) as server:
        url = f"http://u:p@{server.netloc}/simple/"
        done = run("index", "--json", "--project", "demo", url)
        assert done.returncode == 0, done.stderr
        assert [one["filename"] for one in json.loads(done.stdout)[0]["files"]] == ["demo-1.0.tar.gz"]
        assert server.exchanges == [("u:p", 503), ("u:p", 503), ("u:p", 200)]


def test_the_last_refusal_is_told(home: Path) -> None:
    with RecordingServer(then(busy(Retry_After="0"))) as server:
        done = run("resolve", "--format", "json", f"demo @ {server.url}/demo-1.0.tar.gz")
        assert done.returncode == Unreachable.exit_code
        assert json.loads(done.stdout)[0]["message"].endswith("the server answered 503")
        assert len(server.requests) == ATTEMPTS
