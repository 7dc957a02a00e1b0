"""Repositories on loopback as the tests of this room read them: with the real session, over real HTTP."""

from __future__ import annotations

import contextlib
import io
import ssl
import threading
import wsgiref.simple_server
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from dulwich.repo import Repo
from dulwich.server import BackendRepo, DictBackend
from dulwich.web import HTTPGitApplication

from git_helper.core.giturl import GitUrl
from git_helper.git.smart_http import HttpRepository
from git_helper.net.session import Session
from tests.servers.git_http import GitHttpServer
from tests.servers.http_message import Request, Response
from tests.servers.recording import RecordingServer, Script


@contextlib.contextmanager
def opened(url: str) -> Iterator[HttpRepository]:
    """The repository at `url`; only what the URL carries lets us in."""
    with Session(context_for=lambda _: ssl.create_default_context(), timeout=10) as session:
        yield HttpRepository(session, GitUrl.parse(url))


@contextlib.contextmanager
def served(server: GitHttpServer) -> Iterator[HttpRepository]:
    """demo.git of `server`, which runs meanwhile."""
    with server, opened(f"{server.url}/demo.git") as repository:
        yield repository


@contextlib.contextmanager
def scripted(script: Script) -> Iterator[HttpRepository]:
    """What `script` makes of a repository."""
    with RecordingServer(script) as server, opened(f"{server.url}/x.git") as repository:
        yield repository


class Version1Server(GitHttpServer):
    """Answers in version 1 whoever asks for more."""

    def answer(self, request: Request) -> Response:
        lines = tuple(
            (name, "version=1" if name.lower() == "git-protocol" else value) for name, value in request.header_lines
        )
        return super().answer(replace(request, header_lines=lines))


@contextlib.contextmanager
def dulwich_server(repository: Path) -> Iterator[str]:
    """dulwich's own server with this repository at the URL that it gives."""

    class Quiet(wsgiref.simple_server.WSGIRequestHandler):
        def log_message(self, *_: object) -> None:
            """Says nothing."""

        def get_stderr(self) -> io.StringIO:
            """Nor of errors: version 2 is one for it."""
            return io.StringIO()

    with contextlib.closing(Repo(str(repository))) as opened_repository:
        repositories: dict[str, BackendRepo] = {"/demo.git": opened_repository}
        application = HTTPGitApplication(DictBackend(repositories))
        server = wsgiref.simple_server.make_server("127.0.0.1", 0, application, handler_class=Quiet)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/demo.git"
        finally:
            server.shutdown()
            thread.join(10)
            server.server_close()
