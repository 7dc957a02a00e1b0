"""The real `git http-backend`, run as a CGI program (RFC 3875, git-http-backend(1))."""

from __future__ import annotations

import functools
import io
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, cast

from tests.servers.http_message import BLOCK, Request, Response, plain

# receive-pack would start a detached gc, which outlives the server.
_CONFIG = {"gc.auto": "0", "receive.autoGC": "false", "maintenance.auto": "false"}


@functools.cache
def program() -> str:
    """Where git keeps http-backend. FileNotFoundError when this git was packaged without it."""
    folder = os.fsdecode(subprocess.run(["git", "--exec-path"], capture_output=True, check=True).stdout.rstrip(b"\n"))
    found = shutil.which("git-http-backend", path=folder)
    if found is None:
        raise FileNotFoundError(f"no git-http-backend in '{folder}'")
    return found


class HttpBackend:
    """Answers requests with one http-backend process each. `root` holds the repositories.

    config: git configuration of the server side. log: a file that gets what http-backend says on stderr.
    """

    def __init__(self, root: Path, config: Mapping[str, str], protocol_v2: bool, log: Path | None) -> None:
        self._root = root
        self._config = {**_CONFIG, **config}
        self._protocol_v2 = protocol_v2
        self._log = log
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._program = program()

    def answer(self, request: Request, server: Mapping[str, str]) -> Response:
        """server: the variables of RFC 3875 that belong to the socket (SERVER_NAME, SERVER_PORT, …)."""
        with tempfile.TemporaryFile() as spool:
            # The body goes to a file first: http-backend may answer before it has read everything, and a pipe on either
            # side could then fill while we write the other. A TLS socket must not be read and written by two threads.
            for block in request.body:
                spool.write(block)
            spool.seek(0)
            process = self._start(self._environment(request, server), spool)
        assert process.stdout is not None
        status, lines = _read_head(process.stdout)
        if status is None:
            self._finish(process)
            return plain(502, f"git http-backend ended with {process.returncode}")
        return Response(status, lines, _Output(process, self._finish))

    def stop(self) -> None:
        """Ends every process that still runs, with its children."""
        with self._lock:
            running = list(self._running)
        for process in running:
            _kill(process)

    def _start(self, environment: dict[str, str], stdin: IO[bytes]) -> subprocess.Popen[bytes]:
        with open(self._log or os.devnull, "ab") as stderr:
            process = subprocess.Popen(
                [self._program],
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=environment,
                cwd=self._root,
                process_group=0,
            )
        with self._lock:
            self._running.add(process)
        return process

    def _finish(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        process.stdout.close()
        process.wait()
        with self._lock:
            self._running.discard(process)

    def _environment(self, request: Request, server: Mapping[str, str]) -> dict[str, str]:
        headers = request.headers
        variables = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": os.devnull,
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_PROJECT_ROOT": str(self._root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GATEWAY_INTERFACE": "CGI/1.1",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "SERVER_SOFTWARE": "loopback",
            **server,
            "REMOTE_ADDR": request.client,
            "REQUEST_METHOD": request.method,
            "PATH_INFO": request.path,
            "QUERY_STRING": request.query,
            "CONTENT_TYPE": headers.get("content-type", ""),
            "HTTP_CONTENT_ENCODING": headers.get("content-encoding", ""),
            "HTTP_ACCEPT": headers.get("accept", ""),
            "HTTP_ACCEPT_LANGUAGE": headers.get("accept-language", ""),
            "HTTP_USER_AGENT": headers.get("user-agent", ""),
            "GIT_CONFIG_COUNT": str(len(self._config)),
        }
        if request.method == "POST":
            variables["CONTENT_LENGTH"] = str(request.received)
        if request.user is not None:
            variables["REMOTE_USER"] = request.user
        if self._protocol_v2 and "git-protocol" in headers:
            variables["GIT_PROTOCOL"] = variables["HTTP_GIT_PROTOCOL"] = headers["git-protocol"]
        for number, (key, value) in enumerate(self._config.items()):
            variables[f"GIT_CONFIG_KEY_{number}"], variables[f"GIT_CONFIG_VALUE_{number}"] = key, value
        return variables


class _Output(Iterator[bytes]):
    """The rest of what a process says. Not a generator: closing it ends the process even when nothing was read yet."""

    def __init__(self, process: subprocess.Popen[bytes], finish: Callable[[subprocess.Popen[bytes]], None]) -> None:
        assert process.stdout is not None
        self._stream = cast(io.BufferedReader, process.stdout)
        self._process = process
        self._finish = finish
        self._ended = False

    def __next__(self) -> bytes:
        block = self._stream.read1(BLOCK)
        if not block:
            self._ended = True
            raise StopIteration
        return block

    def close(self) -> None:
        if self._stream.closed:
            return
        if not self._ended:  # the client left first, or there was nobody to read
            _kill(self._process)
        self._finish(self._process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _read_head(stream: IO[bytes]) -> tuple[int | None, list[tuple[str, str]]]:
    """The CGI header: status (200 unless it says another) and the other lines; no status when there is no header."""
    status = 200
    lines: list[tuple[str, str]] = []
    while line := stream.readline():
        name, _, value = line.decode("latin-1").strip().partition(": ")
        if not name:
            return status, lines
        if name.lower() == "status":
            status = int(value.split()[0])
        else:
            lines.append((name, value))
    return None, []
