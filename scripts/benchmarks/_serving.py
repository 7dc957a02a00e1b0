"""A process with a Git server, apart from the one that measures: `python -m scripts.benchmarks._serving ROOT …`.

It prints where it is, as one line of JSON; each line on stdin asks for its record since the last, and the end of stdin
ends it.
"""

from __future__ import annotations

import argparse
import json
import ssl
import sys
from contextlib import ExitStack
from pathlib import Path

import trustme

from scripts.benchmarks._relay import Relay
from tests.servers.git_http import GitHttpServer


def main() -> None:
    """Serves until stdin ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("root", type=Path)
    parser.add_argument("--authority", type=Path, help="serve https; the file to write its authority to")
    parser.add_argument("--round-trip", type=float, help="seconds: a second way to it, through a relay")
    options = parser.parse_args()
    with ExitStack() as stack:
        tls = None if options.authority is None else _tls(options.authority)
        server = stack.enter_context(GitHttpServer(options.root, tls=tls))
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
