"""A server with scripted answers that records what it was asked."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Mapping

from tests.servers.http_message import HeaderLines, Request, Response
from tests.servers.loopback import LoopbackServer

Answer = Response | tuple[int, Mapping[str, str] | HeaderLines, bytes | str | Iterable[bytes]]
Script = Callable[[Request], Answer]


class RecordingServer(LoopbackServer):
    """Answers with what `script(request)` returns: a Response, or (status, headers, body).

    The whole body of a request is in `request.content`. A body that is an iterator may stall (`server.hold()`) or raise
    `Dropped` to cut the connection. Without a script every request is answered 200 and empty.
    """

    def __init__(
        self,
        script: Script | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(host=host, port=port, tls=tls)
        self.script = script

    def answer(self, request: Request) -> Response:
        request.content = b"".join(request.body)
        if self.script is None:
            return Response()
        answer = self.script(request)
        return answer if isinstance(answer, Response) else Response(*answer)
