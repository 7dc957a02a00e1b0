"""Repositories on loopback as the tests of this room read them: with the real session, over real HTTP."""

from __future__ import annotations

import contextlib
import ssl
import threading
import wsgiref.simple_server
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from dulwich.repo import Repo
from dulwich.server import DictBackend
from dulwich.web import HTTPGitApplication

from git_helper.core.giturl import GitUrl
from git_helper.git.smart_http import HttpRepository
from git_helper.net.session import Session
from tests.servers.git_http import GitHttpServer
from tests.servers.http_message import Request, Response


@contextlib.contextmanager
def opened(url: str, tell: Callable[[str], None] | None = None) -> Iterator[HttpRepository]:
    """The repository at `url`; only what the URL carries lets us in."""
    with Session(context_for=lambda _: ssl.create_default_context(), timeout=10) as session:
        yield HttpRepository(session, GitUrl.parse(url), tell)


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

    with contextlib.closing(Repo(str(repository))) as opened_repository:
        application = HTTPGitApplication(DictBackend({"/demo.git": opened_repository}))
        server = wsgiref.simple_server.make_server("127.0.0.1", 0, application, handler_class=Quiet)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/demo.git"
        finally:
            server.shutdown()
            thread.join(10)
            server.server_close()
