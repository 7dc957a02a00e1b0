"""A package index in a process of its own: `python -m scripts.benchmarks._index_serving PROJECTS SIZE MEGABYTES …`.

It prints where it is, as one line of JSON; each line on stdin asks for its record since the last, and the end of stdin
ends it. /simple/ and /files/ are for `ada` only; /long/html/ and /long/json/ are pages of MEGABYTES for everyone.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scripts.benchmarks._installation import ROOT
from scripts.benchmarks._relay import Relay
from tests.servers.http_message import Request, Response
from tests.servers.index import HTML, JSON, IndexServer
from tests.servers.rules import Realm

USER, PASSWORD = "ada", "a-secret-of-ada"
_SECONDS = 30


@dataclass(frozen=True)
class Asked:
    """One request as the server saw it."""

    method: str
    path: str
    status: int


@dataclass
class IndexRemote:
    """`url` leads to the server, `far` through the relay; both without a slash at the end."""

    url: str
    far: str
    _process: subprocess.Popen[bytes]

    def seen(self) -> list[Asked]:
        """The requests since this was asked last."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"record\n")
        self._process.stdin.flush()
        return [Asked(*one) for one in json.loads(self._process.stdout.readline())]


def name(number: int) -> str:
    """The project of that number."""
    return f"greeting{number:03d}"


@contextlib.contextmanager
def serving_index(projects: int, size: int, megabytes: int, round_trip: float) -> Iterator[IndexRemote]:
    """Projects with one wheel of `size` bytes each. round_trip: seconds, of `far`. RuntimeError when it does not start."""
    words = [sys.executable, "-m", "scripts.benchmarks._index_serving", *map(str, (projects, size, megabytes))]
    words += ["--round-trip", str(round_trip)]
    with subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            if not line:
                raise RuntimeError("the index of the benchmark did not start")
            yield IndexRemote(**json.loads(line), _process=process)
        finally:
            process.stdin.close()
            try:
                process.wait(_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


class BenchIndex(IndexServer):
    """With pages that are as long as wanted, made while they are sent."""

    def __init__(self, projects: Mapping[str, Mapping[str, bytes]], megabytes: int) -> None:
        super().__init__(projects, [Realm("/simple/", [(USER, PASSWORD)]), Realm("/files/", [(USER, PASSWORD)])])
        self._megabytes = megabytes

    def answer(self, request: Request) -> Response:
        """A long page, or what the index has."""
        if request.path in ("/long/html/", "/long/json/"):
            in_json = request.path == "/long/json/"
            kind = JSON if in_json else HTML
            return Response(200, {"Content-Type": kind}, _long_page(in_json, self._megabytes * 1_000_000))
        return super().answer(request)


def _long_page(in_json: bool, size: int) -> Iterator[bytes]:
    digest = "a" * 64
    file = "demo-1.0.%d-py3-none-any.whl"
    line = f'<a href="../../f/{file}#sha256={digest}" data-requires-python="&gt;=3.8">{file}</a><br/>\n'
    if in_json:
        yield b'{"meta": {"api-version": "1.1"}, "name": "demo", "files": [{"filename": "d-1.zip", "url": "d-1.zip"}'
        line = f', {{"filename": "{file}", "url": "../f/{file}", "hashes": {{"sha256": "{digest}"}}, "size": 1000}}'
    for start in range(0, size // len(line), 500):
        yield "".join(line % ((number,) * line.count("%d")) for number in range(start, start + 500)).encode()
    if in_json:
        yield b"]}"


def _wheel(project: str, size: int) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        info = f"{project}-1.0.dist-info"
        files = {
            f"{project}.py": "",
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {project}\nVersion: 1.0\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: bench\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        archive.writestr(f"{project}.bin", os.urandom(max(size - 1000, 0)))
        for path, text in files.items():
            archive.writestr(path, text)
        archive.writestr(f"{info}/RECORD", "".join(f"{path},,\n" for path in (*files, f"{info}/RECORD")))
    return packed.getvalue()


def main() -> None:
    """Serves until stdin ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("projects", type=int)
    parser.add_argument("size", type=int)
    parser.add_argument("megabytes", type=int)
    parser.add_argument("--round-trip", type=float, required=True)
    options = parser.parse_args()
    names = [name(number) for number in range(options.projects)]
    projects = {one: {f"{one}-1.0-py3-none-any.whl": _wheel(one, options.size)} for one in names}
    with BenchIndex(projects, options.megabytes) as server, Relay(server.port, options.round_trip) as relay:
        _say({"url": server.url, "far": f"http://{server.host}:{relay.port}"})
        for _ in sys.stdin:
            _say([[request.method, request.path, request.status or 0] for request in server.requests])
            server.forget()


def _say(what: object) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    main()
