"""dulwich's client over our session: what it asks for, where its requests go, what it hears when a server refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from git_helper.core.giturl import GitUrl
from git_helper.errors import UsageError
from git_helper.git.connections import Connections
from git_helper.git.pkt_line import DELIMITER, FLUSH, ServerError, packet, packets
from git_helper.git.pool import SessionPool, with_features
from git_helper.net.message import BLOCK, Answered, Headers, Request, Response


class Body:
    """Bytes in small portions."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def read1(self, size: int = BLOCK) -> bytes:
        part, self._content = self._content[: min(size, 3)], self._content[min(size, 3) :]
        return part

    def close(self) -> None:
        self._content = b""


class Answering:
    """A session that has one answer and keeps the questions."""

    def __init__(self, content: bytes, kind: str, url: str | None = None) -> None:
        self.asked: list[Request] = []
        self._answer = content, kind, url

    def send(self, request: Request) -> Response:
        self.asked.append(request)
        content, kind, url = self._answer
        headers = Headers([("Content-Type", f"application/x-git-upload-pack-{kind}")])
        return Response(200, headers, url or request.url, Body(content), Answered("netrc", b"alice"))


def test_offsets_and_tags_are_asked_for() -> None:
    body = packets(["command=fetch", "agent=x/0001"]) + DELIMITER + packets(["want " + "1" * 40, "done"]) + FLUSH
    asked = with_features(body)
    head, tail = packets(["command=fetch", "agent=x/0001"]) + DELIMITER, packets(["want " + "1" * 40, "done"]) + FLUSH
    assert asked == head + packets(["ofs-delta", "include-tag"]) + tail


@pytest.mark.parametrize(
    "body", [b"", packet("command=ls-refs") + FLUSH, packet("command=fetch"), packet("want " + "1" * 40), b"zz"]
)
def test_other_requests_stay_as_they_are(body: bytes) -> None:
    assert with_features(body) == body


def test_userinfo_goes_to_its_own_origin() -> None:
    session = Answering(b"0000", "result")
    pool = SessionPool(session, GitUrl.parse("https://alice:secret@good.example/a/b.git"))
    for url in ("https://good.example:443/a/b.git/git-upload-pack", "https://evil.example/a/b.git/git-upload-pack"):
        pool.request("POST", url, {"Content-Length": "5"}, b"hello")
    own, other = session.asked
    assert (own.username, own.path) == (b"alice", b"a/b.git")
    assert own.password is not None
    assert (other.username, other.password) == (None, None)
    assert "Content-Length" not in own.headers
    assert "secret" not in repr(session.asked)


def test_what_the_server_says_is_an_error() -> None:
    session = Answering(packet(b"ERR upload-pack: not our ref \x1b[2J https://u:secret@good.example/"), "result")
    pool = SessionPool(session, GitUrl.parse("https://good.example/x"))
    with pytest.raises(ServerError, match="not our ref") as caught:
        pool.request("POST", "https://good.example/x/git-upload-pack", {}, b"0000")
    assert "\x1b" not in caught.value.message
    assert "secret" not in caught.value.message


def test_bodies_are_read_exactly() -> None:
    session = Answering(b"0123456789", "advertisement", "https://other.example/info/refs?x")
    pool = SessionPool(session, GitUrl.parse("https://good.example/x"))
    answer = pool.request("GET", "https://good.example/x/info/refs?service=git-upload-pack")
    assert (answer.read(4), answer.read(5), answer.read(5), answer.read(5)) == (b"0123", b"45678", b"9", b"")
    assert (answer.geturl(), answer.status) == ("https://other.example/info/refs?x", 200)


@pytest.mark.parametrize("url", ["ssh://git@good.example/x", "file:///x"])
def test_other_transports_are_refused(url: str) -> None:
    with pytest.raises(UsageError, match="is not supported"):
        Connections(Answering(b"", "result")).client(GitUrl.parse(url))


def test_the_client_keeps_no_userinfo(tmp_path: Path) -> None:
    client, path = Connections(Answering(b"", "result")).client(GitUrl.parse("https://u:secret@good.example/x@v1"))
    assert (path, client.get_url("")) == ("", "https://good.example/x")
