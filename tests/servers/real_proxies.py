"""Proxies that other people wrote: tinyproxy(8) for HTTP, microsocks(1) for SOCKS 5."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support import needs

_SECONDS = 10


@dataclass(frozen=True)
class RealProxy:
    """A proxy that runs; `log`: what it tells about its connections."""

    netloc: str
    _log: Path

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8", "replace")

    @property
    def port(self) -> int:
        return int(self.netloc.rpartition(":")[2])


@contextlib.contextmanager
def tinyproxy(folder: Path, user: str | None = None, password: str = "") -> Iterator[RealProxy]:
    """An HTTP proxy; with `user` it lets nobody else in."""
    folder.mkdir(parents=True, exist_ok=True)
    program = needs("tinyproxy")
    log, settings = folder / "tinyproxy.log", folder / "tinyproxy.conf"
    port = _free_port()
    lines = ["Listen 127.0.0.1", f"Port {port}", "Timeout 60", "MaxClients 50", "LogLevel Info", f'LogFile "{log}"']
    lines += [] if user is None else [f"BasicAuth {user} {password}"]
    settings.write_text("\n".join(lines) + "\n")
    with _running([program, "-d", "-c", str(settings)], port, folder / "tinyproxy.out"):
        yield RealProxy(f"127.0.0.1:{port}", log)


@contextlib.contextmanager
def microsocks(folder: Path, user: str | None = None, password: str = "") -> Iterator[RealProxy]:
    """A SOCKS 5 proxy; with `user` it lets nobody else in."""
    folder.mkdir(parents=True, exist_ok=True)
    program, log, port = needs("microsocks"), folder / "microsocks.log", _free_port()
    login = [] if user is None else ["-u", user, "-P", password]
    with _running([program, "-i", "127.0.0.1", "-p", str(port), *login], port, log):
        yield RealProxy(f"127.0.0.1:{port}", log)


@contextlib.contextmanager
def _running(words: Sequence[str], port: int, output: Path) -> Iterator[None]:
    with open(output, "wb") as log, subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log) as child:
        try:
            _wait_for(port, child, output)
            yield
        finally:
            child.kill()


def _wait_for(port: int, child: subprocess.Popen[bytes], output: Path) -> None:
    end = time.monotonic() + _SECONDS
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), _SECONDS):
            return
        assert child.poll() is None and time.monotonic() < end, output.read_text()
        time.sleep(0.02)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
