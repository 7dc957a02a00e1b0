"""A process with a Git server, apart from the one that measures: `python -m scripts.benchmarks._serving ROOT …`.

It prints where it is, as one line of JSON; each line on stdin asks for its record since the last, and the end of stdin
ends it.
"""

from __future__ import annotations

import argparse
import io
import json
import ssl
import sys
from contextlib import ExitStack, closing
from pathlib import Path

import trustme

from scripts.benchmarks._relay import Relay
from tests.servers.git_http import GitHttpServer
from tests.servers.http_message import Body, Request, Response

_Key = tuple[str, str, str | None, bytes]


class ReplayingServer(GitHttpServer):
    """What it was asked before it answers from memory, so that it costs next to nothing."""

    def __init__(self, root: Path, *, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(root, tls=tls)
        self._known: dict[_Key, Response] = {}

    def answer(self, request: Request) -> Response:
        """The same request, the same answer."""
        content = b"".join(request.body)
        key = (request.method, request.target, request.headers.get("git-protocol"), content)
        if key not in self._known:
            request.body = Body(io.BytesIO(content), {"content-length": str(len(content))}, lambda: None)
            self._known[key] = _in_memory(super().answer(request))
        return self._known[key]


def _in_memory(response: Response) -> Response:
    body = response.body
    if not isinstance(body, bytes | str):
        with closing(body) as blocks:  # type: ignore[type-var]
            body = b"".join(blocks)
    return Response(response.status, response.headers, body)


def main() -> None:
    """Serves until stdin ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("root", type=Path)
    parser.add_argument("--authority", type=Path, help="serve https; the file to write its authority to")
    parser.add_argument("--round-trip", type=float, help="seconds: a second way to it, through a relay")
    parser.add_argument("--replay", action="store_true", help="answer from memory what was asked before")
    options = parser.parse_args()
    with ExitStack() as stack:
        tls = None if options.authority is None else _tls(options.authority)
        kind = ReplayingServer if options.replay else GitHttpServer
        server = stack.enter_context(kind(options.root, tls=tls))
        far = None
        if options.round_trip is not None:
            relay = stack.enter_context(Relay(server.port, options.round_trip))
            far = f"{server.scheme}://{server.host}:{relay.port}"
        _say({"url": server.url, "far": far})
        for _ in sys.stdin:
            _say([[request.method, request.received, request.sent] for request in server.requests])
            server.forget()


def _tls(authority: Path) -> ssl.SSLContext:
    ours = trustme.CA()
    ours.cert_pem.write_to_path(str(authority))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.issue_cert("127.0.0.1").configure_cert(context)
    return context


def _say(what: object) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    main()
